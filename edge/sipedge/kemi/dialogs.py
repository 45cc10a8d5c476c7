"""Requests inside a dialog, and answers: they follow it if this edge set it up, and go nowhere otherwise."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Final

from sipedge.instance import InstanceSettings
from sipedge.kemi import memory, writer
from sipedge.kemi.authentication import digest_check
from sipedge.kemi.duration import is_alive
from sipedge.kemi.journal import note_reason
from sipedge.kemi.ksr import KSR
from sipedge.kemi.memory import Asked
from sipedge.kemi.reader import Received, answer_of, request_of, request_uri, text
from sipedge.routing.decision import Step
from sipedge.routing.dialog import (
    SPAN_SECONDS,
    AnswerDecision,
    ChallengeInDialog,
    DropInDialog,
    Follow,
    RefuseInDialog,
    judge_answer,
    judge_repeated_answer,
    within_dialog,
)
from sipedge.routing.memory import CallMemory
from sipedge.routing.message import SipRequest
from sipedge.routing.reasons import Reason
from sipedge.routing.tokens import HeldToken, TokenKeeper
from sipedge.routing.wellformed import MAXIMUM_HOPS
from sipedge.table import Table
from sipedge.uri import parse_uri

REPLY_ROUTE = "ksr_onreply_dialog"

_REQUESTS: Final = "requests"
"""The htable of requests in dialogs: how many, by the dialog's key and the time in tens of seconds."""


@dataclass(frozen=True, slots=True)
class DialogRoom:
    """What a request in a dialog is judged with."""

    settings: InstanceSettings
    tokens: TokenKeeper
    table: Table

    @property
    def own_addresses(self) -> tuple[str, ...]:
        return writer.own_addresses(self.settings)


def held_token(tokens: TokenKeeper, received: Received) -> HeldToken | None:
    """The valid token of a request in a dialog; None if it holds none.

    It is in the first Route, or in the Request-URI that a strict router makes of that (RFC 3261 16.12.1.2).
    """
    for uri in (received.first_uri("route"), parse_uri(request_uri())):
        held = tokens.read(uri, received.call_id, received.from_tag, received.to_tag, time.time())
        if held is not None:
            return held
    return None


def follow_dialog(room: DialogRoom, received: Received) -> None:
    """Handle a request with a To-tag."""
    held = held_token(room.tokens, received)
    site = room.table.site()
    request = request_of(received, site.realm if site else "")
    known = None if held is None else memory.of_call(held.token, _callee_tag(received, held.by_caller))
    decision = within_dialog(
        room.table,
        request,
        known,
        by_caller=held is not None and held.by_caller,
        digest=digest_check(request, site.realm if site else ""),
        requests_lately=0 if held is None else _count_request(held),
        own_addresses=room.own_addresses,
        is_alive=is_alive,
    )
    match decision:
        case Follow() if held is not None and known is not None:
            _follow(room, received, request, held, known, decision)
        case ChallengeInDialog():
            note_reason(decision.reason, detail=_last(decision.steps))
            writer.challenge_with(decision.realm, decision.reason)
        case RefuseInDialog():
            _refuse(request, decision)
        case DropInDialog():
            _drop(request, decision)


def _callee_tag(received: Received, by_caller: bool) -> str:
    return received.to_tag if by_caller else received.from_tag


def _count_request(held: HeldToken) -> int:
    span = int(time.time()) // SPAN_SECONDS
    return KSR.htable.sht_inc(_REQUESTS, f"{held.key}:{span}")


def _refuse(request: SipRequest, decision: RefuseInDialog) -> None:
    note_reason(decision.reason, detail=_last(decision.steps))
    if request.method == "INVITE":
        KSR.tm.t_newtran()  # it takes the ACK, which would else go on
    writer.refuse(decision.reason, decision.headers)


def _drop(request: SipRequest, decision: DropInDialog) -> None:
    if request.method == "ACK":
        # For an answer of ours the transaction takes it; any other has no dialog here. Never relayed.
        KSR.tm.t_check_trans()
        return
    note_reason(decision.reason, detail="left without an answer")


def _last(steps: tuple[Step, ...]) -> str:
    return steps[-1].detail if steps else ""


def _follow(
    room: DialogRoom,
    received: Received,
    request: SipRequest,
    held: HeldToken,
    known: CallMemory,
    decision: Follow,
) -> None:
    if not text("$ru"):
        KSR.seturi(decision.hop.uri)  # Kamailio routes no request whose URI it cannot read
    if KSR.rr.loose_route() <= 0:
        _refuse(request, RefuseInDialog(decision.steps, Reason.NoDialog))
        return
    KSR.maxfwd.process_maxfwd(MAXIMUM_HOPS)
    memory.learn(decision.learned, by_caller=held.by_caller, tag=received.from_tag)
    writer.put_back(received)
    writer.change_headers(received, decision.changes)
    if decision.body is not None:
        writer.set_body(received, decision.body)
    if decision.request_uri is not None:
        KSR.seturi(decision.request_uri)
    if decision.end_call is not None:
        note_reason(decision.end_call, detail=_last(decision.steps))
        memory.end_soon(decision.end_call.name)
    memory.save_asked(Asked(held.by_caller, int(text("$cs") or 0), held.token), known.facts)
    writer.send_to(room.settings, decision.hop)
    KSR.tm.t_on_reply(REPLY_ROUTE)
    KSR.tm.t_relay()


def judge_dialog_answer(room: DialogRoom, received: Received) -> None:
    """An answer to a request in a dialog, on its way back."""
    asked = memory.load_asked()
    if asked is None:
        raise ValueError("a transaction in a dialog without what it asked")
    answer = answer_of(received)
    tag = answer.to_tag if asked.by_caller else answer.from_tag
    decision = judge_answer(
        room.table,
        answer,
        memory.of_call(asked.token, tag, memory.kept_facts()),
        to_caller=asked.by_caller,
        cseq_of_sender=asked.cseq,
        own_addresses=room.own_addresses,
    )
    carry_out_answer(received, decision, to_caller=asked.by_caller)


def carry_out_answer(received: Received, decision: AnswerDecision, *, to_caller: bool) -> None:
    """What was decided about the answer at hand."""
    if decision.drop:
        writer.drop_answer()
        return
    memory.learn(decision.learned, by_caller=not to_caller, tag=received.to_tag)
    writer.write(decision.changes)
    if decision.body is not None:
        writer.set_body(received, decision.body)
    if decision.end_call is not None:
        note_reason(decision.end_call, detail=_last(decision.steps))
        memory.end_soon(decision.end_call.name)


def judge_stray_answer(room: DialogRoom, received: Received) -> None:
    """Drop an answer that nobody here waits for: else its Via would name whom to send it to.

    A callee repeats its 2xx for 32 s, longer than the transaction lasts; such a one shows our Record-Route,
    and goes to the caller alone.
    """
    if KSR.tm.t_check_trans() > 0:
        return
    tokens_held = (
        room.tokens.read(uri, received.call_id, received.from_tag, "", time.time())
        for uri in received.uris("record-route")
    )
    held = next((each for each in tokens_held if each is not None), None)
    known = memory.of_call(held.token, received.to_tag) if held is not None else None
    shift = held.token.cseq_shift if held is not None else 0
    decision = judge_repeated_answer(room.table, answer_of(received), known, shift)
    if decision.drop:
        writer.drop_answer()
    else:
        writer.write(decision.changes)
