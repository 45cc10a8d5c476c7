"""A call from its admission to its final answer: attempt after attempt until a target takes it."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace

from sipedge.instance import InstanceSettings
from sipedge.kemi import dead_targets, events, lookups, writer
from sipedge.kemi.carrier_auth import answer_challenge
from sipedge.kemi.counting import count_call, keys_in_progress, uncount_calls
from sipedge.kemi.duration import limit_duration
from sipedge.kemi.journal import say
from sipedge.kemi.ksr import KSR
from sipedge.kemi.reader import Received, connection_id, source_hop, text
from sipedge.kemi.record import CallRecord, Dress, load_dress, load_record, save_record
from sipedge.kemi.sides import CALLEE, CALLER, note_side
from sipedge.routing.attempts import Attempt, plan_attempts
from sipedge.routing.decision import Direction, Forward
from sipedge.routing.failover import (
    Failure,
    FailureKind,
    FinalReply,
    NextAttempt,
    after_failure,
    begin_call,
    first_step,
    lookups_before,
)
from sipedge.routing.headers import header_line
from sipedge.routing.hops import callee_hop, hop_of_attempt
from sipedge.routing.tokens import DialogToken, TokenKeeper, call_sid
from sipedge.table import Table

FAILURE_ROUTE = "ksr_failure_call"
BRANCH_ROUTE = "ksr_branch_call"
REPLY_ROUTE = "ksr_onreply_call"

_SILENCE_MILLISECONDS = 4_000
"""S65: no response at all, not even a 100."""
_GRACE_SECONDS = 60
"""How much longer than its call a dialog token holds: the last BYE may be repeated for half a minute."""
_NO_REPLY_ON_ERROR = 2
"""Flag of t_relay: a send error is ours to handle, by the next attempt."""


@dataclass(frozen=True, slots=True)
class CallRoom:
    """What each step of a call is done with."""

    settings: InstanceSettings
    tokens: TokenKeeper
    table: Table


def start_call(room: CallRoom, received: Received, decision: Forward) -> None:
    """Count the call, prepare its INVITE and make the first attempt."""
    caller = source_hop()
    if caller is None:
        raise ValueError("the INVITE came from no address")
    KSR.dialog.dlg_manage()
    limit_duration(decision.max_duration_seconds)
    note_side(CALLER, caller, caller, connection_id())
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
    state = begin_call(room.table, decision, dead_targets.in_order(plan_attempts(room.table, decision)))
    record = CallRecord(
        state=state,
        begun=time.time(),
        call_sid=call_sid(room.tokens.edge_secret, received.call_id, received.from_tag),
        account_sid=decision.account_sid,
        caller=caller,
        longest_seconds=decision.max_duration_seconds,
    )
    events.begun(room.settings, room.table, received, decision, caller, record.call_sid)
    _proceed(room, record, first_step(state), None)


def resume_call(room: CallRoom) -> None:
    """The attempt under way has failed: the next one, or the final answer."""
    if KSR.tm.t_is_canceled() > 0:
        return  # the caller has hung up and gets its 487 from the transaction
    record = load_record()
    failure = lookups.asked_for()
    if failure is None:
        failure = _failure(record)
        if not record.state.redirected:
            # A redirect names addresses at will; each would be remembered.
            dead_targets.note_failure(record.state.current, failure.kind)
        asked = lookups_before(room.table, record.state, failure)
        if asked is not None and lookups.suspend(room.settings, asked, failure, FAILURE_ROUTE):
            return
    if failure.status in (401, 407):
        answered = answer_challenge(room.table, record, failure.status)
        if answered is not None:
            record = answered
            attempt = record.state.attempts[record.state.position]
            save_record(record, _dress(room, record, attempt))
            if _send(room.settings, attempt):
                return
            failure = replace(failure, kind=FailureKind.SEND_ERROR)
    _say_failed(record, failure)
    state, step = after_failure(room.table, record.state, failure)
    _proceed(room, record.with_state(state), step, failure)


def dress_branch() -> None:
    """Headers of this attempt alone: on the branch, so that they never add up over failovers."""
    dress = load_dress()
    KSR.rr.record_route_params(dress.route_parameter)
    for name, value in dress.headers:
        KSR.hdr.append(header_line(name, value))
    if dress.direction is Direction.ORIGINATION:
        KSR.hdr.append(header_line("X-Trunkline-CallSid", dress.call_sid))


def dress_reply() -> None:
    """An answer of the target on its way to the caller."""
    dress = load_dress()
    if not 200 <= int(text("$rs") or 0) < 300:
        return
    events.answered(dead_targets.attempt_key(), dress.call_sid)
    note_side(CALLEE, dress.callee, callee_hop(dress.callee, source_hop()), connection_id())
    if dress.direction is Direction.TERMINATION:
        if dress.account_sid is not None:
            KSR.hdr.append(header_line("X-Trunkline-AccountSid", dress.account_sid))
        KSR.hdr.append(header_line("X-Trunkline-CallSid", dress.call_sid))


def _proceed(
    room: CallRoom,
    record: CallRecord,
    step: NextAttempt | FinalReply,
    failure: Failure | None,
) -> None:
    """Attempts until one is under way; else the final answer. `failure` is the last one that was received."""
    while isinstance(step, NextAttempt):
        record, unsent = _attempt(room, record, step.attempt)
        if unsent is None:
            return
        _say_failed(record, unsent)
        failure = unsent
        state, step = after_failure(room.table, record.state, unsent)
        record = record.with_state(state)
    uncount_calls(record.counted)
    _finish(record, step, failure)


def _attempt(room: CallRoom, record: CallRecord, attempt: Attempt) -> tuple[CallRecord, Failure | None]:
    """Send the INVITE to one address; a Failure if it could not be sent."""
    uncount_calls(record.counted)
    record = replace(record, counted=())
    over = count_call(attempt.limits)
    if over is not None:
        return record, Failure(FailureKind.OVER_LIMIT, over=over, elapsed=_elapsed(record))
    record = replace(record, counted=keys_in_progress(attempt.limits))
    save_record(record, _dress(room, record, attempt))
    if _send(room.settings, attempt):
        return record, None
    return record, Failure(FailureKind.SEND_ERROR, elapsed=_elapsed(record))


def _dress(room: CallRoom, record: CallRecord, attempt: Attempt) -> Dress:
    direction, callee = record.state.direction, hop_of_attempt(attempt)
    ends = int(time.time()) + room.settings.ring_seconds + record.longest_seconds + _GRACE_SECONDS
    token = DialogToken(direction, ends, record.caller, callee)
    parameter = room.tokens.route_parameter(text("$ci"), text("$ft"), token)
    return Dress(direction, record.call_sid, record.account_sid, attempt.headers, parameter, callee)


def _send(settings: InstanceSettings, attempt: Attempt) -> bool:
    writer.aim(settings, attempt)
    dead_targets.note_attempt(attempt)
    KSR.tm.t_on_failure(FAILURE_ROUTE)
    KSR.tm.t_on_branch(BRANCH_ROUTE)
    KSR.tm.t_on_reply(REPLY_ROUTE)
    KSR.tm.t_set_fr(settings.ring_seconds * 1000, _SILENCE_MILLISECONDS)
    return KSR.tm.t_relay_to_flags(_NO_REPLY_ON_ERROR) > 0


def _failure(record: CallRecord) -> Failure:
    """How the attempt under way ended, as the transaction tells it."""
    elapsed = _elapsed(record)
    if KSR.tm.t_branch_timeout() > 0:
        rang = KSR.tm.t_branch_replied() > 0
        return Failure(FailureKind.RING_TIMEOUT if rang else FailureKind.NO_RESPONSE, elapsed=elapsed)
    status = KSR.tm.t_get_status_code()
    return Failure(
        FailureKind.RESPONSE,
        status=status,
        text=text("$T_rpl($rr)"),
        contact=text("$T_rpl($ct)") if status == 302 else "",
        elapsed=elapsed,
    )


def _finish(record: CallRecord, step: FinalReply, failure: Failure | None) -> None:
    events.note_ending(step)
    if step.reason is not None:
        writer.fail_call(step.reason, record.state.trunk, record.state.direction)
    elif not _is_passed_on(step, failure):
        writer.reply(step.status, step.text)


def _is_passed_on(step: FinalReply, failure: Failure | None) -> bool:
    """True if the transaction itself passes the target's answer on, headers and all.

    It turns a 503 into 500, so that one is answered explicitly.
    """
    return (
        failure is not None
        and failure.kind is FailureKind.RESPONSE
        and failure.status == step.status
        and step.status != 503
    )


def _say_failed(record: CallRecord, failure: Failure) -> None:
    attempt = record.state.current
    if attempt is None:
        return
    events.attempt_failed(attempt, failure, record.call_sid)
    answer = f" status={failure.status}" if failure.status else ""
    say(
        f"attempt failed kind={failure.kind}{answer} trunk={record.state.trunk} target={attempt.target}"
        f" address={attempt.transport}:{attempt.address}:{attempt.port} call_id={text('$ci')!r}"
    )


def _elapsed(record: CallRecord) -> float:
    return max(0.0, time.time() - record.begun)
