"""The tests' own cluster as a site for calls: nodes, telephones on their LAN, and name servers.

The names of PBXs are served by a Knot behind the address that pods have for DNS; the platform's records go
to another one, as they would to the name server of a company.
"""

from __future__ import annotations

import ctypes
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import images
from cluster.cluster import Cluster, running
from cluster.kubectl import Kubectl
from cluster.lan import Host
from cluster.worker import DNS_SERVICE
from e2e.api import Api
from e2e.wire import WiredAgent
from support.dns_servers import ALGORITHM, KEY_NAME, Primary, knot_primary
from support.nameserver import knot
from trunkline.plan.edge_pod import USER

PBXS: Final = ("pbx1", "pbx2", "lab")
CARRIERS: Final = ("telco-a", "telco-b")
PHONES: Final = (*PBXS, *CARRIERS)
BASE_DOMAIN: Final = "trunkline.test"
SIP_PORT: Final = 5060
TSIG: Final = "tsig"
"""The Secret with the key of the name server, in the release's namespace."""

STORAGE: Final = "directory"
"""The StorageClass of the volume for recordings, and its name."""

_NETWORK: Final = 0x4000_0000
"""CLONE_NEWNET of setns(2)."""


@dataclass
class OwnNode:
    """A cluster with its surroundings; `phones` by name."""

    cluster: Cluster
    phones: dict[str, WiredAgent]
    hosts: dict[str, Host]
    dns: Primary
    """The zone of the base domain; ask it by `records` alone, it is on the LAN."""
    operator_image: tuple[str, str]
    """Repository and tag."""
    edge_image: tuple[str, str]
    recorder_image: tuple[str, str]
    recordings: Path
    """Where the volume for recordings is, on this machine."""

    @property
    def kubectl(self) -> Kubectl:
        return self.cluster.kubectl

    @property
    def carriers(self) -> dict[str, str]:
        """The carriers' addresses."""
        return {name: self.hosts[name].address for name in CARRIERS}

    def values(self) -> dict[str, Any]:
        """The chart's values that depend on the site."""
        key = {"tsigSecretRef": {"name": TSIG}, "tsigKeyName": KEY_NAME, "tsigAlgorithm": ALGORITHM}
        rfc2136 = {"server": self.hosts["dns"].address, **key}
        volume = {"create": True, "claimName": "recordings", "size": "1Gi", "storageClassName": STORAGE}
        return {
            "baseDomain": BASE_DOMAIN,
            "dns": {"provider": "rfc2136", "rfc2136": rfc2136},
            "recordings": {"volume": volume},
        }

    def adapt(self, api: Api) -> None:
        """Nothing: the manifests fit as they are."""

    def records(self, name: str, kind: str = "A") -> list[str]:
        """What the base domain's server answers: the values, sorted."""
        with entered(self.hosts["dns"]):
            return self.dns.values(name, kind)

    def all_records(self) -> dict[tuple[str, str], list[str]]:
        """Everything in the zone but SOA and NS."""
        with entered(self.hosts["dns"]):
            return self.dns.records()


@contextmanager
def entered(host: Host) -> Iterator[None]:
    """Sockets that this thread opens meanwhile, and programs that it starts, are on `host`."""
    with open("/proc/thread-self/ns/net") as own, host.path.open() as wanted:
        _set_network(wanted.fileno())
        try:
            yield
        finally:
            _set_network(own.fileno())


def _set_network(namespace: int) -> None:
    library = ctypes.CDLL(None, use_errno=True)
    if library.setns(namespace, _NETWORK):
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


@contextmanager
def own_node(folder: Path) -> Iterator[OwnNode]:
    """A cluster with one node that has both images; nothing of it is left afterwards."""
    built = [images.kept(each) for each in (images.OPERATOR, images.EDGE, images.RECORDER)]
    with ExitStack() as stack:
        cluster = stack.enter_context(running())
        cluster.load(*(archive.path for archive in built))
        hosts = {name: cluster.add_caller(name) for name in (*PHONES, "names", "dns")}
        with entered(hosts["names"]):
            lines = "\n".join(f"{name} A {hosts[name].address}" for name in PBXS)
            stack.enter_context(knot(folder / "names", hosts["names"].address, 53, "acme.example", lines))
        with entered(hosts["dns"]):
            primary = stack.enter_context(knot_primary(folder / "dns", hosts["dns"].address, 53, BASE_DOMAIN))
        cluster.kubectl.apply(*_cluster_dns(hosts["names"].address), _volume(folder / "recordings"))
        phones = {name: WiredAgent(hosts[name].address, SIP_PORT, hosts[name].command()) for name in PHONES}
        for phone in phones.values():
            stack.callback(phone.close)
        operator, edge, recorder = ((archive.repository, archive.tag) for archive in built)
        yield OwnNode(cluster, phones, hosts, primary, operator, edge, recorder, folder / "recordings")


def _volume(folder: Path) -> dict[str, object]:
    """A directory of this machine as storage for recordings; the chart claims it."""
    folder.mkdir()
    os.chown(folder, USER, USER)
    spec = {
        "capacity": {"storage": "1Gi"},
        "accessModes": ["ReadWriteMany"],
        "storageClassName": STORAGE,
        "hostPath": {"path": str(folder)},
    }
    return {"apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": STORAGE}, "spec": spec}


def _cluster_dns(address: str) -> tuple[dict[str, object], ...]:
    """The Service that pods ask for names, led to a server outside the cluster."""
    ports = [{"name": kind.lower(), "port": 53, "protocol": kind} for kind in ("UDP", "TCP")]
    name = {"name": "kube-dns", "namespace": "kube-system"}
    return (
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": name,
            "spec": {"clusterIP": DNS_SERVICE, "ports": ports},
        },
        {
            "apiVersion": "discovery.k8s.io/v1",
            "kind": "EndpointSlice",
            "metadata": {**name, "labels": {"kubernetes.io/service-name": "kube-dns"}},
            "addressType": "IPv4",
            "endpoints": [{"addresses": [address]}],
            "ports": ports,
        },
    )
