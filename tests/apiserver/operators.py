"""The shipped operator beside a real API server: start it, kill it, and read what it published.

There are no edge pods here. Where a test needs their word it writes it as an agent would, and says so.
"""

from __future__ import annotations

import base64
import json
import os
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from cluster.apiserver import ApiServer, RefusedError, running
from cluster.kubectl import Kubectl
from cluster.processes import wait_until
from sipedge.agent.lease import schemas_read
from sipedge.contract import SCHEMAS
from sipedge.routing.decision import Decision
from sipedge.routing.message.messages import SipRequest
from sipedge.table import MemoryRows, Table
from sipedge.table.publication import (
    PackedRows,
    head_object,
    part_hash,
    part_object,
    rows_of,
    unpack_head,
)
from support.calls import decide
from support.events import whole_lines
from support.freezing import freeze, thaw
from support.patience import PATIENCE
from trunkline.api import ALL_KINDS, API_VERSION

ROOT: Final = Path(__file__).resolve().parents[2]
CRDS: Final = ROOT / "crds"
SECONDS: Final = PATIENCE
"""Longest wait for something that takes one second on a quiet machine."""


@contextmanager
def serving_crds(*, controllers: bool = False) -> Iterator[ApiServer]:
    """An API server that serves our CRDs; with `controllers` namespaces end, and owned objects go."""
    with running(controllers=controllers) as server:
        server.kubectl("create", "-f", str(CRDS))
        for kind in ALL_KINDS:
            path = f"/apis/{API_VERSION}/{kind.plural}"
            wait_until(path, lambda path=path: server.request(path), SECONDS)  # type: ignore[misc]
        yield server


@dataclass(frozen=True)
class PublishedTable:
    """One whole revision, read from the API server and checked as an agent checks it."""

    sequence: int
    rows: PackedRows

    def decide(self, request: SipRequest) -> Decision:
        """What the edge would do with a request."""
        return decide(Table(MemoryRows.of_packed(self.rows)), request)


