"""The media of a call that is up or early: offers and answers in requests of its dialog."""

from __future__ import annotations

from typing import Final, TypeVar

from sipedge.kemi import events, media, memory, recorded
from sipedge.kemi.counting import count_once
from sipedge.kemi.ksr import KSR
from sipedge.kemi.memory import Asked
from sipedge.kemi.reader import Received, request_at_hand, text
from sipedge.kemi.relay import Done, MediaRelay
from sipedge.routing.dialog.decisions import Follow, HandOver
from sipedge.routing.dialog.later_media import media_of_request, refused_body
from sipedge.routing.dialog.memory import CallMemory
from sipedge.routing.dialog.tokens import DialogToken, HeldToken
from sipedge.routing.media.commands import Delete, MediaEvent, MediaWork, Query, commands, end_session
from sipedge.routing.message.sdp import body_with_sdp
from sipedge.routing.reasons import Reason
from sipedge.table import Table
from sipedge.values import replace

Going = TypeVar("Going", Follow, HandOver)
_UP: Final = ("3", "4")
"""The dialog module's numbers of the states of a dialog that was answered."""
_TIMEOUT: Final = 408
_NEW_AVP: Final = "$avp(new_session)"
"""The id of the session that this transaction's offer has made, of a call that Kamailio does not know."""


def carry_out(relay: MediaRelay, table: Table, work: MediaWork) -> Done:
    """What has come of it; nothing, if the call would be one too many by that."""
    over = count_once(table, work.limits)
    return relay.carry_out(work.commands) if over is None else Done(fault=over)


def relay_request(
    relay: MediaRelay, table: Table, received: Received, held: HeldToken, known: CallMemory, decision: Going
) -> Going | Reason:
    """The decision once the relay has done its part; why the request cannot go on, if the relay refuses.

    An ACK cannot be refused: it goes on without media, and its call ends.
    """
    if known.facts is None and known.media is not None:
        _note_if_new(relay, known.media.ng_id)
    done = carry_out(relay, table, decision.media)
    if done.fault is not None and received.method == "ACK":
        return replace(decision, body=refused_body(decision.media), end_call=done.fault)
    if done.fault is not None:
        return done.fault
    if known.media is not None:
        is_up = received.method == "ACK" or text("$dlg(state)") in _UP
        recorded.note_given(known.media, to_caller=not held.by_caller, sdp=done.body, is_up=is_up)
    return replace(decision, body=body_with_sdp(received, done.body)) if done.body else decision


def _note_if_new(relay: MediaRelay, ng_id: str) -> None:
    """Of a call that Kamailio does not know: it has begun anew, or the call is over. Only in the first case
    may the session stay when its offer is refused."""
    if not relay.carry_out((Query(ng_id),)).said:
        KSR.pv.sets(_NEW_AVP, ng_id)


def forget_if_new(relay: MediaRelay) -> None:
    """The offer of the transaction at hand came to nothing: a session that it has made ends with it."""
    if ng_id := KSR.pv.gete(_NEW_AVP):
        relay.carry_out((Delete(ng_id),))


def end_moved(relay: MediaRelay) -> None:
    """The session of the current call ends before the call itself: its media go through another one's."""
    ng_id = media.forget()
    if ng_id:
        events.counted(relay.carry_out(end_session(ng_id)).said, ng_id.partition(".")[0])


def restore(relay: MediaRelay, token: DialogToken, *, by_caller: bool) -> None:
    """The request at hand, maybe with an offer, has come to nothing: what was agreed before holds on."""
    forget_if_new(relay)
    callee_tag = text("$tt" if by_caller else "$ft")
    known = memory.of_call(token, callee_tag, memory.kept_facts())
    if known.media is None:
        return
    refusal = MediaEvent(text("$rm"), _TIMEOUT, not by_caller, asked_with_sdp=True)
    relay.carry_out(commands(refusal, known.media))


def offer_again(relay: MediaRelay, table: Table, asked: Asked) -> bool:
    """The request at hand was challenged and is about to be sent again: its offer is open once more.

    False if the relay does not take it. Its body stays as it was: ports and keys do.
    """
    request = request_at_hand()
    known = memory.of_call(
        asked.token, request.to_tag if asked.by_caller else request.from_tag, memory.kept_facts()
    )
    found = media_of_request(table, known, request, by_caller=asked.by_caller)
    return carry_out(relay, table, found.work).fault is None
