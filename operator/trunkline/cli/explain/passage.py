"""What becomes of a request outside a dialog: decided by the very functions that an edge calls. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from sipedge.routing.attempts import Attempt, attempts_of, plan_attempts
from sipedge.routing.authenticate import DigestCheck
from sipedge.routing.bounds import excess_of
from sipedge.routing.decision import (
    Decision,
    Direction,
    Drop,
    Forward,
    Outcome,
    Reject,
    Step,
)
from sipedge.routing.failover import FinalReply, begin_call, first_step
from sipedge.routing.memory import CallFacts, CallMemory
from sipedge.routing.message import SipRequest
from sipedge.routing.new_call import headers_of_attempt
from sipedge.routing.reasons import Reason
from sipedge.routing.route import may_be_answered, route
from sipedge.routing.targets import Dice
from sipedge.table import Table
from sipedge.uri import address_of
from trunkline.cli.explain.message import LONGEST_MESSAGE, SipText
from trunkline.cli.explain.new_memory import facts_of_call, memory_of_call
from trunkline.cli.explain.passing import Passing, Sent, bound_step, request_travels, unread_step
from trunkline.cli.explain.stages import ORDER, Change, Circumstances, Kind, Stage


@dataclass(frozen=True, slots=True)
class Passage:
    """The decision on a message, and what it does to it."""

    decision: Decision
    changes: tuple[Change, ...] = ()
    """In the order of the stages."""
    attempts: tuple[Attempt, ...] = ()
    """What would be tried, in order, as far as addresses are known here."""
    unresolved: tuple[str, ...] = ()
    """Hosts of targets whose addresses only a running edge knows."""
    sent: tuple[Sent, ...] = ()
    """One for each attempt."""
    memory: CallMemory | None = None
    """What is remembered once the first target has answered; None for what is not forwarded."""


def passage_of(
    table: Table, message: SipText, request: SipRequest, *, digest: DigestCheck, dice: Dice, now: float
) -> Passage:
    """What an edge with this table does with a request outside a dialog. Total.

    `now` is in seconds since the epoch.
    """
    bound, refused = _bounds(table, message, request)
    if refused is not None:
        return Passage(refused)
    if request.to_tag or request.method == "ACK":
        return Passage(_of_no_call(request, bound))
    decision = route(table, request, digest=digest, dice=dice)
    decision = replace(decision, steps=(bound, *decision.steps))
    return _forwarded(table, request, decision, now) if isinstance(decision, Forward) else Passage(decision)


def _bounds(table: Table, message: SipText, request: SipRequest) -> tuple[Step, Decision | None]:
    """The first question of all; the decision if that ends it."""
    if message.size > LONGEST_MESSAGE:
        detail = f"{message.size} bytes, at most {LONGEST_MESSAGE}"
        step = Step("bound", Outcome.FAIL, detail, Reason.MessageTooLarge.value.rule)
        return step, Drop((step,), reason=Reason.MessageTooLarge)
    excess = excess_of(message.sizes)
    step = bound_step(message, excess)
    if excess is not None:
        reason = excess.reason
    elif message.unreadable:
        step, reason = unread_step(message), Reason.MalformedRequest
    else:
        return step, None
    told = request.method != "ACK" and (not message.unreadable or message.can_be_refused)
    answered = told and may_be_answered(table, request)
    return step, Reject((step,), reason=reason) if answered else Drop((step,), reason=reason)


def _of_no_call(request: SipRequest, bound: Step) -> Decision:
    """A request in a dialog that this edge has no proof of, or an ACK that acknowledges nothing."""
    step = Step("dialog", Outcome.FAIL, "no call of this edge (--in-dialog tells of one)", "RFC 3261 12.2.2")
    if request.method in ("ACK", "INVITE"):
        return Drop((bound, step), reason=Reason.NoDialog)
    return Reject((bound, step), reason=Reason.NoDialog)


def _forwarded(table: Table, request: SipRequest, forward: Forward, now: float) -> Passage:
    attempts = plan_attempts(table, forward)
    unresolved = tuple(
        target.host
        for target in forward.targets
        if address_of(target.host) is None and not any(attempts_of(table, forward, target))
    )
    if not attempts and not unresolved:
        step = first_step(begin_call(table, forward, attempts))
        reason = step.reason if isinstance(step, FinalReply) and step.reason else Reason.NoAnswer
        return Passage(_unreachable(forward, reason))
    facts = facts_of_call(table, forward, attempts)
    common = Passing(request.headers, _circumstances(request, forward))
    common.count_hop()
    common.keep(request_travels(request.method), f"does not travel in {request.method}")
    common.remove_route()
    common.apply(forward.changes)
    changes = [*common.changes, *_of_targets(request, forward, facts)]
    return Passage(
        forward,
        tuple(sorted(changes, key=lambda change: ORDER.index(change.stage))),
        attempts,
        unresolved,
        tuple(_sent(common.values, attempt, request, facts) for attempt in attempts),
        memory_of_call(table, request, facts, attempts, now),
    )


def _of_targets(request: SipRequest, forward: Forward, facts: CallFacts) -> Iterator[Change]:
    """What an attempt at one target alone carries."""
    for place, target in enumerate(forward.targets, 1):
        if target.request_uri != request.request_uri:
            rule, because = ("S43", f"a gateway of {target.id}") if target.carrier else ("S47", target.id)
            uri = target.request_uri
            yield Change(Stage.NUMBER, Kind.REPLACE, "Request-URI", uri, rule, because, place)
        for name, value in target.headers:
            because = f"spec.sipUri of {target.id}"
            yield Change(Stage.TARGET, Kind.APPEND, name, value, "S50", because, place)
    if facts.direction is Direction.ORIGINATION:
        because = "tells the customer which call it is"
        yield Change(Stage.IDENTITY, Kind.APPEND, "X-Trunkline-CallSid", facts.call_sid, "-", because)


def _sent(values: Mapping[str, list[str]], attempt: Attempt, request: SipRequest, facts: CallFacts) -> Sent:
    headers = {name: tuple(each) for name, each in values.items()}
    for name, value in headers_of_attempt(facts, attempt):
        headers[name.lower()] = (*headers.get(name.lower(), ()), value)
    return Sent(attempt.request_uri, attempt.address, attempt.port, attempt.transport, headers, request.body)


def _unreachable(forward: Forward, reason: Reason) -> Reject:
    """No target has an address that may be called: the call fails before it began."""
    detail = "no target has an address that may be called: an edge's own, or in a denied network"
    step = Step("addresses", Outcome.FAIL, detail, reason.value.rule)
    return Reject(
        steps=(*forward.steps, step),
        direction=forward.direction,
        trunk=forward.trunk,
        account=forward.account,
        account_sid=forward.account_sid,
        carrier=forward.carrier,
        called=forward.called,
        calling=forward.calling,
        reason=reason,
    )


def _circumstances(request: SipRequest, forward: Forward) -> Circumstances:
    return Circumstances(
        forward.direction,
        forward.calling,
        forward.called,
        request.method,
        hides_caller=forward.parties.anonymous,
    )
