"""Where a call may go, and in which order: by priority, equals drawn by weight (S58-S63, RFC 2782)."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from itertools import groupby

from sipedge.routing.call import Call, Finding, failed, passed
from sipedge.routing.decision import Direction, Target
from sipedge.routing.reasons import Reason
from sipedge.table import GatewayRow, RouteRow, TargetRow
from sipedge.uri import bracketed

Dice = Callable[[], float]
"""Draws from [0, 1)."""


def judge_targets(call: Call, targets: tuple[Target, ...]) -> Finding:
    """S61 towards the customer, the carriers' prefixes towards the PSTN."""
    if targets:
        return passed(f"{len(targets)} target{'s' if len(targets) > 1 else ''}")
    if call.direction is Direction.ORIGINATION:
        return failed(
            Reason.NoEnabledUri, f"trunk {call.trunk.id} has no enabled OriginationUri to send a call to"
        )
    return failed(Reason.NoRoute, f"no carrier of this edge takes {call.called}")


def targets_of(call: Call) -> tuple[Target, ...]:
    """Every target of the call by priority, with shares, before any draw."""
    if call.direction is Direction.ORIGINATION:
        return _with_shares(_origination_target(row, call.called) for row in call.trunk.targets)
    route: RouteRow | None = (
        call.table.emergency_route() if call.is_emergency else call.table.route(call.called)
    )
    return _with_shares(_gateway_target(row, call.called) for row in (route.gateways if route else ()))


def _origination_target(row: TargetRow, called: str) -> Target:
    user = called if row.uri_user is None else row.uri_user  # S47, S48
    return Target(
        id=row.id,
        request_uri=_request_uri(user, row.host, row.port, row.uri_params),
        host=row.host,
        port=row.port,
        transport=row.transport,
        priority=row.priority,
        weight=row.weight,
        share=0.0,
        headers=row.headers,
        edge=row.edge,
    )


def _gateway_target(row: GatewayRow, called: str) -> Target:
    parameter = "" if row.transport == "udp" else f";transport={row.transport}"
    return Target(
        id=row.carrier,
        request_uri=_request_uri(called, row.host, row.port, parameter),
        host=row.host,
        port=row.port,
        transport=row.transport,
        priority=row.priority,
        weight=row.weight,
        share=0.0,
        carrier=row.carrier,
    )


def _request_uri(user: str, host: str, port: int | None, parameters: str) -> str:
    return f"sip:{user}@{bracketed(host)}{f':{port}' if port else ''}{parameters}"


def _with_shares(targets: Iterable[Target]) -> tuple[Target, ...]:
    ordered = sorted(targets, key=lambda target: target.priority)
    lowest = ordered[0].priority if ordered else 0
    total = sum(target.weight for target in ordered if target.priority == lowest)
    return tuple(
        replace(target, share=target.weight / total) if target.priority == lowest and total else target
        for target in ordered
    )


def draw(targets: tuple[Target, ...], dice: Dice) -> tuple[Target, ...]:
    """The order in which this call tries its targets: by priority, equals drawn by weight.

    What is left after a failure is drawn by the remaining weights: 60/20/20 with the first down
    gives 50/50 (S63).
    """
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
