"""Which targets of a table are asked whether they answer, and at which addresses. Pure.

Whoever writes a target writes how often it is asked, so how many there may be is bounded, for each account
and in all; and nothing is sent where no call may be sent.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Final

from sipedge.routing.attempts import addresses_of, allowed_targets, usable
from sipedge.routing.liveness import ProbedPlace
from sipedge.routing.silence import place_key
from sipedge.table import RouteRow, SiteRow, Table, TrunkRow
from sipedge.uri import address_of, bracketed

MOST_OF_ACCOUNT: Final = 100
"""Places of one account's OriginationUris; more of them are not asked."""
MOST: Final = 1_000
"""Places of all, the carriers' first."""


@dataclass(frozen=True, slots=True)
class ProbedTarget:
    """A gateway or OriginationUri that is to be asked."""

    id: str
    """Of the OriginationUri or Carrier."""
    account: str | None
    """None: a carrier's."""
    host: str
    port: int | None
    transport: str | None
    server_name: str | None
    seconds: int


def gateways_in(routes: Iterable[RouteRow]) -> tuple[ProbedTarget, ...]:
    """Each gateway that is asked, once, however many prefixes have it."""
    found = {
        ProbedTarget(
            row.carrier, None, row.host, row.port, row.transport, row.server_name, row.probe_seconds
        ): None
        for route in routes
        for row in route.gateways
        if row.probe_seconds
    }
    return tuple(found)


def targets_in(trunks: Iterable[TrunkRow], edge: str) -> tuple[ProbedTarget, ...]:
    """Each OriginationUri that is asked from this edge: one that calls leave for from another one is not."""
    return tuple(
        ProbedTarget(row.id, trunk.account, row.host, row.port, row.transport, None, row.probe_seconds)
        for trunk in trunks
        for row in trunk.targets
        if row.probe_seconds and (not row.egress or edge in row.egress)
    )


def places_of(table: Table, targets: Iterable[ProbedTarget]) -> tuple[ProbedPlace, ...]:
    """Where they are asked now: `MOST` places at most, in the order of the targets."""
    site = table.site()
    if site is None:
        return ()
    found: dict[str, ProbedPlace] = {}
    of_account: Counter[str] = Counter()
    for target in targets:
        share = MOST if target.account is None else MOST_OF_ACCOUNT - of_account[target.account]
        if share <= 0:
            continue
        places = {each.key: each for each in _places(table, site, target) if each.key not in found}
        if target.account is not None:
            of_account[target.account] += min(len(places), share)
        found.update(islice(places.items(), share))
        if len(found) >= MOST:
            break
    return tuple(islice(found.values(), MOST))


def _places(table: Table, site: SiteRow, target: ProbedTarget) -> Iterator[ProbedPlace]:
    if not _is_served(table, target.account):
        return
    is_carrier = target.account is None
    addresses = addresses_of(table, target.host, target.port, target.transport)
    allowed = allowed_targets(table, target.account, is_carrier=is_carrier)
    for each in usable(table, site, addresses, allowed, is_carrier=is_carrier):
        yield ProbedPlace(
            key=place_key(target.id, each.transport, each.address, each.port),
            address=each.address,
            port=each.port,
            transport=each.transport,
            request_uri=_request_uri(target, each.transport),
            server_name=target.server_name or (target.host if address_of(target.host) is None else None),
            seconds=target.seconds,
        )


def _is_served(table: Table, account_id: str | None) -> bool:
    account = None if account_id is None else table.account(account_id)
    return account_id is None or (account is not None and not account.suspended)


def _request_uri(target: ProbedTarget, transport: str) -> str:
    port = f":{target.port}" if target.port else ""
    return f"sip:{bracketed(target.host)}{port}" + ("" if transport == "udp" else f";transport={transport}")
