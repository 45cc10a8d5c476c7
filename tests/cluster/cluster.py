"""A whole Kubernetes cluster on this machine without Docker: nodes of namespaces on a LAN of their own.

Ready in 5 s, the first pod runs 3 s later; 0.8 GiB. Needs root and some of Debian's programs
(`machine.why_not`). Everything of a cluster is in one folder, and in network namespaces and cgroups that
carry its name, so that taking it down needs no memory of how it was made.
"""

from __future__ import annotations

import os
import re
import secrets
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from cluster import binaries, cgroups, control_plane, images
from cluster.kubectl import Kubectl
from cluster.lan import Host, Lan, namespaces
from cluster.machine import SEARCH, Machine
from cluster.processes import free_ports, wait_until
from cluster.worker import start_containers, start_kubelet, start_proxy

FIRST_NODE: Final = 11
"""Last byte of the first node's address; the other nodes follow."""
FIRST_CALLER: Final = 201


class Cluster:
    """A running cluster. `up` makes one; everything it makes carries `name`."""

    def __init__(self, name: str, programs: Mapping[str, Path], *, ends_with_caller: bool) -> None:
        self.name = name
        self.folder = folder_of(name)
        self.machines: list[Machine] = []
        self._programs = programs
        self._bound = ends_with_caller
        self._lan = Lan(prefix_of(name))
        self._archives: list[Path] = []
        self._tags: list[tuple[str, str]] = []
        self._callers: list[Host] = []
        self._started: list[subprocess.Popen[bytes]] = []
        self._removals: list[subprocess.Popen[bytes]] = []

    def up(self, nodes: int = 1) -> None:
        """Start the control plane and this many nodes, and wait until they are Ready."""
        self._lan.create()
        first = self._machine()
        self.plane = control_plane.prepare(self.folder / "certificates", first.host.address)
        control_plane.start_store(first, self._programs["etcd"])
        control_plane.start_apiserver(first, self._programs["kube-apiserver"], self.plane)
        self.kubectl = Kubectl(self._programs["kubectl"], self._forward(first))
        self._wait("the API server", "get", "--raw=/readyz")
        manager, scheduler = self._programs["kube-controller-manager"], self._programs["kube-scheduler"]
        control_plane.start_controllers(first, manager, scheduler, self.plane)
        self._join(first)
        for _ in range(nodes - 1):
            self.add_node()
        self._wait("service accounts", "get", "serviceaccount", "default")

    def add_node(self, disk: str = "") -> Machine:
        """One more node, Ready; `disk` is the most that its pods may write, as `64m`."""
        machine = self._machine(disk)
        for other in self.machines[:-1]:
            other.host.route(_pods(machine), machine.host.address)
            machine.host.route(_pods(other), other.host.address)
        for caller in self._callers:
            caller.route(_pods(machine), machine.host.address)
        self._join(machine)
        return machine

    def remove_node(self, machine: Machine) -> None:
        """Cut its power and forget it, so that a node may be added in its place."""
        machine.cut_power()
        self.machines.remove(machine)
        self.kubectl("delete", "node", machine.name)
        self._lan.remove(machine.host)
        # Very many files of images: nobody waits for them to go.
        gone = machine.folder.rename(self.folder / f"gone-{secrets.token_hex(4)}")
        self._removals.append(subprocess.Popen(["rm", "-rf", str(gone)]))

    def down(self) -> None:
        """End all of it; nothing is left."""
        for process in self._removals:
            process.wait()
        down(self.name)
        for process in self._started:
            process.wait()

    def add_caller(self, name: str) -> Host:
        """A host on the nodes' LAN that is no node: a PBX, a carrier. It reaches pods by their addresses."""
        host = self._lan.add(name, FIRST_CALLER + len(self._callers))
        self._callers.append(host)
        for machine in self.machines:
            host.route(_pods(machine), machine.host.address)
        return host

    def stop_apiserver(self) -> None:
        """SIGKILL; what runs on the nodes goes on."""
        self.machines[0].stop("kube-apiserver")

    def start_apiserver(self) -> None:
        """Start it again, and wait until it is ready."""
        control_plane.start_apiserver(self.machines[0], self._programs["kube-apiserver"], self.plane)
        self._wait("the API server", "get", "--raw=/readyz")

    def load(self, *archives: Path) -> None:
        """Give every node the images of these OCI archives, also those that join later."""
        self._archives += archives
        for machine in self.machines:
            load(machine, self._programs["ctr"], archives)

    def tag(self, image: str, other: str) -> None:
        """Give an image one more name, also on nodes that join later."""
        self._tags.append((image, other))
        for machine in self.machines:
            self._tag(machine, image, other)

    def _tag(self, machine: Machine, image: str, other: str) -> None:
        machine.call(self._programs["ctr"], "--namespace=k8s.io", "images", "tag", image, other)

    def _machine(self, disk: str = "") -> Machine:
        taken = {machine.host.address for machine in self.machines}
        number = next(number for number in range(FIRST_NODE, 100) if self._lan.address(number) not in taken)
        name = f"node{number - FIRST_NODE + 1}"
        helpers = (self._programs["containerd-shim-runc-v2"].parent,)
        group = f"{prefix_of(self.name)}/{name}"
        machine = Machine(name, self._lan.add(name, number), self.folder / name, group, helpers, disk)
        self._started.append(machine.boot(ends_with_caller=self._bound))
        self.machines.append(machine)
        start_containers(machine, self._programs, _pods(machine))
        return machine

    def _join(self, machine: Machine) -> None:
        # kubelet gives up if containerd is not there yet; `load` waits for it.
        load(machine, self._programs["ctr"], [self._pause(), *self._archives])
        for image, other in self._tags:
            self._tag(machine, image, other)
        start_kubelet(machine, self._programs["kubelet"], self.plane)
        start_proxy(machine, self._programs["kube-proxy"], self.plane)
        ready = '-ojsonpath={.status.conditions[?(@.type=="Ready")].status}'
        self._wait(f"{machine.name} Ready", "get", "node", machine.name, ready, answer="True")

    def _wait(self, what: str, *arguments: str, answer: str | None = None) -> None:
        """Until kubectl succeeds, with this answer if one is given."""

        def happens() -> bool:
            said = self.kubectl.try_(*arguments)
            return not said.status and answer in (None, said.output)

        wait_until(what, happens, 60, self.check)

    def check(self) -> None:
        """Raises RuntimeError with the end of its log if a daemon of a node has ended."""
        for machine in self.machines:
            machine.check()

    def _pause(self) -> Path:
        path = self.folder / "pause.tar"
        return path if path.exists() else images.pause(path, self._programs["pause"])

    def _forward(self, first: Machine) -> Path:
        """Let the API server be reached on loopback, since the LAN cannot be; a kubeconfig for that."""
        (port,) = free_ports(1)
        inside = f"nsenter --net={first.host.path} socat STDIO TCP\\:127.0.0.1\\:{control_plane.PORT}"
        command = ["socat", f"TCP-LISTEN:{port},bind=127.0.0.1,fork,reuseaddr", f"EXEC:{inside}"]
        group = f"{prefix_of(self.name)}/forward"
        log = self.folder / "forward.log"
        self._started.append(cgroups.start(group, command, log, SEARCH, ends_with_caller=self._bound))
        return self.plane.kubeconfig("admin", self.plane.administrator, f"https://127.0.0.1:{port}")


