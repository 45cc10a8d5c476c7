"""Processes that are there and do nothing: SIGSTOP, until all of their threads have heard it."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from support.patience import until

_STOPPED = ("T", "t", "X", "Z")


def freeze(*pids: int) -> None:
    """Stop these processes. The kernel tells one thread at a time, and until then the others go on."""
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    for pid in pids:
        until(lambda pid=pid: _is_stopped(pid), f"process {pid} does not stop")  # type: ignore[misc]


def thaw(*pids: int) -> None:
    """Let them go on."""
    for pid in pids:
        os.kill(pid, signal.SIGCONT)


@contextmanager
def frozen(*pids: int) -> Iterator[None]:
    """Frozen for as long as the context lasts."""
    try:
        freeze(*pids)
        yield
    finally:
        thaw(*pids)


def group(leader: int) -> list[int]:
    """The processes of a process group."""
    found = (int(each.name) for each in Path("/proc").iterdir() if each.name.isdecimal())
    return [pid for pid in found if _group_of(pid) == leader]


def has_gone(leader: int) -> bool:
    """True if no process of this group holds anything any more, a port for one, though nobody may have asked
    yet how it ended."""
    return all(set(_states(pid)) <= {"X", "Z"} for pid in group(leader))


def _group_of(pid: int) -> int | None:
    try:
        return os.getpgid(pid)
    except ProcessLookupError:
        return None


def _is_stopped(pid: int) -> bool:
    return all(state in _STOPPED for state in _states(pid))


def _states(pid: int) -> list[str]:
    """Of its threads; [] of one that is over."""
    states = []
    for task in Path(f"/proc/{pid}/task").glob("*/stat"):
        try:
            states.append(task.read_text().rpartition(")")[2].split()[0])
        except (FileNotFoundError, ProcessLookupError):
            continue  # this thread has ended meanwhile
    return states
