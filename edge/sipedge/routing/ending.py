"""The BYE by which the edge itself ends a call (S11), for either side. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from sipedge.routing.hops import Hop
from sipedge.routing.memory import CallFacts
from sipedge.uri import parse_uri, split_header, uri_of_header

_CSEQ_STEP: Final = 100
"""Added to the last CSeq that the dialog module knows: a PRACK and an answered challenge are not in it, and a
request may skip numbers (RFC 3261 section 12.2.1.1)."""
_LARGEST_CSEQ: Final = 2**31 - 1
_USABLE: Final = re.compile(r"[^\s<>\"\x00-\x1f\x7f]+")


@dataclass(frozen=True, slots=True)
class Party:
    """One side of a dialog as its messages described it; any text in any field is allowed."""

    address: str
    """Its From or To as the receiver was shown it, without the tag."""
    tag: str
    contact: str
    routes: str
    """The proxies behind this side, in the order to pass them: name-addrs, comma-separated."""
    cseq: str
    """Of this side's last request; "" if it has made none."""
    cseq_shift: int = 0
    """What the edge adds to it."""


@dataclass(frozen=True, slots=True)
class OwnRequest:
    """A request of the edge's own."""

    method: str
    request_uri: str
    hop: Hop
    headers: tuple[tuple[str, str], ...]


def caller_address(facts: CallFacts | None, uri: str, *, to_caller: bool) -> str:
    """The caller as one side was shown it; by its URI alone where no facts are known."""
    if facts is None:
        return f"<{uri}>"
    return facts.from_received if to_caller else facts.from_sent


def callee_address(facts: CallFacts | None, uri: str, *, to_caller: bool) -> str:
    """The callee as one side was shown it; by its URI alone where no facts are known."""
    if facts is None:
        return f"<{uri}>"
    return facts.to_received if to_caller else facts.to_sent


def end_call_bye(call_id: str, receiver: Party, other: Party, hop: Hop, token_parameter: str) -> OwnRequest:
    """The BYE that tells `receiver` that `other` has hung up, both named as the receiver was shown them. It
    goes to `hop`; its other URIs say nothing about where it goes, so that none is resolved.

    `token_parameter` marks the edge's own Record-Route, which is left out.
    """
    routes = [
        member
        for member in split_header(receiver.routes)
        if (uri := uri_of_header(member)) is not None and uri.param(token_parameter) is None
    ]
    headers = [
        ("From", f"{other.address};tag={other.tag}"),
        ("To", f"{receiver.address};tag={receiver.tag}"),
        ("Call-ID", call_id),
        ("CSeq", f"{_next_cseq(other.cseq, other.cseq_shift)} BYE"),
        *(("Route", route) for route in routes),
        ("Max-Forwards", "70"),
    ]
    contact = parse_uri(receiver.contact)
    # Kamailio makes no request with a host such as `my_pbx`.
    usable = (
        contact is not None and "_" not in contact.host and _USABLE.fullmatch(receiver.contact) is not None
    )
    return OwnRequest("BYE", receiver.contact if usable else hop.uri, hop, tuple(headers))


def _next_cseq(last: str, shift: int) -> int:
    known = int(last) if re.fullmatch("[0-9]{1,10}", last, re.ASCII) else 0
    return min(known + shift + _CSEQ_STEP, _LARGEST_CSEQ)
