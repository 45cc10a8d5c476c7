"""Requests inside a dialog, and answers: they follow it if this edge set it up, and go nowhere otherwise."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Final

from sipedge.instance import InstanceSettings
from sipedge.kemi import carrier_auth, dialog_media, events, memory, writer
from sipedge.kemi.answers import note_in_dialog
from sipedge.kemi.authentication import digest_check
from sipedge.kemi.b2bua import B2buaGate, without_own_route
from sipedge.kemi.carrier_auth import SentRequest
from sipedge.kemi.dialog_media import Going
from sipedge.kemi.duration import is_alive
from sipedge.kemi.journal import note_reason
from sipedge.kemi.ksr import KSR
from sipedge.kemi.memory import Asked
from sipedge.kemi.reader import Received, text
from sipedge.kemi.relay import MediaRelay
from sipedge.routing.authenticate import with_user
from sipedge.routing.decision import HeaderChanges
from sipedge.routing.dialog.carrier_challenge import (
    CHALLENGES,
    carrier_asked,
    may_be_challenged,
    without_cseq,
)
from sipedge.routing.dialog.decisions import ChallengeInDialog, DropInDialog, Follow, HandOver, RefuseInDialog
from sipedge.routing.dialog.hops import Hop
from sipedge.routing.dialog.judge import within_dialog
from sipedge.routing.dialog.later_checks import SPAN_SECONDS
from sipedge.routing.dialog.memory import CallMemory
from sipedge.routing.dialog.tokens import HeldToken, TokenKeeper
from sipedge.routing.handover import Spoken, b2bua_hop
from sipedge.routing.media.commands import end_session
from sipedge.routing.message.messages import SipRequest
from sipedge.routing.reasons import Reason
from sipedge.table import Table
from sipedge.uri import parse_uri

REPLY_ROUTE = "ksr_onreply_dialog"
FAILURE_ROUTE = "ksr_failure_dialog"
BRANCH_ROUTE = "ksr_branch_dialog"

_NO_REPLY_ON_ERROR = 2
"""Flag of t_relay: a send error is ours to answer."""
_REQUESTS: Final = "requests"
"""The htable of requests in dialogs: how many, by the dialog's key, the source and the span."""


@dataclass(frozen=True, slots=True)
class DialogRoom:
    """What a request in a dialog is judged with."""

    settings: InstanceSettings
    tokens: TokenKeeper
    table: Table
    relay: MediaRelay
    b2bua: B2buaGate


def held_token(tokens: TokenKeeper, received: Received) -> HeldToken | None:
    """The valid token of a request in a dialog; None if it holds none.

    It is in the first Route, or in the Request-URI that a strict router makes of that (RFC 3261 16.12.1.2).
    """
    uris = (received.first_uri("route"), parse_uri(received.request_uri))
    return tokens.first(uris, received.call_id, received.from_tag, received.to_tag, time.time())


def follow_dialog(room: DialogRoom, received: Received) -> None:
    """Handle a request with a To-tag."""
    held = held_token(room.tokens, received)
    site = room.table.site()
    request = with_user(received, site.realm if site else "")
    known = (
        None
        if held is None
        else room.b2bua.marked(
            memory.of_call(held.token, received.to_tag if held.by_caller else received.from_tag),
            received.call_id,
        )
    )
    spoken = room.b2bua.spoken(received)
    decision = within_dialog(
        room.table,
        request,
        known,
        by_caller=held is not None and held.by_caller,
        digest=digest_check(request, site.realm if site else ""),
        requests_lately=0 if held is None else _count_request(held, request.source),
        own_addresses=room.settings.own_addresses,
        is_alive=is_alive,
        spoken=spoken,
    )
    match decision:
        case Follow() if held is not None and known is not None:
            _follow(room, received, request, held, known, decision, spoken)
        case HandOver() if held is not None and known is not None:
            _hand_over(room, received, request, held, known, decision)
        case ChallengeInDialog():
            note_in_dialog(decision.reason, known, decision.steps)
            writer.challenge_with(decision.realm, decision.reason)
        case RefuseInDialog():
            _refuse(request, known, decision)
        case DropInDialog():
            _drop(request, decision)


def _count_request(held: HeldToken, source: str) -> int:
    # By source as well: who is no side of the call cannot use up what its sides may send.
    span = int(time.time()) // SPAN_SECONDS
    return KSR.htable.sht_inc(_REQUESTS, f"{held.key}:{source}:{span}")