@dataclass
class Platform:
    """Namespaces of its own on an API server, and the operators that run for them."""

    server: ApiServer
    folder: Path
    system: str
    edges: str
    tenant: str
    operators: list[Operator] = field(default_factory=list)

    @property
    def kubectl(self) -> Kubectl:
        """kubectl as administrator, in the tenant's namespace."""
        return self.server.kubectl.within(self.tenant)

    def start(self, name: str = "operator-0", *, program: tuple[str, ...] = (), **options: str) -> Operator:
        """Start an operator, as the pod `name`; options as flags without their dashes."""
        wanted = {
            "base_domain": "trunkline.test",
            "edge_namespace": self.edges,
            "tenant_namespaces": self.tenant,
            "metrics_port": "0",
            "health_port": "0",
            **options,
        }
        flags = [f"--{key.replace('_', '-')}={value}" for key, value in wanted.items()]
        command = [sys.executable, *(program or ("-m", "trunkline")), "run", *flags]
        log = self.folder / f"{name}.{len(self.operators)}.log"
        environment = {
            **os.environ,
            "KUBECONFIG": str(self.server.kubeconfig),
            "POD_NAME": name,
            "POD_NAMESPACE": self.system,
            "PYTHONPATH": os.pathsep.join(str(ROOT / each) for each in ("operator", "edge", "tests")),
        }
        with log.open("wb") as output:
            # The kernel kills it when the test run is gone.
            bound = ["setpriv", "--pdeathsig", "KILL", "--"]
            process = subprocess.Popen(
                [*bound, *command], stdout=output, stderr=output, env=environment, cwd=self.folder
            )
        operator = Operator(process, log)
        self.operators.append(operator)
        return operator

    def table(self, edge: str) -> PublishedTable:
        """The published table. Raises OSError while there is none, or it is torn."""
        head_data = self._data(head_object(edge))
        head = unpack_head(head_data)
        parts = {}
        for name, digest in head.parts.items():
            parts[name] = self._data(part_object(edge, name))
            if part_hash(parts[name]) != digest:
                raise OSError(f"{name} is not the part that the head names")
        return PublishedTable(head.sequence, rows_of(parts.values()))

    def _data(self, secret: str) -> bytes:
        found = json.loads(self.server.request(f"/api/v1/namespaces/{self.edges}/secrets/{secret}"))
        return base64.b64decode(found["data"]["data"])

    def condition(self, kind: str, name: str, condition: str) -> Mapping[str, Any]:
        """One condition of an object; empty if it has none of this type."""
        conditions = self.kubectl.get(kind, name).get("status", {}).get("conditions", [])
        return next((each for each in conditions if each["type"] == condition), {})

    def wait_for(self, what: str, happens: Callable[[], object], seconds: float = SECONDS) -> None:
        """Wait until `happens()`; what operators logged is told if it does not."""
        try:
            wait_until(what, happens, seconds)
        except TimeoutError as error:
            logs = "\n".join(operator.log.read_text()[-3000:] for operator in self.operators)
            raise AssertionError(f"{error}\n{logs}") from None

    def wait_condition(self, kind: str, name: str, condition: str, **wanted: str) -> None:
        """Wait until a condition has these values, e.g. `status="True"`."""
        self.wait_for(
            f"{kind}/{name} {condition} {wanted}",
            lambda: wanted.items() <= self.condition(kind, name, condition).items(),
        )

    def acknowledge(self, edge: str, pod: int, revision: int, *, address: str, ready: bool = True) -> None:
        """Write a pod's Lease as its agent does; there is no agent here."""
        now = time.strftime("%Y-%m-%dT%H:%M:%S.000000Z", time.gmtime())
        name = f"edge-{edge}-{pod}"
        manifest = {
            "apiVersion": "coordination.k8s.io/v1",
            "kind": "Lease",
            "metadata": {
                "name": name,
                "namespace": self.edges,
                "labels": {"trunkline.dev/edge": edge, "app.kubernetes.io/managed-by": "trunkline"},
                "annotations": {
                    "trunkline.dev/revision": str(revision),
                    "trunkline.dev/address": address,
                    "trunkline.dev/ready": "true" if ready else "false",
                    SCHEMAS: schemas_read(now),
                },
            },
            "spec": {"holderIdentity": name, "renewTime": now},
        }
        path = f"/apis/coordination.k8s.io/v1/namespaces/{self.edges}/leases/{name}"
        self.server.request(
            f"{path}?fieldManager=agent&force=true",
            method="PATCH",
            body=manifest,
            content_type="application/apply-patch+yaml",
        )

    def show_pod(self, edge: str, pod: int, address: str, *, ready: str = "False") -> None:
        """Make a Pod with its address, as a StatefulSet and a kubelet do; there are none here."""
        make_pod(self.server, self.edges, edge, pod, address, ready)

    def versions(self) -> dict[str, str]:
        """The resource version of every object that an operator may write, but its own Lease."""
        found = {}
        paths = [f"/apis/{API_VERSION}/{kind.plural}" for kind in ALL_KINDS]
        paths += [
            f"/api/v1/namespaces/{self.edges}/secrets",
            f"/api/v1/namespaces/{self.system}/secrets",
            f"/apis/apps/v1/namespaces/{self.edges}/statefulsets",
            f"/apis/rbac.authorization.k8s.io/v1/namespaces/{self.edges}/roles",
            f"/apis/policy/v1/namespaces/{self.edges}/poddisruptionbudgets",
            f"/api/v1/namespaces/{self.edges}/services",
            "/apis/events.k8s.io/v1/events",
        ]
        for path in paths:
            for each in json.loads(self.server.request(path))["items"]:
                metadata = each["metadata"]
                key = f"{path} {metadata.get('namespace', '')}/{metadata['name']}"
                found[key] = metadata["resourceVersion"]
        return found

    def quiet(self, seconds: float = 2.0) -> dict[str, str]:
        """`versions`, once they have stood still for so long: what was under way has been written."""
        found, since = self.versions(), time.monotonic()

        def stand_still() -> bool:
            nonlocal found, since
            if (now := self.versions()) != found:
                found, since = now, time.monotonic()
            return time.monotonic() - since > seconds

        self.wait_for("nothing more to write", stand_still)
        return found

    def clear(self) -> None:
        """End the operators and remove what they and the test made."""
        for operator in self.operators:
            operator.kill()
        for kind in ALL_KINDS:
            path = f"/apis/{API_VERSION}/{kind.plural}"
            places = set()
            for each in json.loads(self.server.request(path))["items"]:
                metadata = each["metadata"]
                places.add(f"namespaces/{metadata['namespace']}/" if "namespace" in metadata else "")
                if metadata.get("finalizers"):
                    # There is no operator any more to let go of it.
                    self.server.request(
                        f"{path}/{metadata['name']}",
                        method="PATCH",
                        body={"metadata": {"finalizers": None}},
                        content_type="application/merge-patch+json",
                    )
            for place in places:
                self.server.request(f"/apis/{API_VERSION}/{place}{kind.plural}", method="DELETE")
        for namespace, path in (
            (self.edges, "/api/v1/namespaces/{}/secrets"),
            (self.system, "/api/v1/namespaces/{}/secrets"),
            (self.edges, "/apis/coordination.k8s.io/v1/namespaces/{}/leases"),
            (self.system, "/apis/coordination.k8s.io/v1/namespaces/{}/leases"),
        ):
            self.server.request(path.format(namespace), method="DELETE")


