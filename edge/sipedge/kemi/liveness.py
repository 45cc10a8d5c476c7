"""Asks targets by OPTIONS whether they answer, and tells calls which do not. `routing.liveness` decides.

It lives in the process that asks the sides of calls (`sipedge.kemi.probes`), which hands it the answers.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterator
from typing import Any, Final

from sipedge.instance import InstanceSettings
from sipedge.kemi import dead_targets
from sipedge.kemi.duration import is_sent
from sipedge.kemi.journal import say
from sipedge.routing.dialog.ending import options
from sipedge.routing.dialog.hops import make_hop
from sipedge.routing.liveness import Finding, LivenessBook, Question
from sipedge.routing.probed_places import ProbedTarget, gateways_in, places_of, targets_in
from sipedge.store.reader import ReadTransaction
from sipedge.table import Generation, Section, Table
from sipedge.table.codec import TableFormatError, may_say, unpack_row

LOOK_SECONDS: Final = 5.0
"""How often at most the table is searched for targets."""
_DICE: Final = secrets.SystemRandom()
_FIELD: Final = "probe_seconds"
_ROWS: Final = (Generation.TRUNKS, Generation.CARRIERS)
_ADDRESSES: Final = (*_ROWS, Generation.RESOLVED)


class TargetProber:
    """What the one process knows of targets."""

    def __init__(self, settings: InstanceSettings) -> None:
        self._settings = settings
        self._book = LivenessBook(_DICE.random, lambda: secrets.token_hex(16))
        self._targets: tuple[ProbedTarget, ...] = ()
        self._targets_of: tuple[int, ...] = ()
        """Generations of the rows that the targets are from."""
        self._places_of: tuple[int, ...] = ()
        """Generations of those and of the addresses that are asked."""
        self._look_at = 0.0

    def work(self, table: Table, rows: ReadTransaction) -> None:
        """Called every second."""
        now = time.monotonic()
        if now >= self._look_at:
            self._look_at = now + LOOK_SECONDS
            self._look(table, rows, now)
        for question in self._book.due(now):
            self._note(question.finding)
            self._ask(table, question)

    def take(self, call_id: str, status: int) -> bool:
        """An answer to a request of the edge's own. False if it is to none of these."""
        finding = self._book.answered(call_id, status)
        if finding is not None:
            self._note(finding)
        return finding is not None

    def _look(self, table: Table, rows: ReadTransaction, now: float) -> None:
        found = tuple(map(rows.generation, _ROWS))
        if found != self._targets_of:
            site = table.site()
            gateways = gateways_in(_read(rows, Section.ROUTE))
            targets = targets_in(_read(rows, Section.TRUNK), site.edge if site else "")
            self._targets, self._targets_of = (*gateways, *targets), found
        found = tuple(map(rows.generation, _ADDRESSES))
        if found != self._places_of:
            self._book.follow(places_of(table, self._targets), now)
            self._places_of = found

    def _ask(self, table: Table, question: Question) -> None:
        place = question.finding.place
        hop = make_hop(place.address, place.port, place.transport)
        if hop is None:
            return
        # What cannot leave is unanswered as well.
        request = options(question, hop, self._settings.own_addresses[-1])
        is_sent(self._settings, table, request, place.server_name)

    def _note(self, finding: Finding) -> None:
        place = finding.place
        if finding.comes_last is None:
            return
        if finding.comes_last:
            dead_targets.put_last(place.key, finding.seconds)
        else:
            dead_targets.put_back(place.key)
        if finding.is_news:
            what = "does not answer" if finding.comes_last else "answers again"
            say(f"a target that is probed {what} target={place.key!r}")


def _read(rows: ReadTransaction, section: Section) -> Iterator[Any]:
    """The rows that may ask for probes; of the others none is read whole."""
    for data in rows.values(section):
        if may_say(_FIELD, data):
            try:
                yield unpack_row(section, data)
            except TableFormatError as error:
                say(f"a row is left out: {error}")
