"""What becomes of a request outside a dialog: decided by the very functions that an edge calls. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from sipedge.b2bua.twiml.places import shown
from sipedge.routing.attempts import Attempt, attempts_of, plan_attempts
from sipedge.routing.authenticate import DigestCheck
from sipedge.routing.decision import (
    Decision,
    Direction,
    Drop,
    Forward,
    Outcome,
    Reject,
    Step,
)
from sipedge.routing.dialog.memory import CallFacts, CallMemory, SideKind
from sipedge.routing.dialog.new_call import headers_of_attempt, ids_for_callee
from sipedge.routing.failover import FinalReply, Instructions, begin_call, first_step, has_instructions
from sipedge.routing.identity import first_body
from sipedge.routing.lookups import Lookups
from sipedge.routing.media.new_attempt import AttemptMedia
from sipedge.routing.message.bounds import excess_of
from sipedge.routing.message.messages import SipRequest
from sipedge.routing.reasons import Reason
from sipedge.routing.relayed import leaves_elsewhere
from sipedge.routing.route import may_be_answered, route
from sipedge.routing.siblings import RELAY_HEADER
from sipedge.routing.targets import Dice
from sipedge.table import Table
from sipedge.uri import address_of
from trunkline.cli.explain.message import LONGEST_MESSAGE, SipText
from trunkline.cli.explain.new_memory import facts_of_call, media_of_call, memory_of_call
from trunkline.cli.explain.passing import Passing, Sent, bound_step, request_travels, unread_step
from trunkline.cli.explain.stages import (
    NAMELESS,
    TELLS_CUSTOMER,
    WITH_CALLER,
    Change,
    Circumstances,
    Kind,
    Stage,
    in_order,
)


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
    media: tuple[AttemptMedia, ...] = ()
    """One for each attempt."""
    memory: CallMemory | None = None
    """What is remembered once the first target has answered; None for what is not forwarded."""
    advice: tuple[str, ...] = ()
    """By what its sender would be known; nothing if it is."""


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
    decision = _decided(table, request, digest, dice)
    decision = replace(decision, steps=(bound, *decision.steps))
    return _forwarded(table, request, decision, now) if isinstance(decision, Forward) else Passage(decision)


def _decided(table: Table, request: SipRequest, digest: DigestCheck, dice: Dice) -> Decision:
    """The decision once all was looked up that is asked for; nothing is found here."""
    asked = route(table, request, digest=digest, dice=dice)
    if not isinstance(asked, Lookups):
        return asked
    decision = route(table, request, digest=digest, dice=dice, looked_up=True)
    assert not isinstance(decision, Lookups)  # noqa: S101 - for the type checker: it was looked up
    steps = tuple(
        Step(
            "look-up",
            Outcome.SKIP,
            f"waits at most {each.MILLISECONDS / 1000:g} s for {each.sought}",
            each.RULE,
        )
        for each in asked.questions
    )
    before = len(asked.steps)
    return replace(decision, steps=(*decision.steps[:before], *steps, *decision.steps[before:]))


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
    forward = _with_instructions(table, forward, attempts)
    site = table.site()
    unresolved = tuple(
        target.host
        for target in forward.targets
        if address_of(target.host) is None
        and not (site is not None and leaves_elsewhere(site, target))
        and not any(attempts_of(table, forward, target))
    )
    if not attempts and not unresolved:
        step = first_step(table, begin_call(forward, attempts))
        if isinstance(step, Instructions):
            return Passage(forward)
        reason = step.reason if isinstance(step, FinalReply) and step.reason else Reason.NoAnswer
        return Passage(_unreachable(forward, reason))
    facts = facts_of_call(forward, attempts)
    common = Passing(request.headers, _circumstances(request, forward))
    common.count_hop()
    common.keep(request_travels(request.method), f"does not travel in {request.method}")
    common.remove_route()
    common.apply(forward.changes)
    relayed = frozenset(each.target for each in attempts if each.relay is not None)
    changes = [*common.changes, *_of_targets(request, forward, facts, relayed)]
    shows = first_body(facts, SideKind.CARRIER, request)
    if shows is not request:
        changes.append(NAMELESS)
    media = tuple(media_of_call(table, shows, facts, attempts))
    return Passage(
        forward,
        in_order(changes),
        attempts,
        unresolved,
        tuple(
            _sent(common.values, attempt, shows, facts, each.offer)
            for attempt, each in zip(attempts, media, strict=True)
        ),
        media,
        memory_of_call(table, shows, facts, attempts, media, now),
    )


def _with_instructions(table: Table, forward: Forward, attempts: tuple[Attempt, ...]) -> Forward:
    """The decision, with what happens once no target has taken the call."""
    trunk = table.trunk(forward.trunk) if forward.trunk else None
    asked = None if trunk is None else trunk.disaster_recovery
    if asked is None or not has_instructions(table, begin_call(forward, attempts)):
        return forward
    detail = f"once no target takes the call: {asked.method} {shown(asked.url)} is asked for instructions"
    return replace(forward, steps=(*forward.steps, Step("instructions", Outcome.SKIP, detail, "S67")))


def _of_targets(
    request: SipRequest, forward: Forward, facts: CallFacts, relayed: frozenset[str]
) -> Iterator[Change]:
    """What an attempt at one target alone carries."""
    for place, target in enumerate(forward.targets, 1):
        if target.request_uri != request.request_uri:
            rule, because = ("S43", f"a gateway of {target.id}") if target.carrier else ("S47", target.id)
            uri = target.request_uri
            yield Change(Stage.NUMBER, Kind.REPLACE, "Request-URI", uri, rule, because, place)
        for name, value in target.shown:
            because = f"spec.numberFormat of Carrier {target.id}, or of another that is tried"
            yield Change(Stage.NUMBER, Kind.APPEND, name, value, "-", because, place)
        for name, value in target.headers:
            because = f"spec.sipUri of {target.id}"
            yield Change(Stage.TARGET, Kind.APPEND, name, value, "S50", because, place)
        if target.id in relayed:
            because = f"tells edge {' or '.join(target.egress)} where the call goes; it goes no further"
            yield Change(Stage.TARGET, Kind.APPEND, RELAY_HEADER, "(made by the edge)", "S55", because, place)
    for name, value in ids_for_callee(facts):
        yield Change(Stage.IDENTITY, Kind.APPEND, name, value, "-", TELLS_CUSTOMER)


def _sent(
    values: Mapping[str, list[str]], attempt: Attempt, request: SipRequest, facts: CallFacts, offer: str
) -> Sent:
    """`offer` is what the relay is given of the caller's, which it rewrites; "" = it is not asked."""
    headers = {name: tuple(each) for name, each in values.items()}
    for name, value in headers_of_attempt(facts, attempt):
        headers[name.lower()] = (*headers.get(name.lower(), ()), value)
    place = (attempt.request_uri, attempt.address, attempt.port, attempt.transport)
    return Sent(*place, headers, offer or request.body, by_relay=offer != "")


def _unreachable(forward: Forward, reason: Reason) -> Reject:
    """No target has an address that may be called: the call fails before it began."""
    detail = "no target has an address that may be called: an edge's own, or in a denied network"
    if any(target.egress for target in forward.targets):
        detail += "; or the edge that calls leave from has none that serves"
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
        policed=_policed(forward),
        policy=forward.shaped.policy if forward.shaped is not None else "",
        attestation=forward.attestation or "",
        caller_name=forward.caller_name,
    )


def _policed(forward: Forward) -> frozenset[str]:
    """In termination what a policy makes is judged again; only the Contact is shown as it is."""
    shaped = forward.shaped
    if shaped is None:
        return frozenset()
    if forward.direction is Direction.TERMINATION:
        return frozenset({"contact"} if shaped.from_number else ())
    caller = WITH_CALLER | {"from"} if shaped.from_number else frozenset()
    return caller | {"to"} if shaped.to_number else caller
