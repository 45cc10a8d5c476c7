"""A call from its first attempt to its final answer: attempt after attempt until a target takes it."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Final

from sipedge.calls.events import REQUESTED, RINGING_FROM
from sipedge.instance import InstanceSettings
from sipedge.kemi import carrier_auth, dead_targets, events, lookups, media, memory, writer
from sipedge.kemi.answers import carry_out_answer
from sipedge.kemi.attempt_media import hide_in_offer, relay_offer
from sipedge.kemi.b2bua import B2buaGate
from sipedge.kemi.counting import count_call, uncount_calls
from sipedge.kemi.journal import say
from sipedge.kemi.ksr import KSR
from sipedge.kemi.pending import load_attempt, load_call, save_call
from sipedge.kemi.reader import NULL, Received, answer_of, text
from sipedge.kemi.relay import MediaRelay
from sipedge.routing.attempts import Attempt
from sipedge.routing.decision import Decision
from sipedge.routing.dialog.answers import judge_answer
from sipedge.routing.dialog.carrier_challenge import CHALLENGES
from sipedge.routing.dialog.missing import without_dialog
from sipedge.routing.dialog.new_call import end_of_token, facts_with_carrier
from sipedge.routing.dialog.pending import PendingCall
from sipedge.routing.dialog.tokens import TokenKeeper
from sipedge.routing.dialog.way import way_of
from sipedge.routing.failover import (
    CAUSES,
    Failure,
    FailureKind,
    FinalReply,
    Instructions,
    NextAttempt,
    after_failure,
    handed_over,
    is_passed_on,
    reply_for,
    told_causes,
)
from sipedge.routing.handover import Placed
from sipedge.routing.limits import keys_in_progress
from sipedge.routing.lookups import Lookups
from sipedge.routing.media.sides import MediaPlan
from sipedge.routing.message.messages import SipRequest
from sipedge.routing.number_formats import format_of
from sipedge.routing.reasons import Reason
from sipedge.routing.siblings import RelayKeeper
from sipedge.routing.silence import SILENCE_MILLISECONDS
from sipedge.table import Table
from sipedge.values import quickly_made, replace

FAILURE_ROUTE = "ksr_failure_call"
BRANCH_ROUTE = "ksr_branch_call"
REPLY_ROUTE = "ksr_onreply_call"

_CAUSES: Final = tuple((name, f"$T_rpl($(hdr({name})[*]))") for name in CAUSES)
_ALL_CAUSES: Final = f"$_s({''.join(variable for _, variable in _CAUSES)})"
_NO_CAUSES: Final = NULL * len(_CAUSES)
_TRIES: Final = (NextAttempt, Instructions)
_NO_REPLY_ON_ERROR = 2
"""Flag of t_relay: a send error is ours to handle, by the next attempt."""


@quickly_made
@dataclass(frozen=True)
class CallRoom:
    """What each step of a call is done with."""

    settings: InstanceSettings
    tokens: TokenKeeper
    table: Table
    relay: MediaRelay
    b2bua: B2buaGate

    def place_of(self, request: SipRequest, decision: Decision) -> events.Place:
        """Where the call was decided."""
        own = (self.settings.edge, self.settings.address)
        # Of the numbers in it, only that of a Diversion is read again.
        form = format_of(self.table, decision.carrier) if "diversion" in request.headers else None
        return events.Place(own, self.table.sequence, form)

    def refuse(
        self, request: SipRequest, decision: Decision, reason: Reason, placed: Placed | None = None
    ) -> None:
        """Refuse a call that would have gone on. `placed`: by the edge's own B2BUA."""
        self.tell_refused(request, decision, reason, placed)
        writer.reject(decision, reason)

    def tell_refused(
        self, request: SipRequest, decision: Decision, reason: Reason, placed: Placed | None = None
    ) -> None:
        """A refused INVITE leaves its record as well."""
        trunk = self.table.trunk(decision.trunk) if decision.trunk else None
        events.refused(self.place_of(request, decision), request, decision, reason, trunk, placed)


