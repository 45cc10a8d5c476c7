"""Answers on their way back: judged as the requests were, and learned from."""

from __future__ import annotations

import time

from sipedge.kemi import dialog_media, memory, recorded, writer
from sipedge.kemi.journal import note_reason
from sipedge.kemi.ksr import KSR
from sipedge.kemi.reader import Received, answer_of, text
from sipedge.kemi.relay import MediaRelay
from sipedge.routing.decision import Step
from sipedge.routing.dialog.answers import judge_answer, judge_repeated_answer
from sipedge.routing.dialog.decisions import AnswerDecision
from sipedge.routing.dialog.later_media import refused_body
from sipedge.routing.dialog.memory import CallMemory
from sipedge.routing.dialog.tokens import TokenKeeper
from sipedge.routing.handover import APART
from sipedge.routing.message.sdp import body_with_sdp
from sipedge.routing.reasons import Reason
from sipedge.table import Table
from sipedge.values import replace


def judge_dialog_answer(
    relay: MediaRelay, table: Table, own_addresses: tuple[str, ...], received: Received
) -> None:
    """An answer to a request in a dialog, on its way back."""
    asked = memory.load_asked()
    if asked is None:
        raise ValueError("a transaction in a dialog without what it asked")
    answer = answer_of(received)
    tag = answer.to_tag if asked.by_caller else answer.from_tag
    known = memory.of_call(asked.token, tag, memory.kept_facts())
    decision = judge_answer(
        table,
        answer,
        known,
        to_caller=asked.by_caller,
        cseq_of_sender=asked.cseq,
        asked_with_sdp=asked.with_sdp,
        own_addresses=own_addresses,
        asked_by_b2bua=asked.spoken in APART,
    )
    carry_out_answer(relay, table, received, known, decision, to_caller=asked.by_caller)
    if answer.status >= 300:
        dialog_media.forget_if_new(relay)


def carry_out_answer(
    relay: MediaRelay,
    table: Table,
    received: Received,
    known: CallMemory,
    decision: AnswerDecision,
    *,
    to_caller: bool,
) -> None:
    """What was decided about the answer at hand; it cannot be refused, whatever the relay says of it."""
    if decision.drop:
        writer.drop_answer()
        return
    decision = _with_media(relay, table, received, known, decision, to_caller=to_caller)
    memory.learn(decision.learned, by_caller=not to_caller, tag=received.to_tag)
    writer.write(decision.changes)
    if decision.body is not None:
        writer.set_body(received, decision.body)
    if decision.end_call is not None:
        note_in_dialog(decision.end_call, known, decision.steps)
        memory.end_soon(decision.end_call.name)


def _with_media(
    relay: MediaRelay,
    table: Table,
    received: Received,
    known: CallMemory,
    decision: AnswerDecision,
    *,
    to_caller: bool,
) -> AnswerDecision:
    """The decision once the relay has done its part."""
    if not decision.media.commands:
        return decision
    done, is_up = dialog_media.carry_out(relay, table, decision.media), 200 <= int(text("$rs")) < 300
    if done.fault is not None:
        refused, ends = refused_body(decision.media), done.fault if is_up else None
        return replace(decision, body=refused, end_call=ends, learned=replace(decision.learned, agreed=None))
    if known.media is not None:
        recorded.note_given(known.media, to_caller=to_caller, sdp=done.body, is_up=is_up)
    return replace(decision, body=body_with_sdp(received, done.body)) if done.body else decision


def is_awaited() -> bool:
    """True if a transaction waits for the answer at hand."""
    return KSR.tm.t_check_trans() > 0


def judge_stray_answer(relay: MediaRelay, table: Table, tokens: TokenKeeper, received: Received) -> None:
    """Drop an answer that nobody here waits for: else its Via would name whom to send it to.

    A callee repeats its 2xx for 32 s, longer than the transaction lasts; such a one shows our Record-Route,
    and goes to the caller alone.
    """
    uris = received.uris("record-route")
    held = tokens.first(uris, received.call_id, received.from_tag, "", time.time())
    known = memory.of_call(held.token, received.to_tag) if held is not None else None
    shift = held.token.cseq_shift if held is not None else 0
    decision = judge_repeated_answer(table, answer_of(received), known, shift)
    done = dialog_media.carry_out(relay, table, decision.media)
    if decision.drop or done.fault is not None:
        writer.drop_answer()
        return
    writer.write(decision.changes)
    body = body_with_sdp(received, done.body) if done.body else decision.body
    if body is not None:
        writer.set_body(received, body)


def note_in_dialog(reason: Reason, known: CallMemory | None, steps: tuple[Step, ...]) -> None:
    """`note_reason` of a call that is known, or of none."""
    facts = known.facts if known is not None else None
    note_reason(
        reason,
        trunk=facts.trunk if facts is not None else None,
        direction=known.direction if known is not None else None,
        detail=steps[-1].detail if steps else "",
    )
