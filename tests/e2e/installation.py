"""Trunkline in a cluster as its user has it: installed by helm, told by kubectl, seen in status."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

from cluster.kubectl import Kubectl
from cluster.processes import wait_until
from e2e.api import SECONDS, Api, Manifest
from e2e.own_node import TSIG
from e2e.sites import Site
from release.archives import repacked
from support.dns_servers import SECRET
from trunkline.api import API_VERSION, Carrier, Trunk

ROOT: Final = Path(__file__).resolve().parents[2]
CHART: Final = ROOT / "charts" / "trunkline"
QUICKSTART: Final = ROOT / "examples" / "quickstart"
SYSTEM: Final = "trunkline-system"
EDGES: Final = "trunkline-edges"
TENANT: Final = "acme"
QUICKSTART_EDGES: Final = ("ashburn", "dublin")
PODS_OF_EACH: Final = 2
EDGE_LABEL: Final = "trunkline.dev/edge"


@dataclass(frozen=True)
class EdgePod:
    """One pod of an edge, as the API server has it."""

    name: str
    edge: str
    address: str
    node: str
    uid: str
    image: str
    ready: bool
    ending: bool
    restarts: Mapping[str, int]
    """By container."""


@dataclass
class Installation:
    """The release `trunkline`."""

    helm: Path
    site: Site
    api: Api
    folder: Path
    """For helm's own files."""
    values: dict[str, Any]

    @property
    def kubectl(self) -> Kubectl:
        """kubectl as administrator."""
        return self.site.kubectl

    def prepare(self) -> None:
        """What is there before the chart: the tenant's namespace, and the key of the name server."""
        for namespace in (TENANT, SYSTEM):
            self.kubectl.try_("create", "namespace", namespace)
        secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": TSIG, "namespace": SYSTEM}}
        self.kubectl.apply({**secret, "stringData": {"secret": SECRET}})

    def chart(self) -> Path:
        """The chart as an archive, made as a release's is; what is in the clone counts, committed or not."""
        made = self.folder / "chart"
        if not made.exists():
            made.mkdir(parents=True)
            self.call_helm("package", str(CHART), "--destination", str(made))
            for path in made.iterdir():
                path.write_bytes(repacked(path.read_bytes(), 0))
        return next(made.iterdir())

    def install(self) -> None:
        self.call_helm(
            "install", "trunkline", str(self.chart()), "--values", "-", "--wait", "--timeout", "5m"
        )

    def upgrade(self, **changes: Any) -> None:
        """`helm upgrade` with these top-level values changed."""
        self.values = {**self.values, **changes}
        self.call_helm(
            "upgrade", "trunkline", str(self.chart()), "--values", "-", "--wait", "--timeout", "5m"
        )

    def uninstall(self) -> None:
        self.call_helm("uninstall", "trunkline", "--wait", "--timeout", "5m")

    def call_helm(self, *arguments: str) -> str:
        """What helm says. Raises AssertionError with its complaint."""
        own = {f"HELM_{name}_HOME": str(self.folder / name.lower()) for name in ("CACHE", "CONFIG", "DATA")}
        done = subprocess.run(
            [str(self.helm), *arguments, "--namespace", SYSTEM],
            input=yaml.safe_dump(self.values),
            capture_output=True,
            text=True,
            check=False,
            timeout=400,
            env={**os.environ, **own, "KUBECONFIG": str(self.kubectl.kubeconfig)},
        )
        assert not done.returncode, f"helm {' '.join(arguments)}: {done.stderr}"
        return done.stdout

    def apply_quickstart(self) -> None:
        """The manifests as they are, and the addresses of the carriers, which are for users to say."""
        self.kubectl("apply", "-f", str(QUICKSTART / "platform-cluster"))
        self.apply_tenant()
        for name, address in self.site.carriers.items():
            gateways = [{"host": address, "port": 5060, "transport": "UDP"}]
            self.api.patch(Carrier, name, {"sourceRanges": [f"{address}/32"], "gateways": gateways})

    def apply_tenant(self) -> None:
        """The tenant's manifests as they are, whatever became of them since."""
        self.kubectl("apply", "-f", str(QUICKSTART / "tenant"))
        self.site.adapt(self.api)

    @contextmanager
    def edge(self, name: str, **spec: Any) -> Iterator[None]:
        """One more Edge; it is gone afterwards, and so are its pods."""
        metadata = {"name": name}
        try:
            self.kubectl.apply(
                {"apiVersion": API_VERSION, "kind": "Edge", "metadata": metadata, "spec": spec}
            )
            yield
        finally:
            self.delete_edge(name)

    def delete_edge(self, name: str) -> None:
        """Return when the Edge is gone, if there is one, and when its pods are."""
        self.kubectl("delete", "edge", name, "--ignore-not-found", f"--timeout={SECONDS:.0f}s", seconds=150)
        wait_until(f"the pods of {name} go", lambda: not self.pods(name), SECONDS)

    @contextmanager
    def changed(self, trunk: str, **spec: Any) -> Iterator[None]:
        """The trunk with these fields, as every pod serves it; as it was afterwards."""
        before = {name: self.api.get(Trunk, trunk)["spec"].get(name) for name in spec}
        try:
            self._serve(trunk, spec)
            yield
        finally:
            self._serve(trunk, before)

    def _serve(self, trunk: str, spec: Mapping[str, Any]) -> None:
        self.api.wait(Trunk, trunk, generation=self.api.patch(Trunk, trunk, spec))

    def wait_ready(self, seconds: float = SECONDS) -> None:
        """`kubectl wait` for everything that users wrote."""
        self.kubectl(
            *("wait", "--for=condition=Ready", "trunkline", "--all", "--all-namespaces"),
            f"--timeout={seconds:.0f}s",
            seconds=seconds + 30,
        )

    # --------------------------------------------------------------------------------------- pods

    def pods(self, edge: str | None = None) -> list[EdgePod]:
        """The edge pods that are there, by name."""
        selector = f"{EDGE_LABEL}={edge}" if edge else EDGE_LABEL
        listing = self.kubectl.within(EDGES).get("pods", "-l", selector)["items"]
        return sorted((_pod(each) for each in listing), key=lambda pod: pod.name)

    def serving(self, edge: str | None = None) -> list[EdgePod]:
        """Those that are ready and do not end."""
        return [pod for pod in self.pods(edge) if pod.ready and not pod.ending]

    def all_pods(self) -> list[EdgePod]:
        """Those of the quickstart's Edges, by name, once all of them serve."""
        return [pod for edge in QUICKSTART_EDGES for pod in self.wait_pods(edge, PODS_OF_EACH)]

    def wait_pods(
        self, edge: str, count: int, seconds: float = SECONDS, *, besides: str = ""
    ) -> list[EdgePod]:
        """The edge's pods, once so many serve; one with the uid `besides` does not count."""
        end = time.monotonic() + seconds
        while True:
            found = [pod for pod in self.serving(edge) if pod.uid != besides]
            if len(found) == count:
                return found
            if time.monotonic() > end:
                raise TimeoutError(f"{edge}: not {count} pods serve, but {self.pods(edge)}")
            time.sleep(0.1)


def image_value(named: tuple[str, str]) -> Manifest:
    """An image, given as repository and tag, as the chart takes it."""
    return {"repository": named[0], "tag": named[1], "pullPolicy": "IfNotPresent"}


def _pod(found: Manifest) -> EdgePod:
    metadata, status = found["metadata"], found["status"]
    ready = any(each["type"] == "Ready" and each["status"] == "True" for each in status.get("conditions", ()))
    return EdgePod(
        name=metadata["name"],
        edge=metadata["labels"][EDGE_LABEL],
        address=status.get("podIP", ""),
        node=found["spec"].get("nodeName", ""),
        uid=metadata["uid"],
        image=found["spec"]["containers"][0]["image"],
        ready=ready,
        ending="deletionTimestamp" in metadata,
        restarts={
            each["name"]: each["restartCount"]
            for kind in ("initContainerStatuses", "containerStatuses")
            for each in status.get(kind, ())
        },
    )
