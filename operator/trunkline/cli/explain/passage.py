"""What becomes of a request outside a dialog: decided by the very functions that an edge calls. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from sipedge.routing.attempts import Attempt, attempts_of, plan_attempts
from sipedge.routing.authenticate import DigestCheck
from sipedge.routing.bounds import MOST_HEADERS, Excess, excess_of
from sipedge.routing.decision import (
    Decision,
    Direction,
    Drop,
    Forward,
    Outcome,
    Reject,
    Step,
    Target,
)
from sipedge.routing.failover import FinalReply, begin_call, first_step
from sipedge.routing.memory import CallMemory
from sipedge.routing.message import SipRequest
from sipedge.routing.reasons import Reason
from sipedge.routing.route import may_be_answered, route
from sipedge.routing.targets import Dice
from sipedge.table import Table
from sipedge.uri import address_of
from trunkline.cli.explain.message import LONGEST_MESSAGE, SipText
from trunkline.cli.explain.passing import Passing, request_travels
from trunkline.cli.explain.stages import ORDER, Change, Circumstances, Kind, Stage

MAXIMUM_HOPS = 70
CALL_SID_MADE_AT_THE_EDGE = "(made by the edge: CA and 32 hexadecimal digits)"
"""The value of X-Trunkline-CallSid here: it is made with the platform's secret."""


@dataclass(frozen=True, slots=True)
class Sent:
    """A message as it leaves the edge, but for Via, Record-Route and Content-Length, which are its own."""

    request_uri: str
    address: str
    port: int
    transport: str
    headers: Mapping[str, tuple[str, ...]]
    """Long lower-case names to values."""
    body: str


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
    return _forwarded(table, request, decision) if isinstance(decision, Forward) else Passage(decision)


def _bounds(table: Table, message: SipText, request: SipRequest) -> tuple[Step, Decision | None]:
    """The first question of all; the decision if that ends it."""
    if message.size > LONGEST_MESSAGE:
        detail = f"{message.size} bytes, at most {LONGEST_MESSAGE}"
        step = Step("bound", Outcome.FAIL, detail, Reason.MessageTooLarge.value.rule)
        return step, Drop((step,), reason=Reason.MessageTooLarge)
    excess = excess_of(message.sizes)
    step = bound_step(message, excess)
    if excess is None:
        return step, None
    answered = request.method != "ACK" and may_be_answered(table, request)
    return step, Reject((step,), reason=excess.reason) if answered else Drop((step,), reason=excess.reason)


def bound_step(message: SipText, excess: Excess | None) -> Step:
    """The question of lengths, which comes before all others."""
    if excess is not None:
        return Step("bound", Outcome.FAIL, excess.detail, excess.reason.value.rule)
    size = f"{message.size} bytes, " if message.size else ""
    detail = f"{size}{len(message.headers)} of {MOST_HEADERS} headers, no URI or tag too long"
    return Step("bound", Outcome.PASS, detail, Reason.BoundExceeded.value.rule)


def _of_no_call(request: SipRequest, bound: Step) -> Decision:
    """A request in a dialog that this edge has no proof of, or an ACK that acknowledges nothing."""
    step = Step("dialog", Outcome.FAIL, "no call of this edge (--in-dialog tells of one)", "RFC 3261 12.2.2")
    if request.method in ("ACK", "INVITE"):
        return Drop((bound, step), reason=Reason.NoDialog)
    return Reject((bound, step), reason=Reason.NoDialog)


def _forwarded(table: Table, request: SipRequest, forward: Forward) -> Passage:
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
    facts = _circumstances(request, forward)
    common = Passing(request.headers, facts)
    common.count_hop(MAXIMUM_HOPS)
    common.keep(request_travels(request.method), f"does not travel in {request.method}")
    common.remove_route()
    common.apply(forward.changes)
    changes = list(common.changes)
    sent = tuple(_sent(common.values, attempt, request, forward) for attempt in attempts)
    for place, target in enumerate(forward.targets, 1):
        changes += _of_target(place, target, request)
    if forward.direction is Direction.ORIGINATION:
        changes.append(
            Change(
                Stage.IDENTITY, Kind.APPEND, "X-Trunkline-CallSid", CALL_SID_MADE_AT_THE_EDGE, "S2",
                "tells the customer which call it is",
            )
        )  # fmt: skip
    changes.sort(key=lambda change: ORDER.index(change.stage))
    return Passage(forward, tuple(changes), attempts, unresolved, sent)


def _of_target(place: int, target: Target, request: SipRequest) -> list[Change]:
    """What an attempt at one target alone carries."""
    changes = [
        Change(Stage.TARGET, Kind.APPEND, name, value, "S50", f"spec.sipUri of {target.id}", place)
        for name, value in target.headers
    ]
    if target.request_uri != request.request_uri:
        rule, because = ("S43", f"a gateway of {target.id}") if target.carrier else ("S47", target.id)
        changes.append(
            Change(Stage.NUMBER, Kind.REPLACE, "Request-URI", target.request_uri, rule, because, place)
        )
    return changes


def _sent(values: Mapping[str, list[str]], attempt: Attempt, request: SipRequest, forward: Forward) -> Sent:
    headers = {name: tuple(each) for name, each in values.items()}
    extra = list(attempt.headers)
    if forward.direction is Direction.ORIGINATION:
        extra.append(("X-Trunkline-CallSid", CALL_SID_MADE_AT_THE_EDGE))
    for name, value in extra:
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
    hides = any(
        token.strip().lower() in ("id", "user", "header")
        for value in request.headers.get("privacy", ())
        for token in value.replace(",", ";").split(";")
    )
    return Circumstances(
        forward.direction, forward.calling, forward.called, request.method, hides_caller=hides
    )
