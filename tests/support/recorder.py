"""The shipped recorder as a process, and what it has stored."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from support.patience import PATIENCE
from support.pcaps import sound_of, tones

ROOT = Path(__file__).parents[2]
PATIENCE_SECONDS = PATIENCE


@dataclass(frozen=True)
class Stored:
    """One recording in a directory."""

    said: dict[str, Any]
    sound: NDArray[np.int16]

    def tones(self, *hertz: int) -> list[dict[int, float]]:
        """Seconds of each tone, by channel."""
        return [tones(self.sound[:, channel], hertz) for channel in range(self.sound.shape[1])]


@dataclass
class Recorder:
    """One that looks ten times a second."""

    spool: Path
    directory: Path
    log: Path
    process: subprocess.Popen[bytes]

    def wait_for(self, sid: str) -> Stored:
        """The recording of a call, by its CallSid."""
        name = f"RE{sid[2:]}"
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not (found := list(self.directory.rglob(f"{name}.json"))):
            assert self.process.poll() is None, self.log.read_text()
            assert time.monotonic() < deadline, f"no {name} in {self.directory}\n{self.log.read_text()}"
            time.sleep(0.05)
        return Stored(json.loads(found[0].read_text()), sound_of(found[0].with_suffix(".wav")))

    def left(self) -> list[Path]:
        """Files of packets and of jobs that are still there."""
        names = ("pcaps", "complete", "orphans", "metadata", "jobs", "ready", "done")
        return [path for name in names for path in (self.spool / name).glob("*")]


@contextmanager
def running_recorder(
    spool: Path, directory: Path, *options: str, url: str | None = None, **environment: str
) -> Iterator[Recorder]:
    """A recorder of one spool that stores below `directory`, or at `url`."""
    paths = os.pathsep.join(str(ROOT / name) for name in ("edge", "recorder"))
    log = directory.parent / f"{directory.name}.log"
    command = [
        *(sys.executable, "-m", "siprecorder", "--spool", str(spool)),
        *("--recordings-url", url or directory.absolute().as_uri()),
        *("--look-seconds", "0.1", "--retry-seconds", "0.3", "--end-seconds", "2", *options),
    ]
    with log.open("ab") as output:
        process = subprocess.Popen(
            command,
            env={
                "PYTHONPATH": paths,
                "PATH": os.environ["PATH"],
                "PYTHONDONTWRITEBYTECODE": "1",
                **environment,
            },
            stdout=output,
            stderr=output,
        )
    try:
        yield Recorder(spool, directory, log, process)
    finally:
        process.terminate()
        process.wait(PATIENCE)
