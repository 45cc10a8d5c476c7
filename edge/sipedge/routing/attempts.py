"""From targets to single attempts: one address each, in the order to try."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from itertools import islice
from typing import Final
from zlib import crc32

from sipedge.routing.decision import Direction, Forward, Limit, Target
from sipedge.routing.limits import limits_of_carrier
from sipedge.routing.relayed import Relayed, RelayTarget, leaves_elsewhere
from sipedge.table import Generation, ResolvedAddress, SiteRow, Table
from sipedge.table.kept import PLANNED
from sipedge.table.lookup import in_any
from sipedge.uri import address_of
from sipedge.values import quickly_made, replace

ADDRESSES_PER_TARGET: Final = 4
ATTEMPTS_PER_CALL: Final = 30
LONGEST_REPLACES: Final = 500
"""Of what it may be told of that call: all that it is told must fit into one header."""
DEFAULT_PORTS: Final = {"udp": 5060, "tcp": 5060, "tls": 5061}


class AttemptKind(StrEnum):
    """Whom the INVITE of an attempt asks, and for what."""

    TARGET = "target"
    """A target of the call to take it, directly or by way of another edge."""
    REDIRECTED = "redirected"
    """The same of whom a target has named in a 302 (S72), who may be anybody."""
    CONSULTATION = "consultation"
    """Another edge, or another address of this one, for a call to take over that may be there."""
    TAKE_OVER = "take over"
    """The edge's own B2BUA, for a side of a call that it has, or finds here."""
    INSTRUCTIONS = "instructions"
    """The same, to carry out the trunk's call instructions (S67)."""


TO_B2BUA: Final = frozenset({AttemptKind.TAKE_OVER, AttemptKind.INSTRUCTIONS})
"""Kinds of attempts whose callee is the edge's own B2BUA."""


@quickly_made
@dataclass(frozen=True)
class Attempt:
    """One INVITE to one address."""

    target: str
    """The OriginationUri or Carrier it belongs to; of another kind what call records and the log call it."""
    request_uri: str
    address: str
    port: int
    transport: str
    server_name: str | None
    """For SNI: the host of the URI, if it is a name (RFC 6066 has no addresses)."""
    headers: tuple[tuple[str, str], ...] = ()
    carrier: str | None = None
    relay: str | None = None
    """Of an attempt by way of another edge: what it is told of the target (`RelayTarget`)."""
    limits: tuple[Limit, ...] = ()
    """Counted when this attempt is made; over = the attempt failed without being sent."""
    kind: AttemptKind = AttemptKind.TARGET


def plan_attempts(table: Table, forward: Forward) -> tuple[Attempt, ...]:
    """Every attempt the call may make, in order; empty if no target has an address we may call."""
    if len(forward.targets) == 1:
        return attempts_of(table, forward, forward.targets[0])
    attempts = (each for target in forward.targets for each in attempts_of(table, forward, target))
    return tuple(islice(attempts, ATTEMPTS_PER_CALL))


def attempts_of(table: Table, forward: Forward, target: Target) -> tuple[Attempt, ...]:
    """The attempts of one target: its addresses, at most four, without those that are refused."""
    is_emergency = forward.is_emergency
    # Of a target all but the Request-URI is the same in each call.
    place = (
        target.pattern or _all_of(target, forward),
        forward.account,
        forward.secure,
        forward.verstat if target.egress else None,
        is_emergency,
    )
    known: tuple[Attempt, ...] | None = table.plans.get(place)
    if known is None:
        known = _kept_by_name(table, forward, target, is_emergency, place)
    if len(known) > 1 and known[0].relay is not None:
        known = _in_turn(known, forward)
    uri, shown = target.request_uri, target.shown
    if shown:
        return tuple([replace(each, request_uri=uri, headers=each.headers + shown) for each in known])
    return tuple([replace(each, request_uri=uri) for each in known])


