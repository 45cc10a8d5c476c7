"""Cgroups of a node: made, entered, and killed with all in them; version 2, or 1 where that is mounted.

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
_CONTROLLERS: Final = ("cpu", "cpuset", "memory", "pids")
"""What containers need of version 2."""
_HIERARCHIES: Final = (
    *("cpu", "cpuacct", "cpuset", "memory", "devices", "freezer", "blkio", "pids", "name=systemd"),
)
"""What they need of version 1, as mount options."""
_TIMES: Final = 10
"""A cluster has the weight of so many processes: as one of them its pods would starve beside busy ones."""
_WEIGHTS: Final = {"cpu.weight": 100, "cpu.shares": 1024}
"""What a process weighs, by the file of either version that says what a group does."""
_LEAF: Final = "init"
"""Below a node's group of version 2: one that shares out controllers may have no processes of its own."""
_ENTER: Final = 'while [ "$1" != -- ]; do echo $$ >"$1/cgroup.procs"; shift; done; shift; exec "$@"'
"""Moves itself into the groups that are named before `--`, then becomes the command after it."""


def why_not() -> str | None:
    """Why this machine's cgroups cannot hold a node; None if they can."""
    if not _is_unified():
        absent = [name for name in _HIERARCHIES if name not in _own()]
        return f"no cgroup v1 for {', '.join(absent)}" if absent else None
    if absent := [name for name in _CONTROLLERS if name not in _words(TOP / "cgroup.controllers")]:
        return f"cgroup v2 has no controller for {', '.join(absent)}"
    shared = _words(TOP / "cgroup.subtree_control")
    if (TOP / "cgroup.type").exists() and not set(_CONTROLLERS) <= shared:
        return (
            f"{TOP} is a container's and shares out no controllers; start the container with --cgroupns=host"
        )
    return None


def hierarchies() -> tuple[str, ...]:
    """What a node mounts: the options of each hierarchy of version 1; nothing where version 2 is."""
    return () if _is_unified() else _HIERARCHIES


def as_root(group: str, command: Sequence[str]) -> list[str]:
    """The command with `group`, in which it is started, as root of a cgroup namespace."""
    if not _is_unified():
        return ["unshare", "--cgroup", *command]
    enter = ["bash", "-c", f'mkdir "$1"; {_ENTER}', "enter", str(TOP / group / _LEAF), "--"]
    return ["unshare", "--cgroup", *enter, *command]


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
    tops = [TOP / name.removeprefix("name=") for name in hierarchies()] or [TOP]
    return [path for top in tops if top.exists() for path in top.rglob(group)]


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
    if not _is_unified():
        return [_made_in_version_1(_own()[name], group) for name in _HIERARCHIES]
    # Below the top, since the group that the caller is in may not share out controllers.
    made = TOP
    for name in Path(group).parts:
        _share(made)
        made /= name
        made.mkdir(exist_ok=True)
        _weigh(made)
    return [made]


def _weigh(folder: Path) -> None:
    for name, one in _WEIGHTS.items():
        if (folder / name).exists():
            (folder / name).write_text(str(_TIMES * one))


def _share(folder: Path) -> None:
    """Let the groups below have the controllers."""
    absent = sorted(set(_CONTROLLERS) - _words(folder / "cgroup.subtree_control"))
    if absent:
        (folder / "cgroup.subtree_control").write_text(" ".join(f"+{name}" for name in absent))


def _made_in_version_1(parent: Path, group: str) -> Path:
    for name in Path(group).parts:
        made = parent / name
        made.mkdir(exist_ok=True)
        _weigh(made)
        if (made / "cpuset.mems").exists():
            # A new cpuset has no processor and no memory, and takes no process until it has.
            for setting in ("cpuset.cpus", "cpuset.mems"):
                (made / setting).write_text((parent / setting).read_text())
        parent = made
    return parent


def _is_unified() -> bool:
    return (TOP / "cgroup.controllers").exists()


def _words(file: Path) -> set[str]:
    return set(file.read_text().split())


def _own() -> dict[str, Path]:
    """Hierarchy of version 1 -> this process's own group in it."""
    groups = {}
    for line in Path("/proc/self/cgroup").read_text().splitlines():
        _, controllers, path = line.split(":", 2)
        for controller in controllers.split(","):
            mount = TOP / controller.removeprefix("name=")
            if controller and mount.exists():
                groups[controller] = mount / path.lstrip("/")
    return groups
