"""A call from its admission to its final answer: attempt after attempt until a target takes it."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace

from sipedge.instance import InstanceSettings
from sipedge.kemi import carrier_auth, dead_targets, events, lookups, memory, writer
from sipedge.kemi.answers import carry_out_answer
from sipedge.kemi.counting import count_call, uncount_calls
from sipedge.kemi.duration import limit_duration
from sipedge.kemi.journal import say
from sipedge.kemi.ksr import KSR
from sipedge.kemi.pending import (
    PendingAttempt,
    PendingCall,
    load_attempt,
    load_call,
    save_call,
)
from sipedge.kemi.reader import Received, answer_of, text
from sipedge.routing.attempts import Attempt, plan_attempts
from sipedge.routing.carried import texts_of
from sipedge.routing.carrier_challenge import CHALLENGES
from sipedge.routing.decision import Forward
from sipedge.routing.dialog import judge_answer
from sipedge.routing.failover import (
    CAUSES,
    Failure,
    FailureKind,
    FinalReply,
    NextAttempt,
    after_failure,
    begin_call,
    first_step,
    is_passed_on,
    lookups_before,
    told_causes,
)
from sipedge.routing.limits import keys_in_progress
from sipedge.routing.message import SipRequest
from sipedge.routing.new_call import (
    beginning_of,
    facts_of,
    facts_with_carrier,
    token_of,
)
from sipedge.routing.reasons import Reason
from sipedge.routing.tokens import TokenKeeper, call_sid
from sipedge.table import Table

FAILURE_ROUTE = "ksr_failure_call"
BRANCH_ROUTE = "ksr_branch_call"
REPLY_ROUTE = "ksr_onreply_call"

_SILENCE_MILLISECONDS = 4_000
"""S65: no response at all, not even a 100."""
_NO_REPLY_ON_ERROR = 2
"""Flag of t_relay: a send error is ours to handle, by the next attempt."""


@dataclass(frozen=True, slots=True)
class CallRoom:
    """What each step of a call is done with."""

    settings: InstanceSettings
    tokens: TokenKeeper
    table: Table

    @property
    def own_addresses(self) -> tuple[str, ...]:
        return writer.own_addresses(self.settings)


def start_call(room: CallRoom, received: Received, request: SipRequest, decision: Forward) -> None:
    """Count the call, prepare its INVITE and make the first attempt."""
    state = begin_call(room.table, decision, dead_targets.in_order(plan_attempts(room.table, decision)))
    begun = time.time()
    sid = call_sid(room.tokens.edge_secret, received.call_id, received.from_tag, begun)
    facts = facts_of(decision, state, sid)
    caller, learned = beginning_of(room.table, room.own_addresses, request, facts)
    KSR.dialog.dlg_manage()
    if memory.caller() is not None:
        # Kamailio takes it for a spiral of the call that it has: nothing would count, time or end this one.
        if KSR.tm.t_newtran() > 0:
            writer.reject(decision, Reason.MergedRequest)
        return
    limit_duration(decision.max_duration_seconds)
    memory.begin(sid, caller, learned)
    writer.count_hop()  # into the transaction's own copy: later attempts start from that
    if KSR.tm.t_newtran() <= 0:
        return  # a retransmission, which another worker is answering
    over = count_call(decision.limits)
    if over is not None:
        events.never_began()
        writer.reject(decision, over)
        return
    # What is the same for every attempt; headers of one target alone are the branch route's.
    writer.put_back(received)
    KSR.hdr.remove("Route")  # a preloaded one: ours has done its work, a foreign one is never followed
    writer.change_headers(received, decision.changes)
    call = PendingCall(state, begun, facts, caller, with_sdp=learned.open_offer is not None)
    events.begun(room.settings, room.table, received, decision, caller.source or caller.hop, sid)
    _proceed(room, call, first_step(state), None)


def resume_call(room: CallRoom) -> None:
    """The attempt under way has failed: the next one, or the final answer."""
    if KSR.tm.t_is_canceled() > 0:
        return  # the caller has hung up and gets its 487 from the transaction
    call = load_call()
    failure = lookups.asked_for()
    if failure is None:
        failure = _failure(call)
        if not call.state.redirected:
            # A redirect names addresses at will; each would be remembered.
            dead_targets.note_failure(call.state.current, failure.kind)
        asked = lookups_before(room.table, call.state, failure)
        if asked is not None and lookups.suspend(room.settings, asked, failure, FAILURE_ROUTE):
            return
    if failure.status in CHALLENGES and (answered := _with_answer(room, call, failure.status)) is not None:
        call = answered
        memory.note_shift(True, memory.shift_of(True) + 1)
        attempt = call.state.attempts[call.state.position]
        _save(room, call, attempt)
        if _send(room.settings, attempt):
            return
        failure = replace(failure, kind=FailureKind.SEND_ERROR)
    _say_failed(call, failure)
    state, step = after_failure(room.table, call.state, failure)
    _proceed(room, call.with_state(state), step, failure)


def _with_answer(room: CallRoom, call: PendingCall, status: int) -> PendingCall | None:
    """The call whose INVITE now answers the challenge of its carrier; None if it cannot."""
    attempt = call.state.current
    if attempt is None or attempt.carrier is None:
        return None
    carrier = room.table.carrier(attempt.carrier)
    nonces = carrier_auth.answer(carrier, attempt.request_uri, status, call.answered)
    return None if nonces is None else replace(call, answered=nonces)


def judge_call_answer(room: CallRoom, received: Received) -> None:
    """An answer of the target on its way to the caller."""
    attempt = load_attempt()
    answer = answer_of(received)
    known = memory.of_call(attempt.token, answer.to_tag, memory.kept_facts())
    if 200 <= answer.status < 300 and known.facts is not None:
        events.answered(dead_targets.attempt_key(), known.facts.call_sid)
    decision = judge_answer(
        room.table,
        answer,
        known,
        to_caller=True,
        attempt=attempt.token.callee,
        cseq_of_sender=attempt.cseq,
        asked_with_sdp=attempt.with_sdp,
        own_addresses=room.own_addresses,
    )
    carry_out_answer(received, known, decision, to_caller=True)


def _proceed(
    room: CallRoom,
    call: PendingCall,
    step: NextAttempt | FinalReply,
    failure: Failure | None,
) -> None:
    """Attempts until one is under way; else the final answer. `failure` is the last one that was received."""
    while isinstance(step, NextAttempt):
        call, unsent = _attempt(room, call, step.attempt)
        if unsent is None:
            return
        _say_failed(call, unsent)
        failure = unsent
        state, step = after_failure(room.table, call.state, unsent)
        call = call.with_state(state)
    uncount_calls(call.counted)
    _finish(call, step, failure)


def _attempt(room: CallRoom, call: PendingCall, attempt: Attempt) -> tuple[PendingCall, Failure | None]:
    """Send the INVITE to one address; a Failure if it could not be sent."""
    uncount_calls(call.counted)
    over = count_call(attempt.limits)
    counted = keys_in_progress(attempt.limits) if over is None else ()
    facts = facts_with_carrier(call.facts, attempt)
    if (call.answered, call.counted, call.facts) != ((), counted, facts):
        call = replace(call, answered=(), counted=counted, facts=facts)
    if over is not None:
        return call, Failure(FailureKind.OVER_LIMIT, over=over, elapsed=_elapsed(call))
    memory.begin_attempt(call.facts)
    _save(room, call, attempt)
    if _send(room.settings, attempt):
        return call, None
    return call, Failure(FailureKind.SEND_ERROR, elapsed=_elapsed(call))


def _save(room: CallRoom, call: PendingCall, attempt: Attempt) -> None:
    token = token_of(
        call.facts,
        call.caller,
        attempt,
        number=call.state.position,
        cseq_shift=memory.shift_of(True),
        now=time.time(),
        ring_seconds=room.settings.ring_seconds,
    )
    tag, cseq = text("$ft"), int(text("$cs") or 0)
    parameter = room.tokens.route_parameter(text("$ci"), tag, token)
    carried = texts_of(call.facts, attempt, token, parameter, tag, cseq, with_sdp=call.with_sdp)
    save_call(call, PendingAttempt(token, cseq, call.with_sdp), carried)


def _send(settings: InstanceSettings, attempt: Attempt) -> bool:
    writer.aim(settings, attempt)
    dead_targets.note_attempt(attempt)
    KSR.tm.t_on_failure(FAILURE_ROUTE)
    KSR.tm.t_on_branch(BRANCH_ROUTE)
    KSR.tm.t_on_reply(REPLY_ROUTE)
    KSR.tm.t_set_fr(settings.ring_seconds * 1000, _SILENCE_MILLISECONDS)
    return KSR.tm.t_relay_to_flags(_NO_REPLY_ON_ERROR) > 0


def _failure(call: PendingCall) -> Failure:
    """How the attempt under way ended, as the transaction tells it."""
    elapsed = _elapsed(call)
    if KSR.tm.t_branch_timeout() > 0:
        rang = KSR.tm.t_branch_replied() > 0
        return Failure(FailureKind.RING_TIMEOUT if rang else FailureKind.NO_RESPONSE, elapsed=elapsed)
    status = KSR.tm.t_get_status_code()
    return Failure(
        FailureKind.RESPONSE,
        status=status,
        text=text("$T_rpl($rr)"),
        contact=text("$T_rpl($ct)") if status == 302 else "",
        why=told_causes((name, text(f"$T_rpl($(hdr({name})[*]))")) for name in CAUSES),
        elapsed=elapsed,
    )


def _finish(call: PendingCall, step: FinalReply, failure: Failure | None) -> None:
    events.note_ending(step)
    if step.reason is not None:
        writer.fail_call(call.state, step.reason, step.headers)
    elif not is_passed_on(step, failure):
        writer.reply(step.status, step.text, step.headers)


def _say_failed(call: PendingCall, failure: Failure) -> None:
    attempt = call.state.current
    if attempt is None:
        return
    events.attempt_failed(attempt, failure, call.facts.call_sid)
    answer = f" status={failure.status}" if failure.status else ""
    say(
        f"attempt failed kind={failure.kind}{answer} trunk={call.state.trunk} target={attempt.target}"
        f" address={attempt.transport}:{attempt.address}:{attempt.port} call_id={text('$ci')!r}"
    )


def _elapsed(call: PendingCall) -> float:
    return max(0.0, time.time() - call.begun)
