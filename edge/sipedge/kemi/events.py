"""Call events on their way to a file: into Kamailio's queue, and out of it by a process of its own.

A worker never waits: a full queue is counted and the call goes on. What cannot be written stays in the queue.
"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from sipedge.calls.causes import q850_cause
from sipedge.calls.events import (
    LONGEST_QUEUE,
    Answered,
    Ended,
    EndedBy,
    Event,
    Left,
    Recorded,
    Ringing,
    Started,
    event_line,
    line_of_packed,
    pack,
    pack_event,
    sid_of_packed,
)
from sipedge.calls.media import measured
from sipedge.event_file import LineFile
from sipedge.instance import InstanceSettings
from sipedge.kemi import memory
from sipedge.kemi.duration import dialog_text
from sipedge.kemi.journal import count
from sipedge.kemi.ksr import KSR
from sipedge.kemi.reader import text
from sipedge.routing.attempts import Attempt
from sipedge.routing.decision import Decision, Forward
from sipedge.routing.dialog.hops import Hop
from sipedge.routing.failover import Failure, FinalReply
from sipedge.routing.handover import Placed
from sipedge.routing.media.commands import CALLEE_TAG, CALLER_TAG
from sipedge.routing.message.messages import SipRequest
from sipedge.routing.reasons import Reason
from sipedge.routing.telling import (
    KNOWN_SENDERS,
    attempt_told,
    fields_of_begun,
    fields_of_refused,
    fields_of_waiting,
    keep_line,
    leaves_record,
    line_of_alike,
    refusal_bound,
)
from sipedge.table import TrunkRow
from sipedge.table.rows import NumberFormatRow
from sipedge.values import quickly_made

_QUEUE: Final = "events"
"""Kamailio's own bound of it is above `LONGEST_QUEUE`: it would drop the oldest and say nothing."""
_LOST: Final = "events|lost"
"""The counter of lines that found the queue full."""
_BEGUN: Final = "begun"
_REFUSED: Final = "refused"
_BATCH: Final = 500
"""Lines that are written at once."""
_ANSWERED_AVP: Final = "$avp(answered)"
_RANG_AVP: Final = "$avp(rang)"
_RATES: Final = "cps"
"""The htable of what is counted by the second."""
_UNTOLD_REFUSALS: Final = "events|refusals"
"""The counter of refused calls that were too many to be told."""
_SID_BYTES: Final = 16
"""Of chance in the call's id for the customer, which is `CA` and 32 hex digits."""
_ENDING: Final = "ending"
"""Variable of the dialog: `<status> <name of the reason or empty>` of a call that was never up."""
_GIVEN_UP: Final = 487
_WAITS: Final = "waits"
"""Variable of the dialog: what is to be told of a call that waits, should it end by that."""
_UNTOLD: Final = "untold"
"""The ending of a call that never began: it was over a limit."""


@quickly_made
@dataclass(frozen=True)
class Place:
    """Where a call is decided."""

    own: tuple[str, str]
    """The edge and its own address."""
    sequence: int | None
    """The revision of the table by which it is decided."""
    form: NumberFormatRow | None = None
    """How the carrier that brings it writes numbers."""


def begun(
    place: Place,
    request: SipRequest,
    forward: Forward,
    caller: Hop,
    sid: str,
    placed: Placed | None = None,
) -> None:
    """The call was admitted; before its first attempt. `placed`: by the edge's own B2BUA."""
    source = (caller.address, caller.transport)
    own, sequence, now = place.own, place.sequence, time.time()
    line = None if placed is not None else line_of_alike(own, request, source, forward, sequence, sid, now)
    if line is None:
        fields = fields_of_begun(own, request, source, forward, sequence, place.form, placed)
        # The process that writes it puts it into words, many at once: here each word would be a cold one.
        line = pack(_BEGUN, fields, sid, now)
        if placed is None:
            keep_line(own, source, forward, fields)
    _put(line)


def refused(
    place: Place,
    request: SipRequest,
    decision: Decision,
    reason: Reason,
    trunk: TrunkRow | None,
    placed: Placed | None = None,
) -> None:
    """An INVITE is refused; told if it was an attempt to set up a call. `trunk`: the decision's; `placed`: by
    the edge's own B2BUA."""
    if not leaves_record(request, decision, reason):
        return
    second, bound = int(time.time()), refusal_bound(decision, reason)
    whose = f"{bound.name}:{decision.trunk or decision.carrier}:{second}"
    if (
        KSR.htable.sht_inc(_RATES, whose) > bound.of_trunk
        or KSR.htable.sht_inc(_RATES, f"{bound.name}:{second}") > bound.of_instance
    ):
        count(_UNTOLD_REFUSALS)
        return
    sid_of_trunk = trunk.sid if trunk is not None else None
    sequence, form = place.sequence, place.form
    fields = fields_of_refused(place.own, request, decision, reason, sid_of_trunk, sequence, form, placed)
    _put(pack(_REFUSED, fields, new_call_sid(), time.time()))


def waits(
    place: Place,
    request: SipRequest,
    decision: Decision,
    trunk: TrunkRow | None,
    placed: Placed | None = None,
) -> None:
    """The call at hand waits before it begins: should its caller hang up meanwhile, this is told of it."""
    never_began()
    sid_of_trunk = trunk.sid if trunk is not None else None
    sequence, form = place.sequence, place.form
    fields = fields_of_waiting(place.own, request, decision, sid_of_trunk, sequence, form, placed)
    KSR.dialog.var_sets(_WAITS, pack(_BEGUN, fields, new_call_sid(), time.time()))


def waits_no_more() -> None:
    """The call at hand is decided now."""
    KSR.dialog.var_sets(_WAITS, "")


