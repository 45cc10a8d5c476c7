"""The recorder's work: looks into each spool again and again, until it is asked to end."""

from __future__ import annotations

import asyncio
import glob
import logging
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from sipedge.recording.destination import Destination, account_of_file
from sipedge.recording.state import RecorderState
from siprecorder.convert import StoppingError
from siprecorder.counts import Counts
from siprecorder.making import Maker
from siprecorder.retention import expire
from siprecorder.settings import Settings
from siprecorder.spool import Spool
from siprecorder.storage import StorageError
from siprecorder.storing import Storer

log = logging.getLogger(__name__)

STATE_SECONDS: Final = 10.0
RETENTION_SECONDS: Final = 3600.0
_SHORTEST_REST: Final = 0.05


class Worker:
    """All spools of one recorder."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._desks: dict[Path, _Desk] = {}
        self._is_stopping = False
        self._ending = asyncio.Event()
        """Set: it ends when nothing waits."""

    async def run(self, stopping: asyncio.Event) -> None:
        """Until `stopping` is set, and then until all is stored, or some seconds are over.

        A recording that is being made then is made anew by the next recorder.
        """
        working = asyncio.create_task(self._work())
        expiring = asyncio.create_task(self._keep_expiring())
        waiting = asyncio.create_task(stopping.wait())
        await asyncio.wait((working, waiting), return_when=asyncio.FIRST_COMPLETED)
        waiting.cancel()
        self._ending.set()
        await asyncio.wait((working,), timeout=self._settings.end_seconds)
        self._is_stopping = True
        try:
            await working
        finally:
            expiring.cancel()
            for desk in self._desks.values():
                await desk.storer.end()

    async def _work(self) -> None:
        while not self._is_stopping:
            began, is_last = time.monotonic(), self._ending.is_set()
            for directory in self._spools():
                try:
                    await self._desk(directory).look()
                except StoppingError:
                    return
                except OSError as error:
                    log.error("spool %s: %s", directory, error)
            if is_last and not any(desk.waiting for desk in self._desks.values()):
                return
            await self._rest(self._settings.look_seconds - (time.monotonic() - began))

    async def _rest(self, seconds: float) -> None:
        """Until it is time to look again, or to end."""
        if self._ending.is_set():
            await asyncio.sleep(_SHORTEST_REST)
            return
        try:
            async with asyncio.timeout(max(_SHORTEST_REST, seconds)):
                await self._ending.wait()
        except TimeoutError:
            pass  # it is time to look again

    def _spools(self) -> list[Path]:
        found = (Path(path) for pattern in self._settings.spools for path in glob.glob(pattern))
        there = sorted({path for path in found if path.is_dir()})
        for gone in set(self._desks) - set(there):
            del self._desks[gone]
        return there

    def _desk(self, directory: Path) -> _Desk:
        if directory not in self._desks:
            self._desks[directory] = _Desk(directory, self._settings, lambda: self._is_stopping)
        return self._desks[directory]

    async def _keep_expiring(self) -> None:
        while True:
            await asyncio.sleep(self._settings.look_seconds)
            await self._expire()
            await asyncio.sleep(RETENTION_SECONDS)

    async def _expire(self) -> None:
        today = datetime.now(UTC).date()
        found: set[tuple[Destination, str | None]] = {
            (destination, account_of_file(name))
            for desk in self._desks.values()
            for name, destination in desk.spool.destinations().items()
        }
        if self._settings.default is not None:
            found.add((self._settings.default, None))
        for destination, account in found:
            try:
                await expire(destination, account, today)
            except StorageError as error:
                log.error("%s: what is too old cannot be deleted: %s", destination.url, error)


class _Desk:
    """One spool, and what is being done about it."""

    def __init__(self, directory: Path, settings: Settings, is_stopping: Callable[[], bool]) -> None:
        self.spool = Spool(directory)
        self._counts = Counts()
        self._maker = Maker(self.spool, settings, self._counts, is_stopping)
        self.storer = Storer(self.spool, settings.default, self._counts, settings.retry_seconds)
        self._told: RecorderState | None = None
        self._is_prepared = False
        self._ready = 0

    async def look(self) -> None:
        """Raises OSError for a spool that cannot be used, and StoppingError."""
        if not self._is_prepared:
            self.spool.prepare()
            self.spool.finish_what_was_begun()
            self._is_prepared = True
        # The packets of strangers are read in a thread: what is being stored goes on meanwhile.
        await asyncio.to_thread(self._maker.look)
        self._tell(self.storer.look())

    @property
    def waiting(self) -> int:
        """Calls whose recording is not in its place, though it could be."""
        return self._ready + self._maker.waiting

    def _tell(self, ready: int) -> None:
        self._ready = ready
        now = time.time()
        state = RecorderState(
            at=now,
            waiting=self.waiting,
            spool_bytes=self.spool.size(),
            counts=dict(self._counts.events),
            seconds={name: round(float(value), 3) for name, value in self._counts.seconds.items()},
            faults=self.storer.faults,
        )
        told = self._told
        if (
            told is None
            or now - told.at >= STATE_SECONDS
            or (told.counts, told.faults)
            != (
                state.counts,
                state.faults,
            )
        ):
            self.spool.tell(state)
            self._told = state
