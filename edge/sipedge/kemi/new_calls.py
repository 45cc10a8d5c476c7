"""A new call: what its INVITE leaves behind, and its first attempt; or a look-up that it waits for."""

from __future__ import annotations

import time

from sipedge.kemi import dead_targets, events, lookups, memory, writer
from sipedge.kemi.calls import FAILURE_ROUTE, CallRoom, proceed
from sipedge.kemi.counting import count_call
from sipedge.kemi.ksr import KSR
from sipedge.kemi.reader import Received
from sipedge.routing.arrivals import Proven, attempts_of_arrival
from sipedge.routing.decision import Forward
from sipedge.routing.dialog.missing import without_dialog
from sipedge.routing.dialog.new_call import beginning_of, facts_of
from sipedge.routing.dialog.pending import Invite, PendingCall
from sipedge.routing.failover import begin_call, first_step
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
    begun, own, way = time.time(), room.settings.own_addresses, room.b2bua.way
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
        return
    KSR.dialog.dlg_set_timeout(decision.max_duration_seconds)
    if not has_dialog or not memory.begin(facts, caller, learned):
        refusal = without_dialog(has_begun=False, has_waited=has_waited)
        if refusal is not None and (has_waited or KSR.tm.t_newtran() > 0):
            room.refuse(request, decision, refusal, placed)
        return
    if not has_waited:
        writer.count_hop()  # into the transaction's own copy: later attempts start from that
        if KSR.tm.t_newtran() <= 0:
            return  # a retransmission, which another worker is answering
    over = count_call(room.table, decision.limits)
    if over is not None:
        events.never_began()
        room.refuse(request, decision, over, placed)
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
    proceed(room, call, step, None)
