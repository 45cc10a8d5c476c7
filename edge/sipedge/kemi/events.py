"""Call events on their way to a file: into Kamailio's queue, and out of it by a process of its own.

A worker never waits: a full queue is counted and the call goes on. What cannot be written stays in the queue.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Final

from sipedge.calls.events import (
    LONGEST_QUEUE,
    Answered,
    AttemptFailed,
    Begun,
    Ended,
    EndedBy,
    Event,
    event_line,
    uri_without_password,
)
from sipedge.event_file import LineFile
from sipedge.instance import InstanceSettings
from sipedge.kemi.duration import dialog_text
from sipedge.kemi.journal import count
from sipedge.kemi.ksr import KSR
from sipedge.kemi.reader import Received, text
from sipedge.routing.attempts import Attempt
from sipedge.routing.decision import Forward
from sipedge.routing.failover import Failure, FinalReply
from sipedge.routing.hops import Hop
from sipedge.routing.reasons import Reason
from sipedge.table import Table

_QUEUE: Final = "events"
"""Kamailio's own bound of it is above `LONGEST_QUEUE`: it would drop the oldest and say nothing."""
_LOST: Final = "events|lost"
"""The counter of lines that found the queue full."""
_BATCH: Final = 500
"""Lines that are written at once."""
_ANSWERED_AVP: Final = "$avp(answered)"
_ENDING: Final = "ending"
"""Variable of the dialog: `<status> <name of the reason or empty>` of a call that was never up."""
_CALL_SID: Final = "sid"
"""Variable of the dialog: the id by which all events of a call are told."""
_GIVEN_UP: Final = 487
_UNTOLD: Final = "untold"
"""The ending of a call that never began: it was over a limit."""


def begun(
    settings: InstanceSettings, table: Table, received: Received, forward: Forward, caller: Hop, sid: str
) -> None:
    """The call was admitted; before its first attempt."""
    KSR.dialog.var_sets(_CALL_SID, sid)
    trunk = table.trunk(forward.trunk or "")
    event = Begun(
        direction=forward.direction or "",
        trunk=forward.trunk or "",
        trunk_sid=None if trunk is None else trunk.sid,
        account=forward.account or "",
        account_sid=forward.account_sid,
        from_=forward.calling,
        to=forward.called,
        edge=settings.edge,
        address=settings.address,
        source_address=caller.address,
        transport=caller.transport,
        sip_call_id=received.call_id,
        user_agent=next(iter(received.headers.get("user-agent", ())), None),
        tls_version=text("$tls_version") or None if caller.transport == "tls" else None,
        carrier=forward.carrier,
    )
    _emit(event, sid)


def attempt_failed(attempt: Attempt, failure: Failure, sid: str) -> None:
    """An attempt did not set the call up."""
    event = AttemptFailed(
        target=attempt.target,
        uri=uri_without_password(attempt.request_uri),
        address=f"{attempt.transport}:{attempt.address}:{attempt.port}",
        kind=failure.kind,
        milliseconds=int(failure.elapsed * 1000),
        status=failure.status or None,
        carrier=attempt.carrier,
    )
    _emit(event, sid)


def answered(attempt_key: str, sid: str) -> None:
    """A 2xx of the target; `attempt_key` is the attempt's `silence_key`. A repeated 2xx tells nothing new."""
    if not KSR.pv.gete(_ANSWERED_AVP):
        KSR.pv.sets(_ANSWERED_AVP, "1")
        target, _, address = attempt_key.partition("|")
        _emit(Answered(target, address), sid)


def never_began() -> None:
    """The dialog at hand is none of a call that was admitted."""
    KSR.dialog.var_sets(_ENDING, _UNTOLD)


def note_ending(step: FinalReply) -> None:
    """What the caller is answered after the last attempt; it is told when the dialog is over."""
    KSR.dialog.var_sets(_ENDING, f"{step.status} {step.reason.name if step.reason else ''}")


def ended(*, was_up: bool, ended_by_edge: str | None) -> None:
    """The dialog at hand is over. `ended_by_edge`: why the edge ended a call that was up; None: a side."""
    ending = KSR.dialog.var_gete(_ENDING)
    if ending == _UNTOLD:
        return
    sid = KSR.dialog.var_gete(_CALL_SID)
    if not was_up:
        _emit(_never_up(ending), sid)
    elif ended_by_edge is not None:
        _emit(Ended(EndedBy.EDGE, ended_by_edge), sid)
    else:
        is_caller = text("$ft") == dialog_text("from_tag")
        _emit(Ended(EndedBy.CALLER if is_caller else EndedBy.CALLEE, "normal"), sid)


def _never_up(ending: str) -> Ended:
    if not ending:
        return Ended(EndedBy.CALLER, sip_status=_GIVEN_UP)
    status, _, name = ending.partition(" ")
    if not name:
        return Ended(EndedBy.CALLEE, sip_status=int(status))
    reason = Reason[name].value
    return Ended(EndedBy.EDGE, None, int(status), name, reason.rule, reason.error_code)


def _emit(event: Event, sid: str) -> None:
    line = event_line(event, sid, time.time())
    if KSR.mqueue.mq_size(_QUEUE) >= LONGEST_QUEUE or KSR.mqueue.mq_add(_QUEUE, "", line) <= 0:
        count(_LOST)


class EventWriter:
    """Empties the queue into a file, in the one process that does so."""

    def __init__(self, path: Path) -> None:
        self._file = LineFile(path)
        self._waiting: list[str] = []
        self._fails = False

    def empty_queue(self) -> None:
        """Write all that there is; after an error the lines at hand are kept for the next time."""
        while self._fetch():
            try:
                self._file.append(self._waiting)
            except OSError as error:
                if not self._fails:
                    KSR.err(f"call events cannot be written, they wait: {error}\n")
                self._fails = True
                return
            self._waiting, self._fails = [], False

    def _fetch(self) -> bool:
        while len(self._waiting) < _BATCH and KSR.mqueue.mq_fetch(_QUEUE) > 0:
            self._waiting.append(KSR.mqueue.mqv_gete(_QUEUE))
        return bool(self._waiting)
