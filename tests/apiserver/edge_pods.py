"""The containers of edge pods, as processes beside a real API server: the shipped entry points.

An edge namespace has what the operator makes there, by the operator's own code: rights, Leases, tables.
"""

from __future__ import annotations

import asyncio
import base64
import json
import secrets
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from kubernetes.aio import config
from kubernetes.aio.client import ApiClient, Configuration

from cluster.apiserver import ApiServer
from sipedge.agent.pod import HTTP_PORT
from sipedge.contract import MEDIA_PORTS, MEDIA_SPOOL
from sipedge.instance import agent_command
from sipedge.table import EdgeTable
from sipedge.table.publication import TABLE_LABEL
from support.edge import end_group, write_certificate
from support.kamailio_rpc import ask_kamailio
from support.objects import make_edge
from support.patience import PATIENCE
from support.revisions import WholeTables
from support.web_pages import web_page
from trunkline.controllers.publish import Publisher
from trunkline.controllers.published import PublishedSecrets
from trunkline.kube.client import KubeClient
from trunkline.kube.paths import SECRETS
from trunkline.plan.edge_rights import leases, rights
from trunkline.plan.workload import WorkloadSettings

ROOT: Final = Path(__file__).resolve().parents[2]
EDGE: Final = "ashburn"
SECONDS: Final = PATIENCE
"""Longest wait for something that takes one second on a quiet machine."""


@dataclass
class EdgeNamespace:
    """A namespace of its own for edge pods."""

    server: ApiServer
    name: str
    folder: Path
    edge_secret: str = field(default_factory=lambda: secrets.token_hex(32))

    def make(self) -> None:
        """Everything that the operator makes for Edge ashburn but its pods and tables."""
        self.server.request("/api/v1/namespaces", method="POST", body={"metadata": {"name": self.name}})
        edge = make_edge(name=EDGE, advertise={"type": "PodIP"}, replicas=3)
        settings = WorkloadSettings(namespace=self.name, image="unused")
        self.server.kubectl.apply(*rights(edge, settings), *leases(edge, settings))
        self.write_secret("edge-secret", secret=self.edge_secret.encode())
        self.write_certificate("first")

    def write_secret(self, name: str, **data: bytes) -> None:
        """Create a Secret, or replace what it holds. Keys are written with `_` for a dot."""
        encoded = {key.replace("_", "."): base64.b64encode(value).decode() for key, value in data.items()}
        self.server.request(
            f"/api/v1/namespaces/{self.name}/secrets/{name}?fieldManager=tests&force=true",
            method="PATCH",
            body={"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}, "data": encoded},
            content_type="application/apply-patch+yaml",
        )

    def write_certificate(self, name: str) -> bytes:
        """A new certificate for the edge to serve, in PEM."""
        folder = self.folder / f"certificate-{name}"
        folder.mkdir(exist_ok=True)
        write_certificate(folder, name)
        certificate = (folder / "server.crt").read_bytes()
        self.write_secret(
            f"edge-{EDGE}-tls", tls_crt=certificate, tls_key=(folder / "server.key").read_bytes()
        )
        return certificate

    def delete_secret(self, name: str) -> None:
        self.server.request(f"/api/v1/namespaces/{self.name}/secrets/{name}", method="DELETE")

    def content(self, name: str) -> bytes:
        """What a Secret of the table holds."""
        found = json.loads(self.server.request(f"/api/v1/namespaces/{self.name}/secrets/{name}"))
        return base64.b64decode(found["data"]["data"])

    def overwrite(self, name: str, content: bytes) -> None:
        """Let a Secret of the table hold something else."""
        self.server.request(
            f"/api/v1/namespaces/{self.name}/secrets/{name}",
            method="PATCH",
            body={"data": {"data": base64.b64encode(content).decode()}},
            content_type="application/merge-patch+json",
        )

    def part_with_numbers(self) -> str:
        """The name of the first part that holds numbers."""
        listing = json.loads(self.server.request(f"/api/v1/namespaces/{self.name}/secrets"))
        names: list[str] = sorted(each["metadata"]["name"] for each in listing["items"])
        return next(name for name in names if name.startswith("table-number-"))

    def publish(self, table: EdgeTable, acknowledged: int = 0) -> int:
        """Publish by the operator's code, which heard of this sequence from pods; the new sequence."""
        return asyncio.run(self._publish(table, acknowledged))

    async def _publish(self, table: EdgeTable, acknowledged: int) -> int:
        access = Configuration()
        await config.load_kube_config(  # type: ignore[no-untyped-call]
            config_file=str(self.server.kubeconfig), client_configuration=access
        )
        client = KubeClient(ApiClient(access))
        try:
            published = PublishedSecrets(lambda: None)
            listing = await client.list(SECRETS, self.name, {"labelSelector": TABLE_LABEL})
            published.replace(listing.items)
            publisher = Publisher(client, self.name, published, lambda edge: (acknowledged,))
            outcome = await WholeTables(publisher).publish({EDGE: table})
            assert not outcome.faults, outcome
            return publisher.sequences([EDGE])[EDGE]
        finally:
            await client.close()

    def token(self) -> str:
        """A token of the edge's ServiceAccount, as the kubelet gets it for a pod."""
        path = f"/api/v1/namespaces/{self.name}/serviceaccounts/edge-{EDGE}/token"
        body = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {}}
        answer = json.loads(self.server.request(path, method="POST", body=body))
        return str(answer["status"]["token"])

    @contextmanager
    def pod(
        self,
        address: str,
        environment: Mapping[str, str] | None = None,
        number: int = 0,
        *,
        relays: bool = False,
    ) -> Iterator[EdgePod]:
        """An edge pod with its volume, and changes of its environment; nothing of it runs yet."""
        volume = self.folder / f"pod-{number}"
        account = self.folder / f"account-{number}"
        account.mkdir(exist_ok=True)
        (account / "ca.crt").write_bytes(self.server.certificate.read_bytes())
        (account / "token").write_text(self.token())
        with ExitStack() as stack:
            pod = EdgePod(self, f"edge-{EDGE}-{number}", address, volume, account, environment or {}, relays)
            stack.callback(pod.end)
            yield pod


