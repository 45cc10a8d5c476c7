"""Values that only this platform can make: dialog tokens and call ids. Pure.

A dialog token in our Record-Route proves that the dialog was set up through this edge address, and says where
its two sides are: without it a stranger's forged To-tag and Route would make the edge an open relay. It holds
for one attempt of one call, until the call has ended at the latest, and survives a restart of Kamailio.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from dataclasses import dataclass
from typing import Final

from sipedge.routing.decision import Direction
from sipedge.routing.hops import HOP_PATTERN, Hop, hop_from_text
from sipedge.secret import Secret
from sipedge.uri import SipUri

TOKEN_PARAMETER = "tk"  # noqa: S105 - a parameter's name
_TOKEN: Final = re.compile(rf"([0-9a-f]{{32}})([to])([0-9a-f]{{8}})({HOP_PATTERN})({HOP_PATTERN})")
_OLD_TOKEN: Final = re.compile("[0-9a-f]{32}")


@dataclass(frozen=True, slots=True)
class DialogToken:
    """What the edge must know of a call to serve its dialog, with no memory of it."""

    direction: Direction
    ends: int
    """When the token ends, seconds since the epoch, below 2^32."""
    caller: Hop
    """Where the INVITE came from."""
    callee: Hop
    """Where this attempt's INVITE goes."""

    def to_text(self) -> str:
        return f"{self.direction.value[0]}{self.ends:08x}{self.caller.to_text()}{self.callee.to_text()}"


@dataclass(frozen=True, slots=True)
class HeldToken:
    """A valid token, and which side of its dialog has sent it."""

    token: DialogToken
    by_caller: bool
    key: str
    """Names the dialog: the token's MAC."""

    @property
    def sender(self) -> Hop:
        return self.token.caller if self.by_caller else self.token.callee

    @property
    def receiver(self) -> Hop:
        return self.token.callee if self.by_caller else self.token.caller


@dataclass(frozen=True, slots=True)
class TokenKeeper:
    """Makes and reads the tokens of one edge address."""

    edge_secret: Secret
    own_address: str
    """Part of what is signed: a token holds at no other address of the platform."""

    def route_parameter(self, call_id: str, caller_tag: str, token: DialogToken) -> str:
        """The parameter of our Record-Route, with a leading `;`: 63 characters for IPv4, 111 for IPv6."""
        text = token.to_text()
        return f";{TOKEN_PARAMETER}={self._mac(call_id, caller_tag, text)}{text}"

    def read(
        self, route: SipUri | None, call_id: str, from_tag: str, to_tag: str, now: float
    ) -> HeldToken | None:
        """The token in our Route of an in-dialog request, or in our Record-Route of an answer.

        `now` is in seconds since the epoch. None for a token that is another dialog's, forged, or at its end.
        """
        match = _TOKEN.fullmatch((route.param(TOKEN_PARAMETER) if route else None) or "")
        if match is None:
            return None
        mac, direction, ends, caller, callee = match.groups()
        text = match[0].removeprefix(mac)
        caller_hop, callee_hop = hop_from_text(caller), hop_from_text(callee)
        if caller_hop is None or callee_hop is None or int(ends, 16) < now:
            return None
        for by_caller, tag in ((True, from_tag), (False, to_tag)):
            if tag and hmac.compare_digest(mac, self._mac(call_id, tag, text)):
                meant = Direction.TERMINATION if direction == "t" else Direction.ORIGINATION
                return HeldToken(DialogToken(meant, int(ends, 16), caller_hop, callee_hop), by_caller, mac)
        return None

    def is_of_old_call(self, route: SipUri | None, call_id: str, from_tag: str, to_tag: str) -> bool:
        """True for a token of the format before sides were signed: over Call-ID and caller's tag alone."""
        sent = (route.param(TOKEN_PARAMETER) if route else None) or ""
        return _OLD_TOKEN.fullmatch(sent) is not None and any(
            tag and hmac.compare_digest(sent, _keyed(self.edge_secret, "dialog", call_id, tag))
            for tag in (from_tag, to_tag)
        )

    def _mac(self, call_id: str, caller_tag: str, text: str) -> str:
        return _keyed(self.edge_secret, "sides", self.own_address, call_id, caller_tag, text)


def call_sid(edge_secret: Secret, call_id: str, caller_tag: str) -> str:
    """The call's id for the customer: `CA` and 32 hex digits, the same at every edge."""
    return "CA" + _keyed(edge_secret, "call", call_id, caller_tag)


def is_ours(uri: SipUri | None) -> bool:
    """True for a URI that says it is a Record-Route of ours; whether it is, `TokenKeeper.read` tells."""
    return uri is not None and uri.param(TOKEN_PARAMETER) is not None


def _keyed(edge_secret: Secret, *parts: str) -> str:
    # Keyed BLAKE2b is a MAC by itself (RFC 7693) at a thirtieth of the price of OpenSSL 3's HMAC.
    # The length before each part: no two lists of parts give the same bytes.
    message = b"".join(b"%d:%b" % (len(raw), raw) for raw in (part.encode() for part in parts))
    return hashlib.blake2b(message, key=edge_secret.reveal().encode(), digest_size=16).hexdigest()
