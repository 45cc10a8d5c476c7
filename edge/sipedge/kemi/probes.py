"""Asks the sides of calls that are up whether they have them still, and targets whether they answer
(`sipedge.kemi.liveness`), in a process that does nothing else.

It is told by a queue which calls were answered, and what its probes were answered, and keeps both to itself
(`sipedge.routing.dialog.probing`). It forgets all calls when Kamailio forgets their dialogs.
"""

from __future__ import annotations

import time
from typing import Final

from sipedge.calls.events import PROBED
from sipedge.instance import InstanceSettings
from sipedge.kemi import memory
from sipedge.kemi.duration import addressee, dialog_text, is_sent
from sipedge.kemi.ksr import KSR
from sipedge.kemi.liveness import TargetProber
from sipedge.routing.dialog.ending import probe
from sipedge.routing.dialog.memory import SideMemory
from sipedge.routing.dialog.probing import CallName, Gone, ProbeBook, call_id_of, call_name
from sipedge.routing.dialog.sides import Surroundings, is_asked, is_behind_nat, speaks_for
from sipedge.store.reader import ReadTransaction
from sipedge.table import Table

_QUEUE: Final = "probes"
_UP: Final = "up"
"""Key in the queue of a call that was answered; of an answer to a probe it is `<status> <source>`."""
_CONFIRMED: Final = "4"
"""The dialog module's number of the state of a dialog whose 2xx was acknowledged; one less before that."""
_ANSWERED: Final = "3"


class Prober:
    """What the one process does and knows."""

    def __init__(self, settings: InstanceSettings) -> None:
        self._settings = settings
        self._book = ProbeBook(settings.probe_seconds)
        self._targets = TargetProber(settings)

    def work(self, table: Table, rows: ReadTransaction) -> None:
        """Called every second."""
        self._read_queue(table)
        now = time.monotonic()
        for call in self._book.due(now):
            if not _find(call) or (state := dialog_text("state")) not in (_CONFIRMED, _ANSWERED):
                self._book.forget(call)
            elif self._book.is_gone(call, now):
                self._end(call)
            else:
                asked = self._ask(table, call) if state == _CONFIRMED else {}
                self._book.asked(call, asked, now)
        self._targets.work(table, rows)

    def _read_queue(self, table: Table) -> None:
        now = time.monotonic()
        while KSR.mqueue.mq_fetch(_QUEUE) > 0:
            key, value = KSR.mqueue.mqk_gete(_QUEUE), KSR.mqueue.mqv_gete(_QUEUE)
            status, _, source = key.partition(" ")
            if key != _UP and self._targets.take(call_id_of(value), int(status)):
                continue
            call = call_name(value)
            if call is None:
                continue
            if key == _UP:
                self._book.begin(call, now)
                continue
            gone = self._book.answered(call, int(status))
            if gone is not None and _find(gone.call) and self._is_from(table, gone, source):
                self._end(gone.call)

    def _is_from(self, table: Table, gone: Gone, source: str) -> bool:
        side = _side(gone.call, gone.is_caller)
        if side is None or memory.has_left(caller=gone.is_caller):
            return False
        return speaks_for(self._around(table, side), side, source)

    def _around(self, table: Table, side: SideMemory) -> Surroundings:
        return Surroundings(table, self._settings.own_addresses, side.kind, memory.facts(), secure=False)

    def _end(self, call: CallName) -> None:
        memory.end_soon(PROBED)
        self._book.forget(call)

    def _ask(self, table: Table, call: CallName) -> dict[bool, bool]:
        """Whom was asked (True = the caller), and whether a NAT is in the way."""
        asked = {}
        for is_caller in (True, False):
            side = _side(call, is_caller)
            if side is None or not is_asked(side) or memory.has_left(caller=is_caller):
                continue
            to = addressee(self._settings, table, memory.facts(), side, to_caller=is_caller)
            if to is not None:
                # What cannot leave is unanswered as well: nobody reaches that side.
                is_sent(self._settings, table, probe(call.call_id, to.receiver, to.other, to.way))
                asked[is_caller] = is_behind_nat(side)
        return asked


def _side(call: CallName, is_caller: bool) -> SideMemory | None:
    return memory.caller() if is_caller else memory.callee_with(call.callee_tag)


def _find(call: CallName) -> bool:
    """Make the call's dialog the current one. False if there is none; then another one is still current."""
    return KSR.dialog.dlg_get(call.call_id, call.caller_tag, call.callee_tag) > 0
