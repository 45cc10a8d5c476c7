"""From targets to single attempts: one address each, in the order to try."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Final

from sipedge.e164 import EMERGENCY_NUMBERS
from sipedge.routing.decision import Direction, Forward, Limit, Target
from sipedge.routing.limits import limits_of_carrier
from sipedge.table import ResolvedAddress, SiteRow, Table
from sipedge.table.lookup import in_any
from sipedge.uri import address_of

ADDRESSES_PER_TARGET: Final = 4
ATTEMPTS_PER_CALL: Final = 30
DEFAULT_PORTS: Final = {"udp": 5060, "tcp": 5060, "tls": 5061}


@dataclass(frozen=True, slots=True)
class Attempt:
    """One INVITE to one address."""

    target: str
    """The OriginationUri or Carrier it belongs to."""
    request_uri: str
    address: str
    port: int
    transport: str
    server_name: str | None
    """For SNI: the host of the URI, if it is a name (RFC 6066 has no addresses)."""
    headers: tuple[tuple[str, str], ...] = ()
    carrier: str | None = None
    limits: tuple[Limit, ...] = ()
    """Counted when this attempt is made; over = the attempt failed without being sent."""


def plan_attempts(table: Table, forward: Forward) -> tuple[Attempt, ...]:
    """Every attempt the call may make, in order; empty if no target has an address we may call."""
    attempts = (each for target in forward.targets for each in attempts_of(table, forward, target))
    return tuple(islice(attempts, ATTEMPTS_PER_CALL))


def attempts_of(table: Table, forward: Forward, target: Target) -> Iterator[Attempt]:
    """The attempts of one target: its addresses, at most four, without those that are refused."""
    site = table.site()
    if site is None or (target.edge is not None and target.edge != site.edge):
        return  # egress through another edge: not served yet, so the candidate has failed
    allowed = _allowed_targets(table, forward)
    for found in addresses_of(table, target.host, target.port, target.transport)[:ADDRESSES_PER_TARGET]:
        if is_refused(site, found.address, allowed):
            continue
        yield Attempt(
            target=target.id,
            request_uri=target.request_uri,
            address=found.address,
            port=found.port,
            transport=found.transport,
            server_name=target.host if address_of(target.host) is None else None,
            headers=target.headers,
            carrier=target.carrier,
            limits=_limits(table, forward, target),
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


def _limits(table: Table, forward: Forward, target: Target) -> tuple[Limit, ...]:
    # Authentication applies to an emergency call, limits do not.
    emergency = forward.direction is Direction.TERMINATION and forward.called in EMERGENCY_NUMBERS
    return () if emergency or target.carrier is None else limits_of_carrier(table, target.carrier)


def _allowed_targets(table: Table, forward: Forward) -> tuple[str, ...]:
    # Carriers are named by the platform itself: its denied networks are meant for tenants' URIs.
    if forward.direction is Direction.TERMINATION:
        return ("0.0.0.0/0", "::/0")
    account = table.account(forward.account) if forward.account else None
    return account.allowed_targets if account else ()
