"""What the agent and the recorder tell each other, by files of the spool (`sipedge.recording.spool`)."""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

from sipedge.agent.faults import Faults
from sipedge.contract import LONGEST_RECORDINGS
from sipedge.instance_files import write_privately
from sipedge.media_settings import MediaSettings
from sipedge.metrics.calls import Labels
from sipedge.recording.destination import Destination, file_of_account
from sipedge.recording.job import Job
from sipedge.recording.spool import DESTINATIONS, JOBS, STATE_FILE
from sipedge.recording.state import RecorderState, state_of_text
from sipedge.table.codec import TableFormatError, unpack_row
from sipedge.table.rows import AccountRow, RecordingsRow, Section

log = logging.getLogger(__name__)

LOOK_SECONDS: Final = 5.0
STALE_SECONDS: Final = 900.0
"""A recorder that has not told its state for so long does not work: the longest call takes less."""
_TOPIC: Final = "recordings"
_DEAD: Final = "the recorder does not work: recordings wait in the spool"
_EVENTS: Final = ("stored", "empty", "orphans", "lost", "conversion_faults", "storage_faults")

Samples = Mapping[tuple[str, Labels], float]


class RecordingKeeper:
    """Of one instance. Without a relay it does nothing."""

    def __init__(self, media: MediaSettings | None, faults: Faults) -> None:
        self._spool = None if media is None else media.spool
        self._faults = faults
        self._destinations: Mapping[str, Destination] = {}
        self._is_told = True
        """False: the destinations are still to be written."""
        self.state = RecorderState()
        """As the recorder told it last."""

    def keep(self, job: Job) -> None:
        """Have the recorder make a recording. Told twice it is made once. Raises OSError."""
        if self._spool is None:
            log.error("call %s was recorded by a relay that is none of this instance", job.call_sid)
            return
        _write(self._spool / JOBS, f"{job.call_sid}.json", job.to_text())

    def follow(self, accounts: Iterable[bytes]) -> None:
        """The accounts of the table in use, as it holds them."""
        found = {}
        for data in accounts:
            try:
                row = unpack_row(Section.ACCOUNT, data)
            except TableFormatError as error:
                log.error("%s", error)
                continue
            if isinstance(row, AccountRow) and row.recordings is not None:
                found[file_of_account(row.id)] = _destination(row.recordings)
        self._destinations, self._is_told = found, False
        self._tell()

    def told(self) -> str | None:
        """Why recordings of accounts wait, as an acknowledgement has it; of very many accounts the first."""
        faults = dict(sorted(self.state.faults.items()))
        while faults and len(text := json.dumps(faults)) > LONGEST_RECORDINGS:
            faults.popitem()
        return text if faults else None

    def counts(self) -> Samples:
        """For Prometheus."""
        if self._spool is None:
            return {}
        state = self.state
        events: Samples = {("recordings", (event,)): float(state.counts.get(event, 0)) for event in _EVENTS}
        return {
            **events,
            ("recordings_waiting", ()): state.waiting,
            ("recordings_spool_bytes", ()): state.spool_bytes,
            ("recorded_seconds", ()): state.seconds.get("recorded", 0.0),
            ("recorder_busy_seconds", ()): state.seconds.get("busy", 0.0),
        }

    async def run(self) -> None:
        """Without end."""
        while self._spool is not None:
            self._tell()
            await asyncio.to_thread(self._look, self._spool)
            await asyncio.sleep(LOOK_SECONDS)

    def _look(self, spool: Path) -> None:
        try:
            said = state_of_text((spool / STATE_FILE).read_bytes())
        except OSError:
            said = None
        self.state = said or RecorderState()
        waits = _oldest(spool / JOBS)
        is_dead = waits is not None and time.time() - max(waits, self.state.at) > STALE_SECONDS
        self._faults.set(_TOPIC, _DEAD if is_dead else None)

    def _tell(self) -> None:
        """Write what the recorder has to know of accounts; what cannot be written is tried again."""
        if self._spool is None or self._is_told:
            return
        directory = self._spool / DESTINATIONS
        try:
            for name, destination in self._destinations.items():
                _write(directory, name, destination.to_text())
            for path in directory.glob("*.json"):
                if path.name not in self._destinations:
                    path.unlink(missing_ok=True)
        except OSError as error:
            log.warning("%s cannot be written, it is tried again: %s", directory, error.strerror)
            return
        self._is_told = True


def _write(directory: Path, name: str, text: str) -> None:
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    write_privately(directory / name, text)


def _destination(row: RecordingsRow) -> Destination:
    return Destination(
        row.url, row.endpoint, row.region, row.access_key_id, row.secret_access_key, row.retention_days
    )


def _oldest(jobs: Path) -> float | None:
    """When the oldest job was written, in Unix time; None if none waits."""
    times = []
    for path in jobs.glob("*.json"):
        try:
            times.append(path.stat().st_mtime)
        except FileNotFoundError:
            continue  # it is done
    return min(times, default=None)
