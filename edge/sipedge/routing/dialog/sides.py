"""The two sides of a call: where each is reached, and who may speak for it. Pure.

A side has a kind and a next hop: the first Record-Route of its dialog-forming message beyond ours, else its
Contact, if that is an address that may be used. A name, an address of an edge, or a private address that
nothing of the platform names is none: then the hop is where the message came from, and no name is resolved.
What a request to be sent says in its Route and Request-URI chooses no hop.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from sipedge.routing.attempts import DEFAULT_PORTS, is_carriers, is_refused
from sipedge.routing.dialog.hops import Hop, hop_named, hop_of_uri, make_hop
from sipedge.routing.dialog.memory import CallFacts, SideKind, SideMemory
from sipedge.routing.message.messages import Message, SipAnswer, SipRequest
from sipedge.table import Table
from sipedge.table.lookup import in_any
from sipedge.uri import LONGEST_KEPT, SipUri, address_of, address_part, parse_uri, split_header
from sipedge.values import quickly_made, replace

TARGET_REFRESHES: Final = frozenset({"INVITE", "UPDATE"})
"""Requests whose Contact, and that of their 2xx, replaces the one before (RFC 3261 12.2, RFC 3311)."""
_OWN_KINDS: Final = frozenset({SideKind.SIBLING, SideKind.B2BUA})
"""Kinds that stand at addresses of the platform itself. A token's MAC proves them."""
_USABLE_URI: Final = re.compile(r"[!-~]+", re.ASCII)


@quickly_made
@dataclass(frozen=True)
class Surroundings:
    """What the platform and a side's own configuration say of its addresses."""

    table: Table
    own_addresses: tuple[str, ...]
    """Of this very instance: what it sends there comes back to it."""
    kind: SideKind
    facts: CallFacts | None
    secure: bool
    """True: a customer is reached over TLS alone (S20)."""

    def is_own(self, address: str) -> bool:
        """True for an address of this or another edge."""
        site = self.table.site()
        return address in self.own_addresses or (site is not None and in_any(address, site.edge_addresses))

    def names(self, address: str) -> bool:
        """True if the side's own configuration names the address: the trunk's access lists, the carrier's
        source networks (after a restart, those of any carrier)."""
        if self.kind is SideKind.CARRIER:
            carrier = self.facts.carrier if self.facts is not None else None
            return in_any(address, self.table.carrier_networks(carrier))
        if self.kind is not SideKind.CUSTOMER or self.facts is None:
            return False
        trunk = self.table.trunk(self.facts.trunk)
        return trunk is not None and in_any(address, trunk.access or ())

    def is_denied(self, address: str) -> bool:
        """True for a network where no call may be sent, and for a customer a carrier's place; a customer's
        account may have exceptions."""
        site = self.table.site()
        account = self.table.account(self.facts.account) if self.facts is not None else None
        is_customer = self.kind is SideKind.CUSTOMER
        allowed = account.allowed_targets if is_customer and account is not None else ()
        if site is None or is_refused(site, address, allowed):
            return True
        return is_customer and is_carriers(self.table, address, allowed)

    def may_be_sent_to(self, address: str, known: tuple[str, ...]) -> bool:
        """True if a request for this side may go there. `known` are addresses that were judged already, or
        that the message at hand came from."""
        if self.is_own(address):
            return self.kind in _OWN_KINDS
        if self.kind is SideKind.SIBLING:
            return False  # the far end's own places are that edge's business
        if address in known:
            return True
        if self.is_denied(address):
            return False
        parsed = address_of(address)
        if parsed is None or parsed.is_multicast or not self._is_spoken(parsed.version):
            return False
        return parsed.is_global or self.names(address)

    def _is_spoken(self, version: int) -> bool:
        """True for the IP version of the addresses that this instance has: it reaches no others."""
        own = {found.version for each in self.own_addresses if (found := address_of(each)) is not None}
        return not own or version in own


def source_of(message: Message) -> Hop | None:
    """Where the message came from."""
    return make_hop(message.source, message.source_port, message.transport)


def caller_of(around: Surroundings, invite: SipRequest, source: Hop) -> SideMemory:
    """The caller, as the INVITE that came from `source` shows it."""
    route = _first(invite.headers["record-route"]) if "record-route" in invite.headers else ""
    contact = contact_of(invite)
    fallback = _listening(source, contact)
    return _side(around, route, contact, fallback, (source.address,), source, invite.connection)


def callee_of(
    around: Surroundings, attempt: Hop, answer: SipAnswer, is_ours: Callable[[SipUri | None], bool]
) -> SideMemory:
    """The callee, as an answer to the INVITE that was sent to `attempt` shows it."""
    contact, source = contact_of(answer), source_of(answer)
    usable = source if source is not None and _is_usable(around, source, attempt) else None
    known = (attempt.address, *((usable.address,) if usable is not None else ()))
    fallback = attempt
    if usable is not None and usable.address != attempt.address:
        fallback = _listening(usable, contact)
    route = _before_ours(answer.headers.get("record-route", ()), is_ours)
    return _side(around, route, contact, fallback, known, usable, answer.connection if usable else None)