def resume_call(room: CallRoom, waited: Failure | None) -> None:
    """The attempt under way has failed: the next one, or the final answer.

    `waited`: it had failed so before the call was suspended for a look-up.
    """
    call, failure = load_call(), waited
    if call is None:
        refusal = without_dialog(has_begun=True, has_waited=waited is not None)
        if refusal is not None:
            writer.refuse(refusal)
        return
    if memory.ended_by() == REQUESTED:
        uncount_calls(call.counted)
        _finish(call, reply_for(Reason.EndRequested), failure)
        return
    if failure is None:
        failure = _failure(call)
        if failure.kind is FailureKind.NO_RESPONSE and not call.state.redirected:
            # A redirect names addresses at will; each would be remembered.
            dead_targets.note_silence(call.state.current)
    if failure.status in CHALLENGES and (answered := _with_answer(room, call, failure.status)) is not None:
        call = answered
        memory.note_shift(True, memory.shift_of(True) + 1)
        attempt = call.state.attempts[call.state.position]
        _save(room, call, attempt, memory.shift_of(True), media.plan(), is_first=False)
        if _send(room, attempt, is_first=False):
            return
        failure = replace(failure, kind=FailureKind.SEND_ERROR)
    state, step = after_failure(
        room.table,
        call.state,
        failure,
        looked_up=waited is not None,
        is_relayed=call.caller.is_sibling,
        is_placed=call.caller.is_b2bua,
    )
    if isinstance(step, Lookups):
        if lookups.suspend(room.settings, step, failure, FAILURE_ROUTE):
            return
        state, step = after_failure(
            room.table,
            call.state,
            failure,
            looked_up=True,
            is_relayed=call.caller.is_sibling,
            is_placed=call.caller.is_b2bua,
        )
    _say_failed(call, failure)
    proceed(room, call.with_state(state), step, failure)


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
    if RINGING_FROM <= answer.status < 300 and known.facts is not None and not known.caller.is_sibling:
        tell = events.ringing if answer.status < 200 else events.answered
        tell(dead_targets.attempt_key(), known.facts.call_sid)
    decision = judge_answer(
        room.table,
        answer,
        known,
        to_caller=True,
        attempt=attempt.token.callee,
        cseq_of_sender=attempt.invite.cseq,
        asked_with_sdp=attempt.invite.with_sdp,
        own_addresses=room.settings.own_addresses,
    )
    carry_out_answer(room.relay, room.table, received, known, decision, to_caller=True)


def proceed(
    room: CallRoom,
    call: PendingCall,
    step: NextAttempt | Instructions | FinalReply | Lookups,
    failure: Failure | None,
) -> None:
    """Attempts until one is under way; else the final answer. `failure` is the last one that was received."""
    while isinstance(step, _TRIES):
        if isinstance(step, Instructions):
            state, step = handed_over(call.state, room.b2bua.instructed(room.table, call.facts, call.invite))
            call = call.with_state(state)
            continue
        call, unsent = _attempt(room, call, step.attempt, is_first=failure is None)
        if unsent is None:
            return
        if isinstance(unsent, FinalReply):
            step = unsent
            break
        call, step = _after_unsent(room, call, unsent)
        failure = unsent
    uncount_calls(call.counted)
    if isinstance(step, FinalReply):
        _finish(call, step, failure)


def go_on_unsent(room: CallRoom, kind: FailureKind, over: Reason | None = None) -> None:
    """The first attempt of a call, which is kept already, could not be sent."""
    call = load_call()
    if call is not None:
        failure = Failure(kind, over=over, elapsed=_elapsed(call))
        if over is not None:
            call = replace(call, counted=())
        call, step = _after_unsent(room, call, failure)
        proceed(room, call, step, failure)


def _after_unsent(
    room: CallRoom, call: PendingCall, failure: Failure
) -> tuple[PendingCall, NextAttempt | Instructions | FinalReply | Lookups]:
    _say_failed(call, failure)
    state, step = after_failure(
        room.table,
        call.state,
        failure,
        looked_up=True,
        is_relayed=call.caller.is_sibling,
        is_placed=call.caller.is_b2bua,
    )
    return call.with_state(state), step


def _attempt(
    room: CallRoom, call: PendingCall, attempt: Attempt, *, is_first: bool
) -> tuple[PendingCall, Failure | FinalReply | None]:
    """Send the INVITE to one address; a Failure if it could not be sent, a FinalReply if none can."""
    if not is_first:
        uncount_calls(call.counted)
        known, facts = call.facts, facts_with_carrier(call.facts, attempt)
        memory.begin_next_attempt(None if facts is known else facts)
        if call.answered or call.counted or facts is not known:
            call = replace(call, answered=(), counted=(), facts=facts)
    if attempt.limits:
        over = count_call(room.table, attempt.limits)
        if over is not None:
            return call, Failure(FailureKind.OVER_LIMIT, over=over, elapsed=_elapsed(call))
        call = replace(call, counted=keys_in_progress(attempt.limits))
    if call.changes is not None:
        writer.count_hop()
        writer.write(call.changes, {name.lower() for name, _ in call.changes.insert})
    site, former, plan = room.table.site(), "" if is_first else media.session(), None
    if former or (site is not None and site.relay):
        unrelayed = relay_offer(room.relay, room.table, call, attempt, former)
        if unrelayed is not None:
            return call, unrelayed
        plan = media.plan()
    else:
        hide_in_offer(call)
    _save(room, call, attempt, 0, plan, is_first=is_first)
    if _send(room, attempt, is_first=is_first):
        return call, None
    return call, Failure(FailureKind.SEND_ERROR, elapsed=_elapsed(call))


