"""The edge's own requests in a dialog, for either side: the BYE that ends the call (S11), the probe. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from sipedge.routing.dialog.hops import Hop
from sipedge.routing.dialog.memory import CallFacts
from sipedge.routing.dialog.tokens import is_ours
from sipedge.routing.liveness import Question
from sipedge.uri import SipUri, address_of, bracketed, parse_uri, split_header, uri_of_header

CSEQ_STEP: Final = 100
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


@dataclass(frozen=True, slots=True)
class Way:
    """How a request of the edge's own reaches one side."""

    hop: Hop
    """Where it goes. Its other URIs say nothing about that, so that none is resolved."""
    own_addresses: tuple[str, ...]
    """Of this instance: its own Record-Route is left out."""


def end_call_bye(call_id: str, receiver: Party, other: Party, way: Way) -> OwnRequest:
    """The BYE that tells `receiver` that `other` has hung up, both named as the receiver was shown them."""
    return _own_request("BYE", _last_cseq(other) + CSEQ_STEP, call_id, receiver, other, way)


def probe(call_id: str, receiver: Party, other: Party, way: Way) -> OwnRequest:
    """The OPTIONS that asks `receiver` whether it has the call still, as if `other` asked.

    It repeats the number of the other's last request, 0 if there was none: so it takes none that the other
    will use, and what is not above the last teaches no receiver a number (RFC 3261 section 12.2.2). Some
    refuse it for that by 500, which proves the call as well.
    """
    return _own_request("OPTIONS", _last_cseq(other), call_id, receiver, other, way)


def options(question: Question, hop: Hop, own_address: str) -> OwnRequest:
    """The OPTIONS that asks a target, outside of any dialog, whether it answers."""
    own = f"<sip:{bracketed(own_address)}>"
    place = question.finding.place
    # Kamailio makes no request with a host such as `my_pbx`.
    uri = hop.uri if "_" in place.request_uri else place.request_uri
    headers = (
        ("From", f"{own};tag={question.call_id[:16]}"),
        ("To", f"<{uri}>"),
        ("Call-ID", question.call_id),
        ("CSeq", f"{question.cseq} OPTIONS"),
        ("Max-Forwards", "70"),
        ("Accept", "application/sdp"),
    )
    return OwnRequest("OPTIONS", uri, hop, headers)


def _own_request(method: str, cseq: int, call_id: str, receiver: Party, other: Party, way: Way) -> OwnRequest:
    routes = [
        member
        for member in split_header(receiver.routes)
        if (uri := uri_of_header(member)) is not None and not _is_own(uri, way.own_addresses)
    ]
    headers = [
        ("From", f"{other.address};tag={other.tag}"),
        ("To", f"{receiver.address};tag={receiver.tag}"),
        ("Call-ID", call_id),
        ("CSeq", f"{min(cseq, _LARGEST_CSEQ)} {method}"),
        *(("Route", route) for route in routes),
        ("Max-Forwards", "70"),
    ]
    contact = parse_uri(receiver.contact)
    # Kamailio makes no request with a host such as `my_pbx`.
    usable = (
        contact is not None and "_" not in contact.host and _USABLE.fullmatch(receiver.contact) is not None
    )
    return OwnRequest(method, receiver.contact if usable else way.hop.uri, way.hop, tuple(headers))


def _is_own(uri: SipUri, own_addresses: tuple[str, ...]) -> bool:
    # Another edge's, of this or another platform, knows its call by the token in it, and wants it back.
    return is_ours(uri) and str(address_of(uri.host)) in own_addresses


def _last_cseq(party: Party) -> int:
    known = int(party.cseq) if re.fullmatch("[0-9]{1,10}", party.cseq, re.ASCII) else 0
    return known + party.cseq_shift
