"""The files of a spool, whose names `sipedge.recording.spool` tells; and the recorder's own among them.

complete/*.pcap                the relay has written all of it
done/<CallSid>.json            a job whose recording is made, and whose packets are being deleted
unreadable/*                   what should be a job and is none
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from sipedge.recording.destination import Destination, destination_of_text, file_of_account
from sipedge.recording.job import LONGEST_JOB, Job, Part, job_of_text
from sipedge.recording.spool import (
    DESTINATIONS,
    JOBS,
    METADATA,
    ORPHANS,
    PCAPS,
    READY,
    STATE_FILE,
    metadata_of_pcap,
    pcap_is_of,
    pcap_of_metadata,
)
from sipedge.recording.state import RecorderState

log = logging.getLogger(__name__)

COMPLETE: Final = "complete"
DONE: Final = "done"
UNREADABLE: Final = "unreadable"
_PCAP: Final = ".pcap"


@dataclass(frozen=True, slots=True)
class Found:
    """The files of a job."""

    complete: tuple[tuple[Part, Path], ...]
    """In the order of the job's parts, and of their age within one."""
    growing: tuple[Path, ...]
    """Those that the relay may still write to."""


class Spool:
    """One of them; whatever it reads may be gone, foreign or cut off."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    def prepare(self) -> None:
        """Make what the recorder writes to. Raises OSError."""
        for name in (COMPLETE, READY, DONE, UNREADABLE):
            (self.directory / name).mkdir(mode=0o700, exist_ok=True)

    def harvest(self) -> None:
        """Put aside the files that the relay has completed; what it knew of them holds keys, and goes first.

        Raises OSError.
        """
        for said in self._files(METADATA, ".txt"):
            pcap = self.directory / PCAPS / pcap_of_metadata(said.name)
            said.write_bytes(b"")
            if pcap.exists():
                pcap.replace(self.directory / COMPLETE / pcap.name)
            said.unlink(missing_ok=True)

    def jobs(self) -> Iterator[tuple[Path, Job]]:
        """Those that are there, the oldest first; what is none is put aside."""
        for path in sorted(self._files(JOBS, ".json"), key=_age):
            text = _read(path, LONGEST_JOB)
            if text is None:
                continue
            job = job_of_text(text)
            if job is None or f"{job.call_sid}.json" != path.name:
                log.error("%s is no job: put aside", path)
                path.replace(self.directory / UNREADABLE / path.name)
            else:
                yield path, job

    def found(self, job: Job) -> Found:
        """What the job's sessions have left."""
        whole = [*self._files(COMPLETE, _PCAP), *self._files(ORPHANS, _PCAP)]
        complete = [
            (part, path)
            for part in job.parts
            for path in sorted((each for each in whole if pcap_is_of(each.name, part.ng_id)), key=_age)
        ]
        growing = [
            path
            for path in self._files(PCAPS, _PCAP)
            if any(pcap_is_of(path.name, part.ng_id) for part in job.parts)
        ]
        return Found(tuple(complete), tuple(growing))

    def give_up_waiting(self, pcap: Path) -> None:
        """Nobody will write to this file any more. Raises OSError."""
        (self.directory / METADATA / metadata_of_pcap(pcap.name)).unlink(missing_ok=True)
        pcap.replace(self.directory / COMPLETE / pcap.name)

    def whole_files(self) -> Iterator[Path]:
        """All complete pcaps, whosever they are."""
        yield from self._files(COMPLETE, _PCAP)
        yield from self._files(ORPHANS, _PCAP)

    def finish(self, job_file: Path, files: Found) -> None:
        """The job's recording is ready: delete its packets. Raises OSError."""
        done = self.directory / DONE / job_file.name
        job_file.replace(done)
        for _, path in files.complete:
            path.unlink(missing_ok=True)
        done.unlink(missing_ok=True)

    def finish_what_was_begun(self) -> None:
        """An earlier recorder may have been ended within `finish`. Raises OSError."""
        for path in self._files(DONE, ".json"):
            job = job_of_text(_read(path, LONGEST_JOB) or b"")
            for _, pcap in self.found(job).complete if job is not None else ():
                pcap.unlink(missing_ok=True)
            path.unlink(missing_ok=True)

    def ready(self) -> list[Path]:
        """What is said of the recordings that are to be stored, the oldest first."""
        return sorted(self._files(READY, ".json"), key=_age)

    def destination(self, account: str) -> Destination | None:
        """Where the account's recordings go, if it says so itself."""
        text = _read(self.directory / DESTINATIONS / file_of_account(account), LONGEST_JOB)
        return destination_of_text(text) if text is not None else None

    def destinations(self) -> Mapping[str, Destination]:
        """Of all accounts that have one, by the name of its file."""
        texts = {path.name: _read(path, LONGEST_JOB) for path in self._files(DESTINATIONS, ".json")}
        made = {name: destination_of_text(text) for name, text in texts.items() if text is not None}
        return {name: each for name, each in made.items() if each is not None}

    def tell(self, state: RecorderState) -> None:
        """Replace what is said of the recorder. Raises OSError."""
        write_whole(self.directory / STATE_FILE, state.to_text())

    def size(self) -> int:
        """Bytes of all that waits here."""
        names = (PCAPS, COMPLETE, ORPHANS, READY)
        return sum(_size(path) for name in names for path in self._files(name, ""))

    def _files(self, name: str, suffix: str) -> list[Path]:
        try:
            with os.scandir(self.directory / name) as entries:
                return [
                    Path(entry.path)
                    for entry in entries
                    if entry.name.endswith(suffix) and not entry.name.startswith(".") and entry.is_file()
                ]
        except FileNotFoundError:
            return []


def write_whole(path: Path, text: str) -> None:
    """Replace `path` in one step, on disk when this returns. Raises OSError."""
    temporary = path.with_name(f".{path.name}.new")
    with temporary.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)


def age_of(path: Path, now: float) -> float:
    """Seconds since the file was last written to; 0 if it is gone."""
    try:
        return now - path.stat().st_mtime
    except FileNotFoundError:
        return 0.0


def _age(path: Path) -> tuple[float, str]:
    try:
        return path.stat().st_mtime, path.name
    except FileNotFoundError:
        return 0.0, path.name


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def _read(path: Path, most: int) -> bytes | None:
    try:
        with path.open("rb") as file:
            return file.read(most + 1)
    except OSError:
        return None
