"""Makes call records of call events: reads the events of this instance, and writes each record once.

Whatever is killed, and whenever: events stay in their files until they are read, what was read is put down
now and then (`BookFile`), and what was written after that is found again in the files of records.
On a full disk nothing is read any more until there is room; calls go on.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from sipedge.agent.book_file import BookFile
from sipedge.agent.faults import Faults
from sipedge.calls.book import CallBook
from sipedge.calls.record import EndReason, Record
from sipedge.event_file import RECORD_FILE_BYTES, LineFile
from sipedge.instance import InstanceSettings
from sipedge.line_files import LineReader
from sipedge.recording.job import Job

log = logging.getLogger(__name__)

LOOK_SECONDS: Final = 0.1
EXPIRY_SECONDS: Final = 60.0
_LAST_LOOKS: Final = 4
"""When an instance ends: Kamailio's last events take a moment to be written."""
TOPIC: Final = "call records"


@dataclass(slots=True)
class KeptCounts:
    """What happened to records since this process began."""

    written: int = 0
    write_faults: int = 0
    """How often records could not be written; they waited."""
    gaps: int = 0
    """How often events were thrown away before they were read: their calls have no true end."""


class CallListener:
    """Hears of calls; this one does nothing about it. What it raises would stop the records."""

    def resumed(self, book: CallBook) -> None:
        """The calls in `book` had begun before this process."""

    def noted(self, line: bytes) -> None:
        """A line of events was read."""


@dataclass(frozen=True, slots=True)
class _Hearers:
    listener: CallListener
    on_record: Callable[[Record], None]
    on_job: Callable[[Job], None]


class CallKeeper:
    """The one reader of the events of an instance. `book` is what they have told so far."""

    def __init__(
        self,
        settings: InstanceSettings,
        faults: Faults,
        pod: str | None = None,
        on_record: Callable[[Record], None] = lambda record: None,
        listener: CallListener | None = None,
        on_job: Callable[[Job], None] = lambda job: None,
    ) -> None:
        """`on_record` hears of each record once, when it has been written; `listener` of what is read.

        `on_job` has each recorded call's recording made, before its record is written: then whoever is killed
        meanwhile does it again. It may raise OSError.
        """
        self._faults = faults
        self._hearers = _Hearers(listener or CallListener(), on_record, on_job)
        self._file = LineFile(settings.records_file, RECORD_FILE_BYTES, settings.record_files - 1)
        self._events = LineReader(settings.events_file)
        self.book = CallBook(pod)
        self.counts = KeptCounts()
        self._waiting: list[Record] = []
        """Records that could not be written yet."""
        self._memory = BookFile(settings)
        self._expire_at = 0.0
        self._begun = False
        self._lock = asyncio.Lock()

    async def run(self) -> None:
        """Without end."""
        while True:
            # Whoever ends this must not leave a record half written: it would be written twice.
            if not await asyncio.shield(self.step()):
                await asyncio.sleep(LOOK_SECONDS)

    async def step(self) -> bool:
        """`_step`, one at a time."""
        async with self._lock:
            return await self._step()

    async def _step(self) -> bool:
        """Read and write what there is; False if that was nothing. Faults of the disk are told."""
        try:
            if not self._begun:
                self._events, self.book = await asyncio.to_thread(self._memory.begin, self.book.pod)
                self._begun = True
                self._hearers.listener.resumed(self.book)
            if self._waiting:
                await self._write()
            lines = await asyncio.to_thread(self._events.read)
            self.counts.gaps = self._events.gaps
            for line in lines:
                self._hearers.listener.noted(line)
                self._waiting += self.book.note(line)
            self._memory.is_saved = self._memory.is_saved and not lines
            self._expire()
            await self._write()
            if self._memory.is_due(time.monotonic()):
                await asyncio.to_thread(self._memory.save, self._events.position, self.book)
        except OSError as error:
            self._tell_fault(error)
            return False
        self._faults.set(TOPIC, None)
        return bool(lines)

    async def end(self, reason: EndReason = EndReason.DRAIN) -> None:
        """The instance ends: what is still up has its record now, for nobody will see how it ends."""
        for _ in range(_LAST_LOOKS):
            await asyncio.sleep(LOOK_SECONDS)
            while await self.step():
                pass
            if not any(self.book.calls()):
                break
        self._waiting += self.book.lose(reason)
        try:
            await self._write()
            await asyncio.to_thread(self._memory.save, self._events.position, self.book)
        except OSError as error:
            self._tell_fault(error)

    async def _write(self) -> None:
        while self.book.jobs:
            await asyncio.to_thread(self._hearers.on_job, self.book.jobs[0])
            del self.book.jobs[0]
        if not self._waiting:
            return
        await asyncio.to_thread(self._file.append, [record.to_line() for record in self._waiting])
        written, self._waiting = self._waiting, []
        self.counts.written += len(written)
        for record in written:
            self._hearers.on_record(record)

    def _expire(self) -> None:
        if time.monotonic() >= self._expire_at:
            self._expire_at = time.monotonic() + EXPIRY_SECONDS
            self._waiting += self.book.expire(time.time())

    def _tell_fault(self, error: OSError) -> None:
        self.counts.write_faults += 1
        self._faults.set(TOPIC, f"call records cannot be written, they wait: {error.strerror or error}")
