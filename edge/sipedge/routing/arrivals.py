"""Initial requests by the way they come: from outside, from another edge, from the edge's own B2BUA. Pure.

Each has a decision of its own, and attempts of its own.
"""

from __future__ import annotations

from sipedge.routing import targets
from sipedge.routing.attempts import ATTEMPTS_PER_CALL, Attempt, plan_attempts, relayed_attempts
from sipedge.routing.authenticate import DigestCheck
from sipedge.routing.decision import Decision, Direction, Forward, Reject
from sipedge.routing.findings import Steps, run_checks
from sipedge.routing.handover import Placed
from sipedge.routing.lookups import Lookups, lookups_of
from sipedge.routing.message import headers
from sipedge.routing.message.messages import SipRequest
from sipedge.routing.placed import asked_elsewhere, call_of, checks_of, side_of, sip_target
from sipedge.routing.reasons import Reason
from sipedge.routing.refusals import judge_message, not_ready, refused, told_of
from sipedge.routing.relayed import Relayed, forward_of
from sipedge.routing.route import ACCOUNT, questions_of, route
from sipedge.routing.stages import PLACED_STAGES, forwarded
from sipedge.routing.to_b2bua import WayToB2bua
from sipedge.table import Table
from sipedge.values import replace

Proven = Relayed | Placed | None
"""What another edge, or the edge's own B2BUA, has proven to have sent; None: it comes from outside."""


def route_arrival(
    table: Table,
    request: SipRequest,
    proven: Proven,
    *,
    digest: DigestCheck,
    dice: targets.Dice,
    draining: bool,
    looked_up: bool,
    has_b2bua: bool,
) -> Decision | Lookups:
    """What to do with any initial request: parameters are those of the three below."""
    if proven is None:
        return route(
            table, request, digest=digest, dice=dice, draining=draining, explained=False, looked_up=looked_up
        )
    match proven:
        case Relayed():
            return route_relayed(table, request, proven, draining=draining, has_b2bua=has_b2bua)
        case Placed():
            return route_placed(table, request, proven, dice=dice, draining=draining, looked_up=looked_up)


def route_relayed(
    table: Table,
    request: SipRequest,
    relayed: Relayed,
    *,
    draining: bool = False,
    has_b2bua: bool = False,
) -> Decision:
    """What to do with an INVITE that another edge has handed over, with proof. Total.

    Its caller was judged there; only what no edge could send on is refused. While `draining`, too, calls that
    are here may be taken over: by the B2BUA of this address, if it has one.
    """
    seeks = relayed.target.replaces != ""
    unready = not_ready(table.site(), draining=draining and not seeks)
    if unready is not None:
        return unready
    message, forward = judge_message(request, None), forward_of(request, relayed)
    if message.reason is not None or forward is None:
        reason = message.reason or Reason.MalformedRequest
        return Reject((), reason=reason, headers=headers.refusal_headers(reason, request))
    return Reject((), reason=Reason.NoDialog) if seeks and not has_b2bua else forward


def route_placed(
    table: Table,
    request: SipRequest,
    placed: Placed,
    *,
    dice: targets.Dice,
    draining: bool = False,
    looked_up: bool = False,
) -> Decision | Lookups:
    """What to do with an INVITE of the edge's own B2BUA, with proof. Total.

    `looked_up`, and `Lookups`: as in `route`.
    """
    site = table.site()
    unready = not_ready(site, draining=draining)
    if site is None or unready is not None:
        return unready or Reject((), reason=Reason.NoTable)
    steps, message, side = Steps(), judge_message(request, None), side_of(table, site, request, placed)
    if message.reason is not None or side is None:
        return refused(site, side, message.reason or Reason.MalformedRequest, steps)
    refusal = run_checks((ACCOUNT,), side, steps)
    call = None if side.plan is None else call_of(table, site, request, side, side.plan)
    if refusal is not None or call is None:
        return refused(site, side, refusal or Reason.AccountSuspended, steps)
    refusal = run_checks(checks_of(side, placed), call, steps)
    if refusal is not None:
        return refused(site, side, refusal, steps)
    to_sip = side.direction is Direction.ORIGINATION
    one = sip_target(request, placed, secure=call.trunk.secure) if to_sip else None
    found = (one,) if one is not None else targets.targets_of(call)
    finding = targets.judge_targets(call, found)
    if finding.reason is not None:
        return refused(site, side, finding.reason, steps)
    questions = () if looked_up else questions_of(call, found)
    if questions:
        asked = lookups_of(call.account.id, questions)
        return replace(asked, call=Decision(**told_of(side, steps)))
    return forwarded(call, request, targets.draw(found, dice), steps, PLACED_STAGES[side.direction])


def attempts_of_arrival(
    table: Table,
    request: SipRequest,
    forward: Forward,
    proven: Proven,
    *,
    b2bua: WayToB2bua | None,
    own_addresses: tuple[str, ...],
    now: float,
) -> tuple[Attempt, ...]:
    """All attempts of a call that goes on, in their order; `now` in seconds since the epoch.

    A call that takes another one's place has one, at the B2BUA which has that; where it is not known to be
    here, the platform's other addresses are asked for it first.
    """
    if proven is None:
        return plan_attempts(table, forward)
    match proven:
        case Relayed() if proven.target.replaces:
            return () if b2bua is None else (b2bua.seek(proven, request.call_id, _cseq(request), now),)
        case Relayed():
            return relayed_attempts(table, forward, proven)
        case Placed() if proven.takes_over and b2bua is not None:
            return (b2bua.take_over(proven, request.call_id, _cseq(request), now),)
        case Placed():
            site, uri = table.site(), request.request_uri
            asked: tuple[Attempt, ...] = ()
            if site is not None:
                asked = asked_elsewhere(site, proven, uri, own_addresses, secure=forward.secure)
            return (*asked, *plan_attempts(table, forward))[:ATTEMPTS_PER_CALL]


def _cseq(request: SipRequest) -> int:
    return int(request.header("cseq").split()[0])
