"""A cluster of somebody's as a site for calls: its telephones are pods, and its DNS is left alone.

Where the tests' own node has names for PBXs, this has addresses of pods, which the quickstart's objects are
given after they were applied.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pytest

from cluster import binaries
from cluster.kubectl import Kubectl
from e2e.api import Api
from e2e.own_node import BASE_DOMAIN, CARRIERS, PBXS, PHONES, SIP_PORT
from e2e.wire import WiredAgent
from trunkline.api import Account, IpAccessControlList, OriginationUri

KUBECONFIG: Final = "TRUNKLINE_E2E_KUBECONFIG"
OPERATOR, EDGE, RECORDER = (f"TRUNKLINE_E2E_{name}_IMAGE" for name in ("OPERATOR", "EDGE", "RECORDER"))
NAMESPACE: Final = "trunkline-e2e"
CRD: Final = "crd/edges.trunkline.dev"

_URIS: Final = {"hq-primary": "pbx1", "hq-backup": "pbx2", "lab-pbx": "lab"}
_WAIT: Final = ["python3", "-c", "import signal; signal.pause()"]


@dataclass
class TheirCluster:
    """The cluster of a kubeconfig; `phones` by name."""

    kubectl: Kubectl
    phones: dict[str, WiredAgent]
    operator_image: tuple[str, str]
    """Repository and tag."""
    edge_image: tuple[str, str]
    recorder_image: tuple[str, str]

    @property
    def carriers(self) -> dict[str, str]:
        """The carriers' addresses."""
        return {name: self.phones[name].address for name in CARRIERS}

    def values(self) -> dict[str, Any]:
        """The chart's values that depend on the site."""
        return {"baseDomain": BASE_DOMAIN}

    def adapt(self, api: Api) -> None:
        """Lead the tenant's trunks to these PBXs, which are in a network where no call may go otherwise."""
        for uri, phone in _URIS.items():
            api.patch(OriginationUri, uri, {"sipUri": f"sip:{self.phones[phone].address}:{SIP_PORT}"})
        addresses = [f"{phone.address}/32" for phone in self.phones.values()]
        api.patch(Account, "acme", {"allowedTargetCidrs": addresses})
        sites = [{"cidr": f"{self.phones[name].address}/32"} for name in PBXS]
        api.patch(IpAccessControlList, "hq-sites", {"entries": sites})


@contextmanager
def their_cluster() -> Iterator[TheirCluster]:
    """The cluster that the environment names; what is made there for telephones is removed afterwards.

    Fails the test if an image is not named, or if Trunkline is there already.
    """
    kubectl = Kubectl(binaries.find(["kubectl"])["kubectl"], Path(os.environ[KUBECONFIG]))
    operator, edge, recorder = (_image(each) for each in (OPERATOR, EDGE, RECORDER))
    if not kubectl.try_("get", CRD).status:
        pytest.fail(
            "Trunkline is installed in this cluster, or was: these tests would remove it; choose another "
            f"cluster, or remove all of it first (kubectl delete {CRD} ... deletes every object too)",
            pytrace=False,
        )
    print(
        f"making in this cluster: namespaces {NAMESPACE}, trunkline-system, trunkline-edges and acme, "
        "Trunkline's CRDs and cluster roles; all removed at the end",
        flush=True,
    )
    with ExitStack() as stack:
        stack.callback(_remove, kubectl)
        kubectl("create", "namespace", NAMESPACE)
        inside = kubectl.within(NAMESPACE)
        inside.apply(*(_phone(name, ":".join(edge)) for name in PHONES))
        inside("wait", "--for=condition=Ready", "pod", "--all", "--timeout=180s", seconds=200)
        phones = {}
        for name in PHONES:
            address = inside.get("pod", name)["status"]["podIP"]
            within = [str(kubectl.program), f"--kubeconfig={kubectl.kubeconfig}", "-n", NAMESPACE]
            phones[name] = WiredAgent(address, SIP_PORT, [*within, "exec", "-i", name, "--"])
            stack.callback(phones[name].close)
        yield TheirCluster(kubectl, phones, operator, edge, recorder)


def _remove(kubectl: Kubectl) -> None:
    kinds = kubectl.try_("get", "crd", "-o", "name").output.split()
    ours = [kind for kind in kinds if kind.endswith(".trunkline.dev")]
    if ours:
        kubectl.try_("delete", *ours, "--timeout=120s", seconds=150)
    for namespace in (NAMESPACE, "acme", "trunkline-system"):
        kubectl.try_("delete", "namespace", namespace, "--timeout=120s", seconds=150)


def _image(variable: str) -> tuple[str, str]:
    repository, colon, tag = os.environ.get(variable, "").rpartition(":")
    if not colon or "/" in tag:
        pytest.fail(
            f"{variable} is not set: name an image that the cluster can pull, as registry/name:tag "
            "(operator/Dockerfile, edge/Dockerfile and recorder/Dockerfile make them)",
            pytrace=False,
        )
    return repository, tag


def _phone(name: str, image: str) -> dict[str, Any]:
    container = {
        "name": "phone",
        "image": image,
        "command": _WAIT,
        "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
    }
    security = {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}}
    spec = {"containers": [container], "securityContext": security, "terminationGracePeriodSeconds": 0}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": spec}
