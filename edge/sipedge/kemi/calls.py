"""A call from its admission to its final answer: attempt after attempt until a target takes it."""

from __future__ import annotations

import time
from dataclasses import replace

from sipedge.instance import InstanceSettings
from sipedge.kemi import writer
from sipedge.kemi.carrier_auth import answer_challenge
from sipedge.kemi.counting import count_call, keys_in_progress, uncount_calls
from sipedge.kemi.duration import limit_duration
from sipedge.kemi.headers import header_line
from sipedge.kemi.journal import say
from sipedge.kemi.ksr import KSR
from sipedge.kemi.reader import text
from sipedge.kemi.record import CallRecord, load_dress, load_record, save_record
from sipedge.kemi.tokens import call_sid, route_parameters
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
)
from sipedge.secret import Secret
from sipedge.table import Table
from sipedge.uri import address_of, uri_of_header

FAILURE_ROUTE = "ksr_failure_call"
BRANCH_ROUTE = "ksr_branch_call"
REPLY_ROUTE = "ksr_onreply_call"

_SILENCE_MILLISECONDS = 4_000
"""S65: no response at all, not even a 100."""
_NO_REPLY_ON_ERROR = 2
"""Flag of t_relay: a send error is ours to handle, by the next attempt."""


def start_call(settings: InstanceSettings, edge_secret: Secret, table: Table, decision: Forward) -> None:
    """Count the call, prepare its INVITE and make the first attempt."""
    call_id, caller_tag = text("$ci"), text("$ft")
    KSR.dialog.dlg_manage()
    limit_duration(decision.max_duration_seconds)
    if KSR.tm.t_newtran() <= 0:
        return  # a retransmission, which another worker is answering
    over = count_call(decision.limits)
    if over is not None:
        writer.reject(decision, over)
        return
    _prepare(decision, edge_secret, call_id, caller_tag)
    state = begin_call(table, decision, plan_attempts(table, decision))
    record = CallRecord(
        state=state,
        begun=time.time(),
        call_sid=call_sid(edge_secret, call_id, caller_tag),
        account_sid=decision.account_sid,
    )
    _proceed(settings, table, record, first_step(state), None)


def _prepare(decision: Forward, edge_secret: Secret, call_id: str, caller_tag: str) -> None:
    """What is the same for every attempt. Headers of one target alone are the branch route's."""
    if decision.direction is None:
        raise ValueError("a call that goes on has a direction")
    writer.strip_request()
    KSR.hdr.remove("Route")  # a preloaded one: ours has done its work, a foreign one is never followed
    writer.change_headers(decision.changes)
    alias_contact(of_customer=decision.direction is Direction.TERMINATION)
    KSR.rr.record_route()
    KSR.rr.add_rr_param(route_parameters(edge_secret, call_id, caller_tag, decision.direction))


def resume_call(settings: InstanceSettings, table: Table) -> None:
    """The attempt under way has failed: the next one, or the final answer."""
    if KSR.tm.t_is_canceled() > 0:
        return  # the caller has hung up and gets its 487 from the transaction
    record = load_record()
    failure = _failure(record)
    if failure.status in (401, 407):
        answered = answer_challenge(table, record, failure.status)
        if answered is not None:
            record = answered
            save_record(record)
            if _send(settings, record.state.attempts[record.state.position]):
                return
            failure = replace(failure, kind=FailureKind.SEND_ERROR)
    _say_failed(record, failure)
    state, step = after_failure(table, record.state, failure)
    _proceed(settings, table, record.with_state(state), step, failure)


def dress_branch() -> None:
    """Headers of this attempt alone: on the branch, so that they never add up over failovers."""
    dress = load_dress()
    for name, value in dress.headers:
        KSR.hdr.append(header_line(name, value))
    if dress.direction is Direction.ORIGINATION:
        KSR.hdr.append(header_line("X-Trunkline-CallSid", dress.call_sid))


def dress_reply() -> None:
    """An answer of the target on its way to the caller."""
    writer.strip_reply()
    dress = load_dress()
    alias_contact(of_customer=dress.direction is Direction.ORIGINATION)
    if dress.direction is Direction.TERMINATION and 200 <= int(text("$rs") or 0) < 300:
        if dress.account_sid is not None:
            KSR.hdr.append(header_line("X-Trunkline-AccountSid", dress.account_sid))
        KSR.hdr.append(header_line("X-Trunkline-CallSid", dress.call_sid))


def alias_contact(*, of_customer: bool) -> None:
    """Note beside a Contact where its message came from: requests to it in the dialog go there.

    A customer may be behind NAT. A carrier is not, but a name in its Contact must not be resolved here: a
    silent name server would hold up every call of this worker.
    """
    contact = uri_of_header(text("$ct"))
    if contact is not None and (of_customer or address_of(contact.host) is None):
        KSR.nathelper.add_contact_alias()


def _proceed(
    settings: InstanceSettings,
    table: Table,
    record: CallRecord,
    step: NextAttempt | FinalReply,
    failure: Failure | None,
) -> None:
    """Attempts until one is under way; else the final answer. `failure` is the last one that was received."""
    while isinstance(step, NextAttempt):
        record, unsent = _attempt(settings, record, step.attempt)
        if unsent is None:
            return
        _say_failed(record, unsent)
        failure = unsent
        state, step = after_failure(table, record.state, unsent)
        record = record.with_state(state)
    uncount_calls(record.counted)
    _finish(record, step, failure)


def _attempt(
    settings: InstanceSettings, record: CallRecord, attempt: Attempt
) -> tuple[CallRecord, Failure | None]:
    """Send the INVITE to one address; a Failure if it could not be sent."""
    uncount_calls(record.counted)
    record = replace(record, counted=())
    over = count_call(attempt.limits)
    if over is not None:
        return record, Failure(FailureKind.OVER_LIMIT, over=over, elapsed=_elapsed(record))
    record = replace(record, counted=keys_in_progress(attempt.limits))
    save_record(record)
    if _send(settings, attempt):
        return record, None
    return record, Failure(FailureKind.SEND_ERROR, elapsed=_elapsed(record))


def _send(settings: InstanceSettings, attempt: Attempt) -> bool:
    writer.aim(settings, attempt)
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
    answer = f" status={failure.status}" if failure.status else ""
    say(
        f"attempt failed kind={failure.kind}{answer} trunk={record.state.trunk} target={attempt.target}"
        f" address={attempt.transport}:{attempt.address}:{attempt.port} call_id={text('$ci')!r}"
    )


def _elapsed(record: CallRecord) -> float:
    return max(0.0, time.time() - record.begun)
