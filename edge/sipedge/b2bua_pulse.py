"""Whether the B2BUA of an edge address works: it says so by a file, which Kamailio's routes look at before
they hand a call over.

While it lives it holds a lock of the file, which the system takes from a process that ends, however it ends.
While its loop turns it writes the time into the file's own. So who is dead is known at once, and who hangs
within `hang_seconds`; what is handed over is then refused instead of waiting for an answer.
"""

from __future__ import annotations

import fcntl
import os
import time
from pathlib import Path
from typing import Final

BEATS: Final = 4
"""In the seconds after which it is said to hang."""


def pulse_file(directory: Path) -> Path:
    """In the directory of the instance."""
    return directory / "b2bua.pulse"


class Pulse:
    """Of this process, until it ends."""

    def __init__(self, directory: Path) -> None:
        """Raises OSError: the file cannot be written. Waits for nobody but who looks at it just now."""
        self._file = os.open(pulse_file(directory), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        fcntl.flock(self._file, fcntl.LOCK_EX)
        self.beat()

    def beat(self) -> None:
        """It works at this moment, by the one clock of the machine that nobody sets."""
        now = time.monotonic_ns()
        os.utime(self._file, ns=(now, now))

    def end(self) -> None:
        """It works no more."""
        os.close(self._file)


def is_working(directory: Path, hang_seconds: float) -> bool:
    """True if a process holds the pulse, and has said so not longer ago than that. Total."""
    try:
        file = os.open(pulse_file(directory), os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        said = os.fstat(file).st_mtime_ns
        return 0 <= time.monotonic_ns() - said <= hang_seconds * 1_000_000_000
    else:
        return False  # nobody holds it
    finally:
        os.close(file)
