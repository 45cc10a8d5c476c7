"""Values that only this platform can make: dialog tokens and call ids. Pure.

A dialog token in our Record-Route proves that the dialog was set up through an edge of this platform: without
it a stranger's forged To-tag and Route would make the edge an open relay.
"""

from __future__ import annotations

import hashlib
import hmac

from sipedge.routing.decision import Direction
from sipedge.secret import Secret
from sipedge.uri import SipUri

TOKEN_PARAMETER = "tk"  # noqa: S105 - a parameter's name
DIRECTION_PARAMETER = "dn"


def dialog_token(edge_secret: Secret, call_id: str, caller_tag: str) -> str:
    """The token of one dialog: 32 hex digits over its Call-ID and the caller's tag."""
    return _keyed(edge_secret, "dialog", call_id, caller_tag)


def call_sid(edge_secret: Secret, call_id: str, caller_tag: str) -> str:
    """The call's id for the customer: `CA` and 32 hex digits, the same at every edge."""
    return "CA" + _keyed(edge_secret, "call", call_id, caller_tag)


def route_parameters(edge_secret: Secret, call_id: str, caller_tag: str, direction: Direction) -> str:
    """The parameters of our Record-Route, with a leading `;`."""
    token = dialog_token(edge_secret, call_id, caller_tag)
    return f";{TOKEN_PARAMETER}={token};{DIRECTION_PARAMETER}={direction.value[0]}"


def token_holder(
    edge_secret: Secret, route: SipUri | None, call_id: str, from_tag: str, to_tag: str
) -> str | None:
    """Who sent this in-dialog request, `caller` or `callee`; None if its Route holds no valid token."""
    sent = (route.param(TOKEN_PARAMETER) if route else None) or ""
    for holder, tag in (("caller", from_tag), ("callee", to_tag)):
        if tag and hmac.compare_digest(sent.encode(), dialog_token(edge_secret, call_id, tag).encode()):
            return holder
    return None


def direction_of(route: SipUri) -> Direction:
    """Which way the call went that set this dialog up."""
    return Direction.TERMINATION if route.param(DIRECTION_PARAMETER) == "t" else Direction.ORIGINATION


def _keyed(edge_secret: Secret, *parts: str) -> str:
    # Keyed BLAKE2b is a MAC by itself (RFC 7693) at a thirtieth of the price of OpenSSL 3's HMAC.
    # The length before each part: no two lists of parts give the same bytes.
    message = b"".join(b"%d:%b" % (len(raw), raw) for raw in (part.encode() for part in parts))
    return hashlib.blake2b(message, key=edge_secret.reveal().encode(), digest_size=16).hexdigest()
