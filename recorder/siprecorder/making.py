"""Makes recordings of what lies in a spool, one after the other."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Final

from sipedge.recording.job import Called, Job, Part
from sipedge.recording.modes import Mode
from sipedge.recording.naming import SAID, SOUND, UNKNOWN_ACCOUNT, said_of
from sipedge.recording.spool import READY, call_sid_of_pcap
from siprecorder.convert import StoppingError, convert
from siprecorder.counts import Counts
from siprecorder.settings import Settings
from siprecorder.spool import UNREADABLE, Found, Spool, age_of, write_whole

log = logging.getLogger(__name__)

FAULT_SECONDS: Final = 60.0
"""After a fault a job is tried again so much later, and then twice that, up to `LONGEST_FAULT_SECONDS`."""
LONGEST_FAULT_SECONDS: Final = 3600.0
BUSY_SECONDS: Final = 2.0
"""Then it is seen to what else there is to do."""


class Maker:
    """Of one spool."""

    def __init__(
        self, spool: Spool, settings: Settings, counts: Counts, is_stopping: Callable[[], bool]
    ) -> None:
        self._spool, self._settings, self._counts, self._is_stopping = spool, settings, counts, is_stopping
        self._waits: dict[str, tuple[float, float]] = {}
        """By name of a job after a fault: when it is tried again, and how long it waits after the next."""
        self.waiting = 0
        """Jobs that are not done."""

    def look(self) -> None:
        """Do what can be done now, for some seconds. Raises OSError for the spool, and StoppingError."""
        self._spool.harvest()
        until, jobs = time.monotonic() + BUSY_SECONDS, list(self._spool.jobs())
        self.waiting = len(jobs)
        for path, job in jobs:
            self.waiting -= self._guarded(path.name, partial(self._job, path, job))
            if time.monotonic() > until:
                return
        sids = {job.call_sid for _, job in jobs}
        for path in self._spool.whole_files():
            is_old = age_of(path, time.time()) > self._settings.orphan_seconds
            if is_old and call_sid_of_pcap(path.name) not in sids:
                self._guarded(path.name, partial(self._orphan, path))

    def _guarded(self, name: str, work: Callable[[], bool]) -> bool:
        """A fault of one job is told, and costs the others nothing."""
        until, wait = self._waits.get(name, (0.0, FAULT_SECONDS))
        if time.monotonic() < until:
            return False
        try:
            done = work()
        except StoppingError:
            raise
        except Exception as error:
            # Whatever the packets of strangers make of the decoders.
            self._counts.add("conversion_faults")
            log.exception("%s: no recording could be made; it is tried again in %g s", name, wait)
            # A full disk is so for all of them, and for a while.
            longest = FAULT_SECONDS if isinstance(error, OSError) else LONGEST_FAULT_SECONDS
            self._waits[name] = time.monotonic() + wait, min(2 * wait, longest)
            return False
        self._waits.pop(name, None)
        return done

    def _job(self, path: Path, job: Job) -> bool:
        """True if the job is done."""
        found, now = self._spool.found(job), time.time()
        for pcap in found.growing:
            if age_of(pcap, now) > self._settings.quiet_seconds:
                self._spool.give_up_waiting(pcap)
        if found.growing:
            return False
        if not found.complete:
            if age_of(path, now) < self._settings.absent_seconds:
                return False
            log.warning("call %s: no packet of it is here, it has no recording", job.call_sid)
            self._counts.add("empty")
        else:
            self._make(job, found)
        self._spool.finish(path, found)
        return True

    def _make(self, job: Job, found: Found) -> None:
        ready = self._spool.directory / READY
        began = time.process_time()
        temporary = ready / f".{job.recording_sid}{SOUND}"
        sound = convert(job, found.complete, temporary, self._is_stopping)
        self._counts.add_seconds("busy", time.process_time() - began)
        if sound is None:
            log.warning("call %s: nobody was heard, it has no recording", job.call_sid)
            self._counts.add("empty")
            return
        temporary.replace(ready / f"{job.recording_sid}{SOUND}")
        said = json.dumps(said_of(job, sound), ensure_ascii=False)
        write_whole(ready / f"{job.recording_sid}{SAID}", said)

    def _orphan(self, path: Path) -> bool:
        """Packets that no job tells of: nobody knows whose call it was, but it is not lost."""
        call_sid, ng_id = call_sid_of_pcap(path.name), path.name.rpartition("-")[0]
        if not call_sid or not ng_id:
            path.replace(self._spool.directory / UNREADABLE / path.name)
            return True
        log.warning("%s: no job tells of it, it is stored as of an unknown account", path.name)
        self._counts.add("orphans")
        part = Part(ng_id)
        job = Job(
            call_sid=call_sid,
            mode=Mode.FROM_RINGING_DUAL,
            parts=(part,),
            call=Called(account=UNKNOWN_ACCOUNT),
        )
        self._make(job, Found(((part, path),), ()))
        path.unlink(missing_ok=True)
        return True