def _kept_by_name(
    table: Table, forward: Forward, target: Target, is_emergency: bool, place: tuple[object, ...]
) -> tuple[Attempt, ...]:
    """The attempts, kept with what they are made of: where names bear on them, for as long as these stay."""
    shelf = table.plans if no_name_bears_on(table, forward, target) else table.shelf(*OF_NAMES)
    known: tuple[Attempt, ...] | None = shelf.get(place)
    if known is None:
        known = shelf[place] = tuple(_attempts(table, forward, target, is_emergency))
    return known


def no_name_bears_on(table: Table, forward: Forward, target: Target) -> bool:
    """True if the attempts of a target are the same whatever names resolve to."""
    return address_of(target.host) is not None and (
        forward.direction is Direction.TERMINATION or not table.has_named_gateways()
    )


def _all_of(target: Target, forward: Forward) -> tuple[object, ...]:
    """What the attempts of a target are made of that no other call has."""
    return (
        target.id,
        target.host,
        target.port,
        target.transport,
        target.headers,
        target.egress,
        target.carrier,
        target.server_name,
        forward.direction,
    )


def _in_turn(relays: tuple[Attempt, ...], forward: Forward) -> tuple[Attempt, ...]:
    """At most four addresses of another edge, from one on that differs from call to call."""
    parties = f"{forward.calling} {forward.called}".encode("utf-8", "surrogatepass")
    first = crc32(parties) % len(relays)
    return (*relays[first:], *relays[:first])[:ADDRESSES_PER_TARGET]


OF_NAMES: Final = (*PLANNED, Generation.RESOLVED)
"""Of the rows that attempts are made of where names bear on them."""


def _attempts(table: Table, forward: Forward, target: Target, is_emergency: bool) -> Iterator[Attempt]:
    """`attempts_of` without a Request-URI."""
    site = table.site()
    if site is None:
        return
    if leaves_elsewhere(site, target):
        yield from _relays_of(table, site, target, forward)
        return
    found = addresses_of(table, target.host, target.port, target.transport)
    allowed = _allowed_targets(table, forward)
    for each in usable(table, site, found, allowed, is_carrier=target.carrier is not None):
        yield Attempt(
            target=target.id,
            request_uri="",
            address=each.address,
            port=each.port,
            transport=each.transport,
            server_name=target.server_name or (target.host if address_of(target.host) is None else None),
            headers=target.headers,
            carrier=target.carrier,
            # Authentication applies to an emergency call, limits do not.
            limits=() if is_emergency or target.carrier is None else limits_of_carrier(table, target.carrier),
        )


def _relays_of(table: Table, site: SiteRow, target: Target, forward: Forward) -> Iterator[Attempt]:
    known = addresses_of(table, target.host, target.port, target.transport)[:ADDRESSES_PER_TARGET]
    told = RelayTarget(target.id, target.transport, known, forward.verstat or "")
    relays = relays_by(site, target.egress, secure=forward.secure)
    for address, port, transport in islice(relays, ATTEMPTS_PER_CALL):
        yield Attempt(
            target=target.id,
            request_uri="",
            address=address,
            port=port,
            transport=transport,
            server_name=None,
            headers=target.headers,
            relay=told.to_text(),
        )


def relays_by(site: SiteRow, egress: tuple[str, ...], *, secure: bool) -> Iterator[tuple[str, int, str]]:
    """Address, port and transport of edges that a call may leave from; of a secure call over TLS (S20)."""
    for name in egress:
        for sibling in site.siblings:
            if sibling.edge == name:
                place = (sibling.tls, "tls") if secure else (sibling.udp, "udp")
                yield from ((address, *place) for address in sibling.addresses)


