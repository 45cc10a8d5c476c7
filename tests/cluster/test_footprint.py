"""A cluster leaves nothing behind on the machine, however it ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from cluster import cgroups
from cluster.cluster import Cluster, folder_of, prefix_of, running, sweep
from cluster.lan import namespaces
from cluster.processes import wait_until

pytestmark = pytest.mark.cluster

SETTINGS = (
    *("vm/overcommit_memory", "kernel/panic", "kernel/panic_on_oops"),
    *("net/ipv4/ip_forward", "net/netfilter/nf_conntrack_max"),
)
"""What kubelet and kube-proxy set on a machine of their own."""
PLACES = (
    *("/var/lib/kubelet", "/var/lib/cni", "/var/lib/containerd", "/var/log/pods", "/var/log/containers"),
    *(
        "/opt/containerd",
        "/opt/cni",
        "/etc/cni",
        "/etc/containerd",
        "/etc/kubernetes",
        "/usr/libexec/kubernetes",
    ),
    *("/run/containerd", "/run/runc", "/run/cni-addresses", "/run/flannel"),
)
"""Where the daemons keep files if nothing keeps them from it."""


def machine() -> tuple[Mapping[str, str], list[str]]:
    """The settings, and the places that are there."""
    settings = [path for name in SETTINGS if (path := Path("/proc/sys", name)).exists()]
    return (
        {str(path): path.read_text() for path in settings},
        [place for place in PLACES if Path(place).exists()],
    )


def assert_as_before(settings: Mapping[str, str], places: list[str]) -> None:
    """A setting may have come, of a part of the kernel that was not loaded before."""
    now, places_now = machine()
    assert {name: now.get(name) for name in settings} == settings
    assert places_now == places


def traces(name: str) -> list[str]:
    """What is there of a cluster of this name: network namespaces, mounts, cgroups, files, processes."""
    prefix = prefix_of(name)
    mounts = Path("/proc/self/mountinfo").read_text().splitlines()
    return [
        *namespaces(prefix),
        *(line for line in mounts if prefix in line),
        *map(str, cgroups.found(prefix)),
        *([str(folder_of(name))] if folder_of(name).exists() else []),
        *(f"process {pid}" for pid, words in commands() if prefix in words),
    ]


def commands() -> list[tuple[int, str]]:
    """Every process with its command line and environment, where it can be read."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            words = (process / "cmdline").read_bytes() + b"\0" + (process / "environ").read_bytes()
        except OSError:
            continue  # ended meanwhile
        found.append((int(process.name), words.replace(b"\0", b" ").decode(errors="replace")))
    return found


def members(name: str) -> set[int]:
    """The processes in a cluster's cgroups."""
    files = [file for top in cgroups.found(prefix_of(name)) for file in top.rglob("cgroup.procs")]
    return {int(pid) for file in files for pid in file.read_text().split()}


def alive(pids: set[int]) -> set[int]:
    """Those of `pids` that still are; one that only waits for its parent to notice its end is not."""
    return {pid for pid in pids if _state(pid) not in ("", "Z", "X")}


def _state(pid: int) -> str:
    try:
        return Path("/proc", str(pid), "stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return ""


def test_nothing_is_left_of_a_cluster_that_ends(tmp_path: Path) -> None:
    """Processes, namespaces, mounts, cgroups, files and settings of the machine are as before."""
    before = machine()
    with running() as cluster:
        pids = members(cluster.name)
        assert len(pids) > 8
        assert traces(cluster.name)
    assert traces(cluster.name) == []
    assert alive(pids) == set()
    assert_as_before(*before)


OWNER = """
import sys
from cluster import cgroups
from cluster.cluster import running
with running() as cluster:
    print(cluster.name, flush=True)
    sys.stdin.read()
"""


def test_nothing_is_left_of_a_cluster_whose_test_run_is_killed() -> None:
    """The kernel ends its processes; the next run removes what is no process."""
    before = machine()
    path = os.pathsep.join(sys.path)
    with subprocess.Popen(
        [sys.executable, "-c", OWNER],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": path},
    ) as owner:
        assert owner.stdout
        name = owner.stdout.readline().strip()
        pids = members(name)
        assert len(pids) > 8
        owner.send_signal(signal.SIGKILL)
    wait_until("the end of its processes", lambda: not alive(pids), 10)
    assert traces(name)
    sweep()
    assert traces(name) == []
    assert_as_before(*before)


def test_a_cluster_that_fails_to_start_is_taken_down() -> None:
    """Half a cluster leaves as little behind as a whole one."""
    names = []

    class Broken(Cluster):
        def up(self, nodes: int = 1) -> None:
            names.append(self.name)
            super().up(nodes)
            raise RuntimeError("broken on purpose")

    with pytest.raises(RuntimeError, match="broken on purpose"), running(kind=Broken):
        pass
    assert traces(names[0]) == []