def _save(
    room: CallRoom,
    call: PendingCall,
    attempt: Attempt,
    cseq_shift: int,
    plan: MediaPlan | None,
    *,
    is_first: bool,
) -> None:
    """Keep all that answers to this attempt, and its failure, will ask for. `plan`: of its relayed media."""
    invite, facts, now = call.invite, call.facts, time.time()
    way = way_of(
        room.table.plans,
        facts,
        call.caller,
        attempt,
        number=call.state.position,
        cseq_shift=cseq_shift,
        media=plan,
    )
    token = way.token_text(end_of_token(facts, now, room.settings.ring_seconds))
    parameter = room.tokens.parameter_of(invite.call_id, invite.tag, token)
    carried = way.carried.texts(facts, attempt, parameter, invite.tag, invite.cseq, with_sdp=invite.with_sdp)
    if attempt.relay is not None:
        relays = RelayKeeper(room.tokens.edge_secret)
        line = relays.line(attempt, facts, invite.call_id, invite.cseq, now)
        carried = replace(carried, lines=carried.lines + line)
    save_call(call.to_text(), carried, is_first=is_first)
    dead_targets.note_attempt(way.target_key)


def _send(room: CallRoom, attempt: Attempt, *, is_first: bool) -> bool:
    writer.aim(room.settings, room.table, attempt)
    if not is_first:  # of the first, kamailio.cfg has done so
        KSR.tm.t_on_failure(FAILURE_ROUTE)
        KSR.tm.t_on_branch(BRANCH_ROUTE)
        KSR.tm.t_on_reply(REPLY_ROUTE)
        KSR.tm.t_set_fr(room.settings.ring_seconds * 1000, SILENCE_MILLISECONDS)
    return relay()


def relay() -> bool:
    """Send the INVITE where it is aimed; False: it cannot be."""
    return KSR.tm.t_relay_to_flags(_NO_REPLY_ON_ERROR) > 0


def _failure(call: PendingCall) -> Failure:
    """How the attempt under way ended, as the transaction tells it."""
    elapsed = _elapsed(call)
    if KSR.tm.t_branch_timeout() > 0:
        rang = KSR.tm.t_branch_replied() > 0
        return Failure(FailureKind.RING_TIMEOUT if rang else FailureKind.NO_RESPONSE, elapsed=elapsed)
    status, has_causes = KSR.tm.t_get_status_code(), text(_ALL_CAUSES) != _NO_CAUSES
    return Failure(
        FailureKind.RESPONSE,
        status=status,
        text=text("$T_rpl($rr)"),
        contact=text("$T_rpl($ct)") if status == 302 else "",
        why=told_causes([(name, text(variable)) for name, variable in _CAUSES]) if has_causes else (),
        elapsed=elapsed,
    )


def _finish(call: PendingCall, step: FinalReply, failure: Failure | None) -> None:
    if not call.caller.is_sibling:
        events.note_ending(step)
    if step.reason is not None:
        writer.fail_call(call.state, step.reason, step.headers)
    elif not is_passed_on(step, failure):
        writer.reply(step.status, step.text, step.headers)


def _say_failed(call: PendingCall, failure: Failure) -> None:
    attempt = call.state.current
    if attempt is None:
        return
    if not call.caller.is_sibling:
        events.attempt_failed(attempt, failure, call.facts.call_sid)
    answer = f" status={failure.status}" if failure.status else ""
    say(
        f"attempt failed kind={failure.kind}{answer} trunk={call.state.trunk} target={attempt.target}"
        f" address={attempt.transport}:{attempt.address}:{attempt.port} call_id={call.invite.call_id!r}"
    )


def _elapsed(call: PendingCall) -> float:
    return max(0.0, time.time() - call.begun)
