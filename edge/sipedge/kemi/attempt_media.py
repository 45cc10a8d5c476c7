"""The media of a call before its answer: the offer of each attempt goes through a session of its own."""

from __future__ import annotations

import time
from typing import Final

from sipedge.kemi import media, memory, recorded
from sipedge.kemi.counting import count_call, uncount_calls
from sipedge.kemi.journal import count
from sipedge.kemi.reader import request_at_hand
from sipedge.kemi.relay import MediaRelay
from sipedge.routing.attempts import Attempt
from sipedge.routing.dialog.pending import PendingCall
from sipedge.routing.failover import Failure, FailureKind, FinalReply, reply_for
from sipedge.routing.identity import first_body
from sipedge.routing.media.commands import given_up
from sipedge.routing.media.new_attempt import media_of_attempt
from sipedge.routing.message.sdp import body_with_sdp, only_sdp
from sipedge.table import Table
from sipedge.table.tally_names import TRANSCODED_CALLS

UNRECORDED: Final = "recordings|refused"
"""Counts calls that should be recorded, and were not."""


def hide_in_offer(call: PendingCall) -> None:
    """Of a call whose media are not relayed: its offer tells no more of its caller than the caller wants."""
    if call.facts.anonymous:
        came = request_at_hand()
        invite = first_body(call.facts, call.caller.kind, came)
        media.note_body("" if invite is came else invite.body)


def relay_offer(
    relay: MediaRelay, table: Table, call: PendingCall, attempt: Attempt, former: str
) -> Failure | FinalReply | None:
    """Have the relay take the caller's offer; why the attempt cannot be made, if it cannot.

    A target that takes nothing of it leaves the others; a relay that fails does so for each of them.
    `former`: the session of the attempt before it; "" = it had none.
    """
    came = request_at_hand()
    invite = first_body(call.facts, call.caller.kind, came)
    asked = media_of_attempt(
        table,
        call.facts,
        call.caller,
        attempt,
        sdp=only_sdp(invite) or "",
        number=call.state.position,
        former_ng_id=former,
        may_record=media.may_record(),
    )
    if former:
        uncount_calls((TRANSCODED_CALLS,))
    if asked.limits and (over := count_call(table, asked.limits)) is not None:
        asked = asked.refused(over)
    media.begin(asked.memory)
    if asked.memory is not None and asked.memory.plan.recording is not None:
        recorded.begin_attempt()
    if asked.unrecorded and call.state.position == 0:
        count(UNRECORDED)
    done = relay.carry_out(asked.commands)
    if asked.reason is not None:
        return Failure(FailureKind.OVER_LIMIT, over=asked.reason, elapsed=max(0.0, time.time() - call.begun))
    if done.fault is not None:
        relay.carry_out(given_up(asked.memory, done.fault))
        media.begin(None)
        return reply_for(done.fault)
    if asked.memory is not None and asked.offer:
        memory.note_offer(asked.offer)
        recorded.note_given(asked.memory, to_caller=False, sdp=done.body, is_up=False)
    body = done.body or asked.body
    own = "" if invite is came else invite.body
    media.note_body(own if body is None else body_with_sdp(invite, body))
    return None