def _refuse(request: SipRequest, known: CallMemory | None, decision: RefuseInDialog) -> None:
    note_in_dialog(decision.reason, known, decision.steps)
    if request.method == "INVITE":
        KSR.tm.t_newtran()  # it takes the ACK, which would else go on
    writer.refuse(decision.reason, decision.headers)


def _drop(request: SipRequest, decision: DropInDialog) -> None:
    if request.method == "ACK":
        # For an answer of ours the transaction takes it; any other has no dialog here. Never relayed.
        KSR.tm.t_check_trans()
        return
    note_reason(decision.reason, detail="left without an answer")


def _follow(
    room: DialogRoom,
    received: Received,
    request: SipRequest,
    held: HeldToken,
    known: CallMemory,
    decision: Follow,
    spoken: Spoken | None,
) -> None:
    target = decision.request_uri
    if not text("$ru"):  # Kamailio routes no request whose URI it cannot read
        target = target or request.request_uri
        KSR.seturi(decision.hop.uri)
    if not _leave_route(received, ends_here=decision.ends_here):
        _refuse(request, known, RefuseInDialog(decision.steps, Reason.NoDialog))
        return
    relayed = _relayed(room, received, request, held, known, decision)
    if relayed is None:
        return
    decision = relayed
    changes = decision.changes
    if may_be_challenged(known, request.method, by_caller=held.by_caller):
        changes = _expect_challenge(decision)
    writer.change_headers(received, changes)
    if decision.body is not None:
        writer.set_body(received, decision.body)
    if target is not None:
        _set_request_uri(target, request.method, decision.hop)
    if known.facts is None and request.method == "BYE":
        events.left(request.call_id, by_caller=held.by_caller)
        if known.media is not None:
            room.relay.carry_out(end_session(known.media.ng_id))
            # The only message of this call that knows of its session.
    if spoken is Spoken.MOVED and request.method == "ACK":
        dialog_media.end_moved(room.relay)
    if decision.end_call is not None:
        note_in_dialog(decision.end_call, known, decision.steps)
        memory.end_soon(decision.end_call.name)
    with_sdp = decision.learned.open_offer is not None
    asked = Asked(held.by_caller, int(text("$cs") or 0), with_sdp, held.token, spoken or "")
    memory.save_asked(asked, known.facts)
    writer.send_to(room.settings, room.table, decision.hop)
    KSR.tm.t_on_reply(REPLY_ROUTE)
    if decision.media.commands:
        KSR.tm.t_on_failure(FAILURE_ROUTE)
    if KSR.tm.t_relay() <= 0 and decision.media.commands:
        dialog_media.restore(room.relay, held.token, by_caller=held.by_caller)


def _relayed(
    room: DialogRoom,
    received: Received,
    request: SipRequest,
    held: HeldToken,
    known: CallMemory,
    decision: Going,
) -> Going | None:
    """The decision once the relay has done its part, and what it teaches is kept; None: it is refused."""
    if decision.media.commands:
        done = dialog_media.relay_request(room.relay, room.table, received, held, known, decision)
        if isinstance(done, Reason):
            _refuse(request, known, RefuseInDialog(decision.steps, done))
            return None
        decision = done
    writer.count_hop()
    memory.learn(decision.learned, by_caller=held.by_caller, tag=received.from_tag)
    writer.put_back(received)
    return decision


def _leave_route(received: Received, *, ends_here: bool) -> bool:
    """Take our own Route off. What passes by `loose_route` counts in the dialog: a BYE ends it."""
    if ends_here:
        without_own_route(received)
        return True
    return KSR.rr.loose_route() > 0


