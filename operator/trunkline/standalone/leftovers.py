"""Processes that an earlier `up` with the same state directory left behind, when it was killed.

Every process that `up` starts bears the state directory in its environment, which no process can lose by
forking or by changing its title; so leftovers are found without any record that could be stale.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Final

MARK: Final = "TRUNKLINE_UP_STATE"
"""Set to the state directory in every process that `up` starts."""

_PATIENCE_SECONDS: Final = 20.0


def marked(environment: Mapping[str, str], state_directory: Path) -> dict[str, str]:
    """The environment for a process of the `up` that has this state directory."""
    return {**environment, MARK: str(state_directory)}


def find_leftovers(state_directory: Path) -> tuple[int, ...]:
    """The ids of living processes that bear the mark of this state directory."""
    mark = f"{MARK}={state_directory}".encode()
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if mark in (process / "environ").read_bytes().split(b"\0") and not _is_dead(process):
                found.append(int(process.name))
        except (OSError, ValueError):
            continue
    return tuple(pid for pid in found if pid != os.getpid())


def end_leftovers(state_directory: Path) -> int:
    """Kill them, and wait until they are gone. Returns how many there were."""
    ended: set[int] = set()
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while (found := find_leftovers(state_directory)) and time.monotonic() < deadline:
        for pid in found:
            try:
                os.kill(pid, signal.SIGKILL)
                ended.add(pid)
            except ProcessLookupError:
                continue
        time.sleep(0.02)
    return len(ended)


def _is_dead(process: Path) -> bool:
    """A zombie holds nothing; its parent has only not asked for it yet."""
    stat = (process / "stat").read_text()
    return stat.rpartition(")")[2].split()[0] in ("Z", "X")
