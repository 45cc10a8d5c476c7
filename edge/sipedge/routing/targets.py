"""Where a call may go, and in which order: by priority, equals drawn by weight (S58-S63, RFC 2782)."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import groupby
from typing import Final

from sipedge.routing.call import Call
from sipedge.routing.decision import Direction, Target, TargetPattern
from sipedge.routing.findings import Finding, failed, passed
from sipedge.routing.number_formats import format_of
from sipedge.routing.reasons import Reason
from sipedge.table import GatewayRow, RouteRow, Table, TargetRow
from sipedge.uri import bracketed
from sipedge.values import replace

Dice = Callable[[], float]
"""Draws from [0, 1)."""


_ONE: Final = passed("1 target")
_INSTRUCTED: Final = passed("no enabled OriginationUri: the trunk's call instructions are asked for")


def judge_targets(call: Call, targets: tuple[Target, ...]) -> Finding:
    """S61 towards the customer, the carriers' prefixes towards the PSTN."""
    if targets:
        return _ONE if len(targets) == 1 else passed(f"{len(targets)} targets")
    if call.direction is Direction.ORIGINATION:
        if call.trunk.disaster_recovery is not None and call.site.relay:
            return _INSTRUCTED
        return failed(
            Reason.NoEnabledUri, f"trunk {call.trunk.id} has no enabled OriginationUri to send a call to"
        )
    return failed(Reason.NoRoute, f"no carrier of this edge takes {call.called}")


def targets_of(call: Call) -> tuple[Target, ...]:
    """Every target of the call by priority, with shares, before any draw."""
    side, table = call.side, call.table
    if side.direction is Direction.ORIGINATION:
        return aimed(call.plan.targets, call.dialled)
    if not side.is_emergency:
        return gateways_of(table, side.called)
    route = table.emergency_route()
    return () if route is None else aimed(_patterns_of(table, route), side.called)


def gateways_of(table: Table, called: str) -> tuple[Target, ...]:
    """`targets_of` a call to the PSTN that is no emergency call."""
    route = table.route(called)
    return () if route is None else aimed(_patterns_of(table, route), called)


def _patterns_of(table: Table, route: RouteRow) -> tuple[TargetPattern, ...]:
    """`gateway_patterns`, once for each row: a decoded one is the same object in every call."""
    place = ("patterns of", id(route))
    known: tuple[RouteRow, tuple[TargetPattern, ...]] | None = table.plans.get(place)
    if known is None or known[0] is not route:
        known = table.plans[place] = route, gateway_patterns(table, route)
    return known[1]


def origination_patterns(rows: tuple[TargetRow, ...]) -> tuple[TargetPattern, ...]:
    """The targets of a trunk by priority, with shares."""
    return _with_shares(
        TargetPattern(
            Target(
                id=row.id,
                request_uri="",
                host=row.host,
                port=row.port,
                transport=row.transport,
                priority=row.priority,
                weight=row.weight,
                share=0.0,
                headers=row.headers,
                egress=row.egress,
            ),
            row.uri_user,
            _behind(row.host, row.port, row.uri_params),
        )
        for row in rows
    )


def gateway_patterns(table: Table, route: RouteRow) -> tuple[TargetPattern, ...]:
    """The gateways of a called prefix by priority, with shares."""
    return _with_shares(
        TargetPattern(
            Target(
                id=row.carrier,
                request_uri="",
                host=row.host,
                port=row.port,
                transport=row.transport,
                priority=row.priority,
                weight=row.weight,
                share=0.0,
                carrier=row.carrier,
                server_name=row.server_name,
            ),
            None,
            _behind(row.host, row.port, _gateway_parameters(row)),
            format_of(table, row.carrier) is not None,
        )
        for row in route.gateways
    )


def _gateway_parameters(row: GatewayRow) -> str:
    return row.uri_params + ("" if row.transport == "udp" else f";transport={row.transport}")


def aimed(patterns: tuple[TargetPattern, ...], called: str) -> tuple[Target, ...]:
    """The targets of a call to this number."""
    if len(patterns) == 1:
        return (_aimed(patterns[0], called),)
    return tuple([_aimed(each, called) for each in patterns])


def _aimed(pattern: TargetPattern, called: str) -> Target:
    target, user = pattern.target, called if pattern.user is None else pattern.user
    return replace(target, request_uri=f"sip:{user}{pattern.behind}", pattern=pattern)


def _behind(host: str, port: int | None, parameters: str) -> str:
    return f"@{bracketed(host)}{f':{port}' if port else ''}{parameters}"


def _with_shares(patterns: Iterable[TargetPattern]) -> tuple[TargetPattern, ...]:
    ordered = sorted(patterns, key=lambda each: each.target.priority)
    lowest = ordered[0].target.priority if ordered else 0
    first = [each for each in ordered if each.target.priority == lowest]
    total = sum(each.target.weight for each in first)
    if not total:
        return tuple(ordered)
    shared = (replace(each, target=replace(each.target, share=each.target.weight / total)) for each in first)
    return (*shared, *ordered[len(first) :])


def draw(targets: tuple[Target, ...], dice: Dice) -> tuple[Target, ...]:
    """The order in which this call tries its targets: by priority, equals drawn by weight.

    What is left after a failure is drawn by the remaining weights: 60/20/20 with the first down
    gives 50/50 (S63).
    """
    if len(targets) == 1:
        return targets
    order: list[Target] = []
    for _, group in groupby(targets, key=lambda target: target.priority):
        waiting = list(group)
        while waiting:
            order.append(waiting.pop(_position(waiting, dice())))
    return tuple(order)


def _position(waiting: list[Target], roll: float) -> int:
    mark = roll * sum(target.weight for target in waiting)
    for position, target in enumerate(waiting):
        mark -= target.weight
        if mark < 0:
            return position
    return len(waiting) - 1
