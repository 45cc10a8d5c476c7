"""The processes of edge pods, seen from the machine that the node runs on: for signals that no API sends."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path
from typing import Final

from e2e.installation import EdgePod

KAMAILIO, AGENT = "kamailio", "sipedge.agent"
START_SECONDS: Final = 120.0
"""kubelet waits longer each time that a container has ended."""


def processes(pod: EdgePod, program: str) -> list[int]:
    """The pod's processes with this word in their command line, oldest first."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            groups = (folder / "cgroup").read_text()
            if f"pod{pod.uid}" in groups and program.encode() in (folder / "cmdline").read_bytes():
                found.append(int(folder.name))
        except OSError:
            continue  # it has ended meanwhile
    return sorted(found, key=_started)


def kill(pod: EdgePod, program: str) -> None:
    """SIGKILL a container's first process, and so all of it; return when kubelet has started it again."""
    before = processes(pod, program)[0]
    os.kill(before, signal.SIGKILL)
    end = time.monotonic() + START_SECONDS
    while before in (found := processes(pod, program)) or not found:
        if time.monotonic() > end:
            raise TimeoutError(f"{pod.name}: {program} was not started again")
        time.sleep(0.05)


def freeze(pod: EdgePod, program: str, *, frozen: bool) -> None:
    """Stop a program where it stands, or let it go on."""
    for pid in processes(pod, program):
        os.kill(pid, signal.SIGSTOP if frozen else signal.SIGCONT)


def _started(pid: int) -> int:
    try:
        return int(Path("/proc", str(pid), "stat").read_text().rpartition(")")[2].split()[19])
    except OSError:
        return 0