def load(machine: Machine, ctr: Path, archives: Sequence[Path]) -> None:
    """Import OCI archives into a node's containerd, which may be about to start."""
    machine.call("bash", "-c", 'until "$0" version >/dev/null 2>&1; do sleep 0.05; done', ctr)
    for archive in archives:
        machine.call(ctr, "--namespace=k8s.io", "images", "import", "--local", archive.resolve())


@contextmanager
def running(nodes: int = 1, kind: type[Cluster] = Cluster) -> Iterator[Cluster]:
    """A new cluster with nodes that are Ready; nothing of it is left afterwards."""
    sweep()
    name = f"tests-{os.getpid()}-{secrets.token_hex(2)}"
    cluster = kind(name, binaries.find(binaries.NODE), ends_with_caller=True)
    try:
        cluster.up(nodes)
        yield cluster
    finally:
        cluster.down()


def sweep() -> None:
    """Take down the clusters of test runs that were killed before they could."""
    for namespace in namespaces("trunkline-tests"):
        owner = re.match(r"trunkline-(tests-(\d+)-[0-9a-f]{4})-", namespace)
        if owner and not Path("/proc", owner[2]).exists():
            down(owner[1])


def down(name: str) -> None:
    """End everything that carries a cluster's name, also what a failed `up` left."""
    prefix = prefix_of(name)
    cgroups.kill(prefix)
    for namespace in namespaces(prefix):
        Lan(prefix).remove(Host(namespace, ""))
    shutil.rmtree(folder_of(name), ignore_errors=True)


def folder_of(name: str) -> Path:
    """Where everything of a cluster is kept that is a file."""
    return Path(tempfile.gettempdir(), prefix_of(name))


def prefix_of(name: str) -> str:
    """What the names of a cluster's network namespaces and cgroups begin with."""
    return f"trunkline-{name}"


def _pods(machine: Machine) -> str:
    """The node's part of the pod network."""
    return f"10.244.{machine.host.address.rpartition('.')[2]}.0/24"