def restart(server: ApiServer, name: str, pause: float = 0) -> None:
    """SIGKILL one of the server's processes, and start it again with the same flags after `pause` seconds."""
    group = server.processes
    served = [
        path for path in (f"/apis/{API_VERSION}/{kind.plural}" for kind in ALL_KINDS) if serves(server, path)
    ]
    command = Path(f"/proc/{group.pid(name)}/cmdline").read_bytes().rstrip(b"\0").split(b"\0")
    group.kill(name)
    time.sleep(pause)
    group.start(name, *map(os.fsdecode, command))
    wait_until("/readyz", lambda: server.request("/readyz"), SECONDS, group.check)
    for path in served:
        # Ready means less than that: custom resources are served a moment later.
        wait_until(path, lambda path=path: server.request(path), SECONDS)  # type: ignore[misc]


def serves(server: ApiServer, path: str) -> bool:
    """False if the API server refuses the path, as it does for kinds that it has no CRD of."""
    try:
        return bool(server.request(path))
    except RefusedError:
        return False


@dataclass
class Operator:
    """One operator process."""

    process: subprocess.Popen[bytes]
    log: Path

    def kill(self) -> None:
        """SIGKILL, as a node that loses power."""
        self.process.kill()
        self.process.wait()

    def stop(self) -> int:
        """SIGTERM, as a pod that is deleted; the exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=SECONDS)

    def freeze(self) -> None:
        freeze(self.process.pid)

    def thaw(self) -> None:
        thaw(self.process.pid)

    def processor_seconds(self) -> float:
        """What it used of a processor so far."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def memory(self) -> int:
        """Bytes of memory that it holds."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(status.partition("VmRSS:")[2].split()[0]) * 1024

    def lines(self) -> list[dict[str, Any]]:
        """What it logged so far."""
        return [json.loads(line) for line in whole_lines(self.log) if line.startswith("{")]

    def said(self, text: str) -> bool:
        return any(text in line["message"] for line in self.lines())


def make_pod(server: ApiServer, namespace: str, edge: str, pod: int, address: str, ready: str) -> None:
    """A Pod of an edge that runs, as far as the API server knows."""
    path = f"/api/v1/namespaces/{namespace}/pods"
    name = f"edge-{edge}-{pod}"
    metadata = {"name": name, "labels": {"trunkline.dev/edge": edge}}
    spec = {
        "serviceAccountName": f"edge-{edge}",
        "automountServiceAccountToken": False,
        "nodeName": "node",
        "containers": [{"name": "agent", "image": "none"}],
    }
    manifest = {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}
    server.request(path, method="POST", body=manifest)
    conditions = [{"type": "Ready", "status": ready}]
    status = {"phase": "Running", "podIP": address, "podIPs": [{"ip": address}], "conditions": conditions}
    server.request(
        f"{path}/{name}/status",
        method="PATCH",
        body={"status": status},
        content_type="application/strategic-merge-patch+json",
    )


@contextmanager
def platform_on(server: ApiServer, folder: Path) -> Iterator[Platform]:
    """A platform with new namespaces; everything of it is gone afterwards, but the namespaces."""
    mark = secrets.token_hex(3)
    platform = Platform(server, folder, f"system-{mark}", f"edges-{mark}", f"acme-{mark}")
    for name in (platform.system, platform.edges, platform.tenant):
        server.request("/api/v1/namespaces", method="POST", body={"metadata": {"name": name}})
    try:
        yield platform
    finally:
        platform.clear()
