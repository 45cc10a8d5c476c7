"""Counts the minutes of today of capped accounts, with the other instances, and tells when they end."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Iterable
from typing import Final

from sipedge.agent.call_keeper import CallKeeper
from sipedge.agent.tallies import TallyExchange
from sipedge.calls.minutes import DailyMinutes, levels_reached
from sipedge.calls.record import Record
from sipedge.instance import InstanceSettings
from sipedge.line_files import BEGINNING, LineReader
from sipedge.table.codec import TableFormatError, unpack_row
from sipedge.table.rows import AccountRow, Section
from sipedge.table.tally_names import account_minutes
from sipedge.tallies.parts import DAY_SECONDS, Span

log = logging.getLogger(__name__)

COUNT_SECONDS: Final = 2.0


class MinutesCounter:
    """Of one instance: what its own records and calls have used, and what the others say."""

    def __init__(self, settings: InstanceSettings, calls: CallKeeper, tallies: TallyExchange) -> None:
        self._settings, self._calls, self._tallies = settings, calls, tallies
        self._minutes = DailyMinutes()
        self._most: dict[str, int] = {}
        self._told: set[tuple[int, str, int]] = set()

    @property
    def reached(self) -> tuple[tuple[str, int], ...]:
        """Accounts that have reached one of `TOLD_AT` today, and the highest that they have reached."""
        highest: dict[str, int] = {}
        for day, account, percent in self._told:
            if day == int(time.time()) // DAY_SECONDS and account in self._most:
                highest[account] = max(percent, highest.get(account, 0))
        return tuple(sorted(highest.items()))

    def begin(self) -> None:
        """What was used today before this process began, by the records that there are."""
        try:
            self._read()
        except OSError as error:
            log.error("what was used today cannot be read: %s", error)

    def _read(self) -> None:
        reader = LineReader(self._settings.records_file, BEGINNING, self._settings.record_files - 1)
        now = time.time()
        while lines := reader.read():
            for line in lines:
                if (record := Record.from_line(line.decode("utf-8", "replace"))) is not None:
                    self._minutes.note(record, now)

    def note(self, record: Record) -> None:
        """A call has its record."""
        self._minutes.note(record, time.time())

    def follow(self, accounts: Iterable[bytes]) -> None:
        """The accounts of the table in use, as it holds them."""
        self._most = {}
        for data in accounts:
            try:
                row = unpack_row(Section.ACCOUNT, data)
            except TableFormatError as error:
                log.error("%s", error)
                continue
            if isinstance(row, AccountRow) and row.daily_minutes is not None:
                self._most[row.id] = row.daily_minutes

    async def run(self) -> None:
        """Without end."""
        while True:
            began = time.monotonic()
            if self._most:
                self._count(time.time())
            # Of very many calls it takes a while, and is rarer then.
            await asyncio.sleep(max(COUNT_SECONDS, 20 * (time.monotonic() - began)))

    def _count(self, now: float) -> None:
        calls = list(self._calls.book.calls_of(self._most))
        up = [call.record for call in calls]
        self._minutes.follow_lost((call for call in calls if call.is_lost), now)
        day = int(now) // DAY_SECONDS
        self._told = {each for each in self._told if each[0] == day}
        for account, most in self._most.items():
            name = account_minutes(account)
            own = self._minutes.used(account, up, now)
            self._tallies.count(name, own, Span.DAY)
            used = own + self._tallies.others(name)
            for percent in levels_reached(used, most):
                if (day, account, percent) not in self._told:
                    self._told.add((day, account, percent))
                    log.warning("account %s has used %d of %d minutes of today", account, used, most)