def consultations(
    site: SiteRow, replaces: str, request_uri: str, own_addresses: tuple[str, ...], *, secure: bool
) -> tuple[Attempt, ...]:
    """To every other address of the platform, in turn: a call that `replaces` names may be there."""
    if not replaces or len(replaces) > LONGEST_REPLACES:
        return ()
    edges = tuple(sibling.edge for sibling in site.siblings)
    return tuple(
        Attempt(
            target=AttemptKind.CONSULTATION,
            request_uri=request_uri,
            address=address,
            port=port,
            transport=transport,
            server_name=None,
            relay=RelayTarget(f"{AttemptKind.CONSULTATION} {address}", None, replaces=replaces).to_text(),
            kind=AttemptKind.CONSULTATION,
        )
        for address, port, transport in relays_by(site, edges, secure=secure)
        if address not in own_addresses
    )


def relayed_attempts(table: Table, forward: Forward, relayed: Relayed) -> tuple[Attempt, ...]:
    """The attempts of a call that another edge has handed over: the addresses of its one target."""
    site, (target,) = table.site(), forward.targets
    if site is None:
        return ()
    kind = AttemptKind.TARGET if relayed.account_sid else AttemptKind.REDIRECTED
    found = addresses_of(table, target.host, target.port, target.transport) or relayed.target.addresses
    allowed = _allowed_targets(table, forward)
    return tuple(
        Attempt(
            target=target.id,
            request_uri=target.request_uri,
            address=each.address,
            port=each.port,
            transport=each.transport,
            server_name=target.host if address_of(target.host) is None else None,
            kind=kind,
        )
        # The first edge has judged the URI; where its name leads each finds for itself.
        for each in usable(table, site, found, allowed, is_carrier=False)
    )


def addresses_of(
    table: Table, host: str, port: int | None, transport: str | None
) -> tuple[ResolvedAddress, ...]:
    """A numeric host is its own address (RFC 3263 section 4.2); a name is what the agent found for it."""
    if address_of(host) is not None:
        chosen = transport or "udp"  # S51
        return (ResolvedAddress(host, port or DEFAULT_PORTS[chosen], chosen),)
    return table.resolved(host, port, transport)


def is_refused(site: SiteRow, address: str, allowed: tuple[str, ...]) -> bool:
    """Our own edges always (loops); the platform's denied networks unless the account may.

    Text that is no address is refused as well (fail closed).
    """
    if address_of(address) is None or in_any(address, site.edge_addresses):
        return True
    return in_any(address, site.denied_targets) and not in_any(address, allowed)


def is_carriers(table: Table, address: str, allowed: tuple[str, ...]) -> bool:
    """True for a place of a carrier, where no tenant's URI may lead: the carrier takes what the edge sends
    for a call that the platform has judged. `allowed` are the account's exceptions."""
    return table.is_carriers(address) and not in_any(address, allowed)


def usable(
    table: Table,
    site: SiteRow,
    found: tuple[ResolvedAddress, ...],
    allowed: tuple[str, ...],
    *,
    is_carrier: bool,
) -> Iterator[ResolvedAddress]:
    """Of a target's addresses those that anything may be sent to: the first four, without those refused.

    `allowed`: exceptions from the denied networks; `is_carrier`: it may lead to a place of a carrier.
    """
    for each in found[:ADDRESSES_PER_TARGET]:
        if is_refused(site, each.address, allowed):
            continue
        if is_carrier or not is_carriers(table, each.address, allowed):
            yield each


def allowed_targets(table: Table, account_id: str | None, *, is_carrier: bool) -> tuple[str, ...]:
    """The exceptions from the denied networks for a carrier's targets, or for an account's.

    Carriers are named by the platform itself: its denied networks are meant for tenants' URIs.
    """
    if is_carrier:
        return ("0.0.0.0/0", "::/0")
    account = table.account(account_id) if account_id else None
    return account.allowed_targets if account else ()


def _allowed_targets(table: Table, forward: Forward) -> tuple[str, ...]:
    is_carrier = forward.direction is Direction.TERMINATION
    return allowed_targets(table, forward.account, is_carrier=is_carrier)