@dataclass
class EdgePod:
    """One pod: `start_agent`, `start_kamailio` and, where it relays, `start_media` are its containers."""

    namespace: EdgeNamespace
    name: str
    address: str
    volume: Path
    account: Path
    changes: Mapping[str, str] = field(default_factory=dict)
    relays: bool = False
    """True: a media relay and its memory run beside Kamailio."""
    has_own_numbers: bool = False
    """True: each container numbers its processes from 1, as on a node."""
    agent: subprocess.Popen[bytes] | None = None
    kamailio: subprocess.Popen[bytes] | None = None
    media: list[subprocess.Popen[bytes]] = field(default_factory=list)

    @property
    def http_port(self) -> int:
        """The relay's own loopback address follows from it, so no two pods with a relay have the same."""
        if not self.relays:
            return HTTP_PORT
        third, last = map(int, self.address.split(".")[2:])
        return 0x4000 + (third << 6) + last

    def environment(self) -> dict[str, str]:
        """What the pod template gives both containers together."""
        host, port = self.namespace.server.url.removeprefix("https://").split(":")
        media = {MEDIA_PORTS: "30000-30999", MEDIA_SPOOL: str(self.volume / "spool")} if self.relays else {}
        return {
            "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
            "PYTHONPATH": str(ROOT / "edge"),
            "PYTHONDONTWRITEBYTECODE": "1",
            "TRUNKLINE_INSTANCE": str(self.volume / "instance.json"),
            "TRUNKLINE_DRAIN_SECONDS": "20",
            "TRUNKLINE_EDGE": EDGE,
            "TRUNKLINE_ADVERTISE": "PodIP",
            "TRUNKLINE_PORTS": "5060,5060,5061",
            "TRUNKLINE_HTTP_PORT": str(self.http_port),
            "TRUNKLINE_DIRECTORY": str(self.volume),
            "TRUNKLINE_ACCOUNT": str(self.account),
            "KUBERNETES_SERVICE_HOST": host,
            "KUBERNETES_SERVICE_PORT": port,
            "POD_NAME": self.name,
            "POD_NAMESPACE": self.namespace.name,
            "POD_IP": self.address,
            "NODE_IP": self.address,
            **media,
            **self.changes,
        }

    def start(self) -> None:
        """All containers, as the kubelet starts them: at the same time."""
        if self.relays:
            self.start_media()
        self.start_kamailio()
        self.start_agent()

    def start_agent(self) -> None:
        self.agent = self._start("agent", *agent_command())

    def start_kamailio(self) -> None:
        self.kamailio = self._start("kamailio", str(ROOT / "edge" / "kamailio" / "entrypoint"))

    def start_media(self) -> None:
        """The relay and its memory."""
        command = ("/usr/bin/python3", "-S", "-m", "sipedge.container")
        self.media = [self._start(name, *command, name) for name in ("valkey", "rtpengine")]

    def _start(self, name: str, *command: str) -> subprocess.Popen[bytes]:
        self.volume.mkdir(exist_ok=True)
        with open(self.volume / f"{name}.log", "ab") as log:
            bound = ["setpriv", "--pdeathsig", "KILL", "--"]
            if self.has_own_numbers:
                bound += ["unshare", "--user", "--map-root-user", "--pid", "--fork", "--kill-child"]
            return subprocess.Popen(
                [*bound, *command], stdout=log, stderr=log, env=self.environment(), start_new_session=True
            )

    def end_agent(self, number: signal.Signals = signal.SIGKILL) -> int:
        """The agent's exit code after the signal."""
        assert self.agent is not None
        process, self.agent = self.agent, None
        process.send_signal(number)
        return process.wait(SECONDS)

    def end_kamailio(self) -> None:
        """As the kernel does when the first process of a container is gone."""
        assert self.kamailio is not None
        process, self.kamailio = self.kamailio, None
        end_group(process)

    def end_media(self) -> None:
        processes, self.media = self.media, []
        for process in processes:
            end_group(process)

    def end(self) -> None:
        if self.agent is not None:
            self.end_agent()
        if self.kamailio is not None:
            self.end_kamailio()
        self.end_media()

    def hook(self, program: str) -> subprocess.Popen[bytes]:
        """Run one of the programs that the kubelet calls in Kamailio's container."""
        return self._start(program, "/usr/bin/python3", str(ROOT / "edge" / "kamailio" / program))

    def rpc(self, method: str, *params: str) -> Any:
        return ask_kamailio(self.volume / "jsonrpc.sock", method, *params)

    def log(self, name: str = "agent") -> str:
        return (self.volume / f"{name}.log").read_text(errors="replace")

    def page(self, path: str) -> tuple[int, str]:
        """Status and text that the agent answers over HTTP; 0 while it answers nothing."""
        return web_page(f"http://{self.address}:{self.http_port}{path}")

    def lease(self) -> dict[str, Any]:
        """The pod's Lease."""
        path = f"/apis/coordination.k8s.io/v1/namespaces/{self.namespace.name}/leases/{self.name}"
        return dict(json.loads(self.namespace.server.request(path)))

    def said(self) -> dict[str, str]:
        """What the Lease says of the pod, by the names of the annotations."""
        notes = self.lease()["metadata"].get("annotations", {})
        return {name.removeprefix("trunkline.dev/"): text for name, text in notes.items()}

    def until(self, what: str, happens: Callable[[], object], seconds: float = SECONDS) -> None:
        """Wait until `happens()`; what the pod logged is told if it does not."""
        deadline = time.monotonic() + seconds
        while not happens():
            if time.monotonic() > deadline:
                logs = "\n".join(f"--- {name}\n{self.log(name)[-4000:]}" for name in self._logs())
                raise AssertionError(f"{what}: not within {seconds} s\n{self.page('/readyz')}\n{logs}")
            time.sleep(0.05)

    def _logs(self) -> list[str]:
        return [path.stem for path in self.volume.glob("*.log")]

    def until_said(self, seconds: float = SECONDS, **wanted: str) -> None:
        """Wait until the Lease says these, e.g. `revision="2"`."""
        self.until(f"the Lease says {wanted}", lambda: wanted.items() <= self.said().items(), seconds)

    def until_wrong(self, text: str, seconds: float = SECONDS) -> None:
        """Wait until the pod says that this is wrong."""
        self.until(f"{text!r} is said", lambda: text in self.page("/readyz")[1], seconds)

    def until_ready(self, seconds: float = SECONDS) -> None:
        self.until("ready", lambda: self.page("/readyz")[0] == 200, seconds)

    def until_unready(self, seconds: float = SECONDS) -> None:
        self.until("not ready", lambda: self.page("/readyz")[0] == 503, seconds)


@contextmanager
def edge_namespace(server: ApiServer, folder: Path) -> Iterator[EdgeNamespace]:
    """A new edge namespace. It is deleted only as far as an API server without controllers does."""
    namespace = EdgeNamespace(server, f"edges-{secrets.token_hex(3)}", folder)
    namespace.make()
    try:
        yield namespace
    finally:
        server.request(f"/api/v1/namespaces/{namespace.name}/secrets", method="DELETE")
