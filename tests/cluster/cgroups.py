"""Cgroups of a node: made, entered, and killed with everything in them. Version 1 alone.

A node has a group of its own in every hierarchy, and its first process a cgroup namespace whose root that
group is: kubelets that share a subtree take each other's pods for orphans.
"""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

TOP: Final = Path("/sys/fs/cgroup")
CONTROLLERS: Final = (
    *("cpu", "cpuacct", "cpuset", "memory", "devices", "freezer", "blkio", "pids", "name=systemd"),
)
"""The hierarchies that containers need, as mount options."""
_ENTER: Final = 'while [ "$1" != -- ]; do echo $$ >"$1/cgroup.procs"; shift; done; shift; exec "$@"'
"""Moves itself into the groups that are named before `--`, then becomes the command after it."""


def missing() -> list[str]:
    """Controllers that a node needs and this machine does not have in version 1."""
    return [name for name in CONTROLLERS if name not in _own()]


def start(
    group: str, command: Sequence[str], log: Path, path: str, *, ends_with_caller: bool
) -> subprocess.Popen[bytes]:
    """Start a command as first member of a new group; `path` is its PATH, `log` takes what it says.

    With `ends_with_caller` the kernel kills it when the thread that calls this is gone.
    """
    places = [str(place) for place in _made(group)]
    bound = ["setpriv", "--pdeathsig", "KILL", "--"] if ends_with_caller else []
    with log.open("ab") as output:
        return subprocess.Popen(
            [*bound, "bash", "-c", _ENTER, "enter", *places, "--", *command],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
            env={**os.environ, "PATH": path},
        )


def kill(group: str, seconds: float = 10) -> None:
    """SIGKILL every process in a group and remove it, deepest first. Nothing there is no fault."""
    end = time.monotonic() + seconds
    while not _emptied(group):
        if time.monotonic() > end:
            raise TimeoutError(f"cgroup {group} is still in use after {seconds} s")
        time.sleep(0.05)


def found(group: str) -> list[Path]:
    """The groups of this name, one a hierarchy, wherever the process that made them stood."""
    hierarchies = (TOP / name.removeprefix("name=") for name in CONTROLLERS)
    return [path for hierarchy in hierarchies if hierarchy.exists() for path in hierarchy.rglob(group)]


def _emptied(group: str) -> bool:
    empty = True
    for top in found(group):
        for folder in sorted((*top.rglob("*/"), top), key=lambda path: len(path.parts), reverse=True):
            empty = False
            try:
                for pid in (folder / "cgroup.procs").read_text().split():
                    os.kill(int(pid), 9)
                folder.rmdir()
            except OSError:
                pass  # what was killed has not ended yet, or is gone meanwhile; the next look tells
    return empty


def _made(group: str) -> list[Path]:
    return [_made_below(_own()[name], group) for name in CONTROLLERS]


def _made_below(parent: Path, group: str) -> Path:
    for name in Path(group).parts:
        made = parent / name
        made.mkdir(exist_ok=True)
        if (made / "cpuset.mems").exists():
            # A new cpuset has no processor and no memory, and takes no process until it has.
            for setting in ("cpuset.cpus", "cpuset.mems"):
                (made / setting).write_text((parent / setting).read_text())
        parent = made
    return parent


def _own() -> dict[str, Path]:
    """Hierarchy -> this process's own group in it."""
    groups = {}
    for line in Path("/proc/self/cgroup").read_text().splitlines():
        _, controllers, path = line.split(":", 2)
        for controller in controllers.split(","):
            mount = TOP / controller.removeprefix("name=")
            if controller and mount.exists():
                groups[controller] = mount / path.lstrip("/")
    return groups
