"""A new call: what its INVITE leaves behind, and its first attempt; or a look-up that it waits for."""

from __future__ import annotations

import time

from sipedge.kemi import dead_targets, events, lookups, memory, writer
from sipedge.kemi.calls import FAILURE_ROUTE, CallRoom, go_on_unsent, proceed, relay
from sipedge.kemi.counting import count_call
from sipedge.kemi.ksr import KSR
from sipedge.kemi.pending import save_opening
from sipedge.kemi.reader import Received
from sipedge.routing.arrivals import Proven, attempts_of_arrival
from sipedge.routing.decision import Forward
from sipedge.routing.dialog.missing import without_dialog
from sipedge.routing.dialog.new_call import beginning_of, facts_of
from sipedge.routing.dialog.opening import Frame, frame_of, keep_frame
from sipedge.routing.dialog.pending import Invite, PendingCall
from sipedge.routing.failover import FailureKind, begin_call, first_step
from sipedge.routing.handover import Placed
from sipedge.routing.lookups import Lookups
from sipedge.routing.message.messages import SipRequest
from sipedge.routing.reasons import Reason
from sipedge.routing.relayed import Relayed
from sipedge.values import replace


def wait_for(room: CallRoom, asked: Lookups, received: Received, placed: Placed | None = None) -> bool:
    """Have a new call wait for a look-up; False if it cannot: it is to be decided now.

    `placed`: by the edge's own B2BUA.
    """

    def begin() -> bool:
        if KSR.dialog.dlg_manage() < 0:
            return False
        if not memory.is_new():
            if KSR.tm.t_newtran() > 0:
                writer.refuse(Reason.MergedRequest)
            return False
        memory.wait()
        if asked.call is not None:
            trunk = room.table.trunk(asked.call.trunk) if asked.call.trunk else None
            events.waits(room.place_of(received, asked.call), received, asked.call, trunk, placed)
        KSR.pv.seti("$var(sent)", 1)  # it has been let in, whatever comes of it
        return KSR.tm.t_newtran() > 0  # else a retransmission, which another worker is answering

    return lookups.suspend(room.settings, asked, received, FAILURE_ROUTE, begin)


def start_call(
    room: CallRoom,
    received: Received,
    request: SipRequest,
    decision: Forward,
    proven: Proven,
    *,
    has_waited: bool = False,
) -> None:
    """Count the call, prepare its INVITE and make the first attempt.

    One that `has_waited` has its dialog and transaction already. One that another edge has relayed is counted
    and told there.
    """
    begun = time.time()
    frame = frame_of(room.table, decision) if proven is None and not has_waited else None
    if frame is not None and dead_targets.have_answered(frame.target_keys):
        _start_alike(room, received, request, decision, frame, begun)
        return
    own, way = room.settings.own_addresses, room.b2bua.way
    attempts = attempts_of_arrival(
        room.table, request, decision, proven, b2bua=way, own_addresses=own, now=begun
    )
    state = begin_call(decision, dead_targets.in_order(attempts))
    relayed = placed = None
    if proven is not None:
        relayed, placed = (proven, None) if isinstance(proven, Relayed) else (None, proven)
    sid = relayed.call_sid if relayed is not None else events.new_call_sid()
    facts = facts_of(decision, state, sid)
    caller, learned = beginning_of(
        room.table,
        own,
        request,
        facts,
        is_relayed=relayed is not None,
        is_placed=placed is not None,
    )
    left = sid, facts.to_text(), caller.to_text(), learned.sender_sdp
    if not _is_let_in(room, request, decision, placed, left, has_waited=has_waited):
        return
    cseq = int(request.header("cseq").split()[0])
    invite = Invite(received.call_id, received.from_tag, cseq, learned.open_offer is not None)
    call = PendingCall(state, begun, facts, caller, invite)
    if has_waited:
        # Kamailio keeps for later attempts what is changed before the first branch alone, and one has waited.
        call = replace(call, changes=writer.changes_of_call(received, decision.changes))
    else:
        # What is the same for every attempt; headers of one target alone are the branch route's.
        writer.put_back(received)
        if "route" in received.headers:
            # A preloaded one: ours has done its work, a foreign one is never followed.
            KSR.hdr.remove("Route")
        writer.change_headers(received, decision.changes)
    if relayed is not None:
        events.never_began()
    else:
        place, source = room.place_of(request, decision), caller.source or caller.hop
        events.begun(place, request, decision, source, facts.call_sid, placed)
    step = first_step(room.table, state, is_relayed=relayed is not None, is_placed=placed is not None)
    if state.attempts is attempts:
        keep_frame(room.table, request, decision, call, room.settings.ring_seconds)
    proceed(room, call, step, None)


def _start_alike(
    room: CallRoom, received: Received, request: SipRequest, decision: Forward, frame: Frame, begun: float
) -> None:
    """The same of a call alike, all of whose texts are made at once."""
    sid, cseq = events.new_call_sid(), int(request.headers["cseq"][0].split()[0])
    parameter = room.tokens.parameter_of(request.call_id, request.from_tag, frame.token_text(begun))
    opening = frame.opening(request, decision, cseq, sid, begun, parameter)
    left = sid, opening.facts, opening.caller, request.body or None
    if not _is_let_in(room, request, decision, None, left, has_waited=False):
        return
    writer.put_back(received)
    for name in frame.removed:
        KSR.hdr.remove(name)
    if opening.headers:
        KSR.hdr.append(opening.headers)
    events.begun(room.place_of(request, decision), request, decision, frame.source, sid)
    save_opening(opening)
    dead_targets.note_attempt(frame.target_keys[0])
    over = count_call(room.table, frame.attempt.limits)
    if over is not None:
        go_on_unsent(room, FailureKind.OVER_LIMIT, over)
        return
    KSR.seturi(opening.request_uri)
    writer.send_to(room.settings, room.table, frame.hop, frame.attempt.server_name)
    if not relay():
        go_on_unsent(room, FailureKind.SEND_ERROR)


def _is_let_in(
    room: CallRoom,
    request: SipRequest,
    decision: Forward,
    placed: Placed | None,
    left: tuple[str, str, str, str | None],
    *,
    has_waited: bool,
) -> bool:
    """A call gets its dialog and transaction, and is counted; False if it goes no further.

    `left`: what its dialog keeps, as `memory.begin` is given it.
    """
    has_dialog = True
    if has_waited:
        events.goes_on()
    else:
        has_dialog = KSR.dialog.dlg_manage() > 0
    if not has_waited and not memory.is_new():
        # `SipRequest.merged` after all: another process has begun that call since this INVITE was judged.
        # Kamailio takes it for a spiral of the call that it has: nothing would count, time or end this one.
        if KSR.tm.t_newtran() > 0:
            writer.reject(decision, Reason.MergedRequest)
        return False
    KSR.dialog.dlg_set_timeout(decision.max_duration_seconds)
    if not has_dialog or not memory.begin(*left):
        refusal = without_dialog(has_begun=False, has_waited=has_waited)
        if refusal is not None and (has_waited or KSR.tm.t_newtran() > 0):
            room.refuse(request, decision, refusal, placed)
        return False
    if not has_waited:
        writer.count_hop()  # into the transaction's own copy: later attempts start from that
        if KSR.tm.t_newtran() <= 0:
            return False  # a retransmission, which another worker is answering
    over = count_call(room.table, decision.limits)
    if over is not None:
        events.never_began()
        room.refuse(request, decision, over, placed)
        return False
    return True