def _given_up() -> None:
    """The dialog at hand has ended before its call was decided."""
    packed = KSR.dialog.var_gete(_WAITS)
    if not packed:
        return
    whose = f"{KNOWN_SENDERS.name}:waiting:{int(time.time())}"
    if KSR.htable.sht_inc(_RATES, whose) > KNOWN_SENDERS.of_instance:
        count(_UNTOLD_REFUSALS)
        return
    _put(packed)
    _emit(Ended(EndedBy.CALLER, sip_status=_GIVEN_UP), sid_of_packed(packed))


def new_call_sid() -> str:
    """At random: a caller may use a Call-ID and tag for one call after another."""
    return f"CA{os.urandom(_SID_BYTES).hex()}"


def attempt_failed(attempt: Attempt, failure: Failure, sid: str) -> None:
    """An attempt did not set the call up."""
    _put(pack_event(attempt_told(attempt, failure), sid, time.time()))


def ringing(attempt_key: str, sid: str) -> None:
    """An 18x of the target; `attempt_key` is the attempt's `silence_key`. Of a call the first is told."""
    if not KSR.pv.gete(_RANG_AVP):
        KSR.pv.sets(_RANG_AVP, "1")
        target, _, address = attempt_key.partition("|")
        _emit(Ringing(target, address), sid)


def answered(attempt_key: str, sid: str) -> None:
    """A 2xx of the target; `attempt_key` is the attempt's `silence_key`. A repeated 2xx tells nothing new."""
    if not KSR.pv.gete(_ANSWERED_AVP):
        KSR.pv.sets(_ANSWERED_AVP, "1")
        target, _, address = attempt_key.partition("|")
        _emit(Answered(target, address), sid)


def never_began() -> None:
    """The dialog at hand is none of a call that was admitted."""
    KSR.dialog.var_sets(_ENDING, _UNTOLD)


def goes_on() -> None:
    """The call at hand, of which nothing was to be told while it waited, begins."""
    KSR.dialog.var_sets(_ENDING, "")


def note_ending(step: FinalReply) -> None:
    """What the caller is answered after the last attempt; it is told when the dialog is over."""
    KSR.dialog.var_sets(_ENDING, f"{step.status} {step.reason.name if step.reason else ''}")


def recorded(event: Recorded, sid: str) -> None:
    """A session that is recorded has both its sides, or others."""
    _emit(event, sid)


def counted(said: Mapping[str, object], sid: str) -> None:
    """What the relay has counted of the call whose dialog is over, before that is told; `said` by `query`."""
    event = measured(said, CALLER_TAG, CALLEE_TAG)
    if event is not None:
        _emit(event, sid)


def ended(*, was_up: bool, ended_by_edge: str | None) -> None:
    """The dialog at hand is over. `ended_by_edge`: why the edge ended a call that was up; None: a side."""
    ending = KSR.dialog.var_gete(_ENDING)
    if ending == _UNTOLD:
        _given_up()
        return
    facts = memory.facts()
    sid = facts.call_sid if facts is not None else ""
    if not was_up:
        _emit(_never_up(ending), sid)
    elif ended_by_edge is not None:
        _emit(Ended(EndedBy.EDGE, ended_by_edge), sid)
    else:
        is_caller = text("$ft") == dialog_text("from_tag")
        cause = q850_cause(text("$hdr(Reason)"))
        _emit(Ended(EndedBy.CALLER if is_caller else EndedBy.CALLEE, "normal", q850_cause=cause), sid)


def left(call_id: str, *, by_caller: bool) -> None:
    """A side ends a call of which nothing is known but its token: Kamailio began anew while it was up."""
    _emit(Left(call_id, EndedBy.CALLER if by_caller else EndedBy.CALLEE), "")


def _never_up(ending: str) -> Ended:
    if not ending:
        return Ended(EndedBy.CALLER, sip_status=_GIVEN_UP)
    status, _, name = ending.partition(" ")
    if not name:
        return Ended(EndedBy.CALLEE, sip_status=int(status))
    reason = Reason[name].value
    return Ended(EndedBy.EDGE, None, int(status), name, reason.rule, reason.error_code)


def _emit(event: Event, sid: str) -> None:
    _put(event_line(event, sid, time.time()))


def _put(value: str) -> None:
    if KSR.mqueue.mq_size(_QUEUE) >= LONGEST_QUEUE or KSR.mqueue.mq_add(_QUEUE, "", value) <= 0:
        count(_LOST)


class EventWriter:
    """Empties the queue into a file, in the one process that does so."""

    def __init__(self, settings: InstanceSettings) -> None:
        self._file = LineFile(settings.events_file)
        # Before any other line: what was up before this Kamailio is known to it no more.
        began = Started(settings.edge, settings.address)
        self._waiting = [event_line(began, "", time.time())]
        self._fails = False

    def empty_queue(self) -> bool:
        """Write all that there is; False after an error: the lines at hand are kept for the next time."""
        while self._fetch():
            try:
                self._file.append(self._waiting)
            except OSError as error:
                if not self._fails:
                    KSR.err(f"call events cannot be written, they wait: {error}\n")
                self._fails = True
                return False
            is_all = len(self._waiting) < _BATCH
            self._waiting, self._fails = [], False
            if is_all:
                break
        return True

    def _fetch(self) -> bool:
        waiting, fetch, value_of = self._waiting, KSR.mqueue.mq_fetch, KSR.mqueue.mqv_gete
        while len(waiting) < _BATCH and fetch(_QUEUE) > 0:
            waiting.append(line_of_packed(value_of(_QUEUE)))
        return bool(waiting)