def _hand_over(
    room: DialogRoom,
    received: Received,
    request: SipRequest,
    held: HeldToken,
    known: CallMemory,
    decision: HandOver,
) -> None:
    hop, gate = b2bua_hop(room.settings.address, room.settings.b2bua), room.b2bua
    is_refer = request.method == "REFER"
    if hop is None or (
        is_refer and not gate.adopt(room.table, received, known, decision, by_caller=held.by_caller)
    ):
        _refuse(request, known, RefuseInDialog(decision.steps, Reason.TransferUnavailable))
        return
    if not text("$ru"):
        KSR.seturi(hop.uri)
    if not _leave_route(received, ends_here=decision.ends_here):
        _refuse(request, known, RefuseInDialog(decision.steps, Reason.NoDialog))
        return
    relayed = _relayed(room, received, request, held, known, decision)
    if relayed is None:
        return
    decision = relayed
    writer.change_headers(received, decision.changes)
    if decision.body is not None:
        writer.set_body(received, decision.body)
    if decision.end_call is not None:
        note_in_dialog(decision.end_call, known, decision.steps)
        memory.end_soon(decision.end_call.name)
    with_sdp = decision.learned.open_offer is not None
    memory.save_asked(Asked(held.by_caller, int(text("$cs") or 0), with_sdp, held.token), known.facts)
    gate.aim(room.table, hop, request.method)
    KSR.tm.t_on_reply(REPLY_ROUTE)
    KSR.tm.t_relay()


def _set_request_uri(uri: str, method: str, hop: Hop) -> None:
    KSR.seturi(uri)
    if not text("$ru") and method != "ACK":
        # tm begins no transaction either with a URI that it cannot read, and goes on with one that it has.
        KSR.seturi(hop.uri)
        KSR.tm.t_newtran()
        KSR.seturi(uri)


def _expect_challenge(decision: Follow) -> HeaderChanges:
    """What of the decision's changes holds for every branch; the CSeq is each branch's own."""
    changes, cseq = without_cseq(decision.changes)
    carrier_auth.save_sent(SentRequest(decision.hop, cseq or int(text("$cs") or 0)))
    if cseq is not None:
        KSR.tm.t_on_branch(BRANCH_ROUTE)
    KSR.tm.t_on_failure(FAILURE_ROUTE)
    return changes


def number_branch() -> None:
    """The CSeq of a request that is sent, or sent again, to a carrier."""
    cseq = carrier_auth.load_sent().cseq
    writer.write(HeaderChanges(replace=(("CSeq", f"{cseq} {text('$rm')}"),)))


def answer_dialog_challenge(room: DialogRoom) -> None:
    """A request in a dialog has failed: if by a challenge of a carrier, it is sent again with the answer.

    A challenge that cannot be answered is not for the customer, as in a call that is set up (S66).
    """
    asked = memory.load_asked()
    if asked is not None and asked.with_sdp and not _was_answered():
        dialog_media.restore(room.relay, asked.token, by_caller=asked.by_caller)
    status = KSR.tm.t_get_status_code()
    if status not in CHALLENGES or KSR.tm.t_branch_timeout() > 0 or KSR.tm.t_is_canceled() > 0:
        return
    if not carrier_auth.is_expected():
        return  # a PBX's own, for the carrier to answer
    sent, facts = carrier_auth.load_sent(), memory.kept_facts()
    if asked is None:
        raise ValueError("a transaction in a dialog without what it asked")
    carrier = carrier_asked(room.table, facts, sent.hop)
    request_uri = text("$ru")
    nonces = carrier_auth.answer(carrier, request_uri, status, sent.answered)
    if nonces is None or not _send_again(room, asked, request_uri, sent.answered_by(nonces)):
        trunk, direction = (facts.trunk, facts.direction) if facts is not None else (None, None)
        note_reason(Reason.TargetFailed, trunk=trunk, direction=direction, detail=f"challenged by {status}")
        writer.refuse(Reason.TargetFailed)


def _was_answered() -> bool:
    """False where the transaction itself has found that nobody answers."""
    return KSR.tm.t_branch_timeout() <= 0 and KSR.tm.t_branch_replied() > 0


def _send_again(room: DialogRoom, asked: Asked, request_uri: str, sent: SentRequest) -> bool:
    if asked.with_sdp and not dialog_media.offer_again(room.relay, room.table, asked):
        return False
    KSR.seturi(request_uri)  # the same, but a failure route makes no new branch without it
    memory.note_shift(asked.by_caller, sent.cseq - asked.cseq)
    carrier_auth.save_sent(sent)
    writer.send_to(room.settings, room.table, sent.hop)
    KSR.tm.t_on_branch(BRANCH_ROUTE)
    KSR.tm.t_on_failure(FAILURE_ROUTE)
    KSR.tm.t_on_reply(REPLY_ROUTE)
    return KSR.tm.t_relay_to_flags(_NO_REPLY_ON_ERROR) > 0