def refreshed(around: Surroundings, side: SideMemory, message: Message, *, is_caller: bool) -> SideMemory:
    """The side after a later valid message of it: port and connection always, the target by a refresh."""
    source = source_of(message)
    if source is None or not _is_usable(around, source, side.hop, side.source):
        return side
    seen = replace(side, source=source, connection=message.connection)
    contact = contact_of(message)
    if contact and _refreshes_target(message):
        seen = replace(seen, contact=contact)
        if side.behind_proxy:
            return seen
        fallback = _listening(source, contact)
        if not is_caller and source.address == side.hop.address:
            fallback = _moved(side, source)
        known = (side.hop.address, source.address)
        return replace(seen, hop=_declared(around, contact, known) or fallback)
    return replace(seen, hop=_moved(side, source))


def next_hop(around: Surroundings, side: SideMemory, *, connected: bool) -> Hop | None:
    """Where a request for this side is sent, the living connection first; None if that is an edge."""
    source = side.source
    if connected and source is not None and source.is_stream and not _is_foreign(around, source):
        return source
    return None if _is_foreign(around, side.hop) else side.hop


def is_behind_nat(side: SideMemory) -> bool:
    """True for a side that is reached at the UDP port that it sent from, not where its Contact says.

    A NAT keeps such a port for as long as there are packets, and only then.
    """
    if side.behind_proxy or side.hop.is_stream or side.hop != side.source:
        return False
    return hop_of_uri(parse_uri(side.contact)) != side.hop


def is_asked(side: SideMemory) -> bool:
    """True for a side that the edge itself asks whether it has a call still: a sibling asks its own."""
    return side.kind not in _OWN_KINDS


def speaks_for(around: Surroundings, side: SideMemory, address: str) -> bool:
    """True if a message from this address, whatever its port, is the side's."""
    if address == side.hop.address or (side.source is not None and address == side.source.address):
        return True
    if side.kind in _OWN_KINDS:
        return around.is_own(address)
    return around.names(address)


def contact_of(message: Message) -> str:
    """The URI of the first Contact, as it was written; "" if there is none that can be used again."""
    values = message.headers.get("contact")
    if not values:
        return ""
    return _known_contact(values[0]) if len(values[0]) <= LONGEST_KEPT else _contact(values[0])


def _contact(value: str) -> str:
    text = address_part(_first((value,)))
    return text if _USABLE_URI.fullmatch(text) and parse_uri(text) is not None else ""


_known_contact = lru_cache(maxsize=2048)(_contact)


def _is_foreign(around: Surroundings, hop: Hop) -> bool:
    return around.is_own(hop.address) and around.kind not in _OWN_KINDS


def _is_usable(around: Surroundings, source: Hop, *known: Hop | None) -> bool:
    """True if requests may be sent where this message came from."""
    if around.is_own(source.address):
        return around.kind in _OWN_KINDS
    if any(hop is not None and hop.address == source.address for hop in known):
        return True
    return around.kind is not SideKind.SIBLING and not around.is_denied(source.address)


def _refreshes_target(message: Message) -> bool:
    if isinstance(message, SipAnswer):
        return message.method in TARGET_REFRESHES and 200 <= message.status < 300
    return isinstance(message, SipRequest) and message.method in TARGET_REFRESHES


def _moved(side: SideMemory, source: Hop) -> Hop:
    """The hop after a message from `source`: a side that was reached where it sent from moves with it."""
    declared = hop_of_uri(parse_uri(side.contact))
    follows = side.hop == side.source and side.hop != declared
    return source if follows and source.address == side.hop.address and not source.is_stream else side.hop


def _side(
    around: Surroundings,
    route: str,
    contact: str,
    fallback: Hop,
    known: tuple[str, ...],
    source: Hop | None,
    connection: int | None,
) -> SideMemory:
    if around.kind is SideKind.SIBLING:
        # The other edge is reached where it stands, and its own Route must stay in what it is sent.
        hop = _declared(around, address_part(route), known) if route else None
        return SideMemory(around.kind, hop or fallback, contact, source, connection, True)
    hop = _declared(around, address_part(route) if route else contact, known)
    return SideMemory(around.kind, hop or fallback, contact, source, connection, bool(route))


def _declared(around: Surroundings, uri: str, known: tuple[str, ...]) -> Hop | None:
    """The hop that a URI of Record-Route or Contact names; None if it is none that may be used."""
    hop = hop_named(uri)
    if hop is None or not around.may_be_sent_to(hop.address, known):
        return None
    if around.secure and around.kind is SideKind.CUSTOMER and hop.transport != "tls":
        return None
    return hop


def _listening(source: Hop, contact: str) -> Hop:
    """Where a side takes requests that sent from `source`: there, or over a stream, whose port is only the
    connection's, at the port of its Contact."""
    if not source.is_stream:
        return source
    uri = parse_uri(contact)
    return replace(source, port=(uri.port if uri is not None else None) or DEFAULT_PORTS[source.transport])


def _first(values: tuple[str, ...]) -> str:
    members = split_header(values[0]) if values else ()
    return members[0] if members else ""


def _before_ours(values: tuple[str, ...], is_ours: Callable[[SipUri | None], bool]) -> str:
    """The Record-Route that stands before our own: in an answer, the callee's proxy next to us."""
    before = ""
    for value in values:
        for member in split_header(value):
            if is_ours(parse_uri(address_part(member))):
                return before
            before = member
    return ""
