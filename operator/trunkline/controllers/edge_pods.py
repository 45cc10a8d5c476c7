"""What is known of the edge pods: their Leases, which they write, and the Pods as the kubelet sees them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from trunkline.api import Edge
from trunkline.kube.client import KubeClient
from trunkline.kube.faults import KubeError
from trunkline.kube.mirror import Mirror
from trunkline.kube.paths import LEASES, PODS, Kind
from trunkline.kube.watch import Sink, Watch
from trunkline.plan.agent_ports import port_of_pod
from trunkline.plan.misplaced import PlacedPod
from trunkline.plan.workload_names import EDGE_LABEL, place_of_pod
from trunkline.status.conditions import Opinion
from trunkline.status.pod_claim import PodClaim, claim_of, schema_for
from trunkline.status.pod_faults import deployed, pod_fault
from trunkline.status.pod_reports import (
    EdgePod,
    NodeAddresses,
    PodFact,
    PodsReport,
    own_address,
    pods_report,
)
from trunkline.status.unready import Unready

_SELECTOR: Final = {"labelSelector": EDGE_LABEL}
_READING_SECONDS: Final = 10.0
_SILENT_READINGS: Final = 4
"""Agents renew every ten seconds."""

_Place = tuple[str, int]
"""An Edge's name, and the number of one of its pods."""


class _Heartbeats:
    """Which Leases are still renewed, judged by reading them again: a silent watch proves nothing."""

    def __init__(self) -> None:
        self._versions: dict[str, str] = {}
        self._unchanged: dict[str, int] = {}

    def read(self, objects: Sequence[Mapping[str, Any]]) -> None:
        """Take in one reading of all Leases."""
        versions = {each["metadata"]["name"]: each["metadata"]["resourceVersion"] for each in objects}
        self._unchanged = {
            name: self._unchanged.get(name, 0) + 1 if self._versions.get(name) == version else 0
            for name, version in versions.items()
        }
        self._versions = versions

    def silent(self) -> frozenset[str]:
        """The pods whose agents were not heard of for `_SILENT_READINGS` readings."""
        return frozenset(name for name, count in self._unchanged.items() if count >= _SILENT_READINGS)


class EdgePods:
    """Follows the Leases and Pods of the edge namespace."""

    def __init__(self, client: KubeClient, namespace: str, changed: Callable[[], None]) -> None:
        self._client, self._namespace, self._changed = client, namespace, changed
        self._leases = Mirror(_place_of, _claim, changed)
        self._pods = Mirror(_place_of, _fact, changed)
        self._owners: dict[str, Mapping[str, str]] = {}
        self._heartbeats = _Heartbeats()
        self._unready = Unready[_Place]()
        self._watches = [
            self._watch(client, LEASES, namespace, self._leases),
            self._watch(client, PODS, namespace, self._pods),
        ]

    @staticmethod
    def _watch(client: KubeClient, kind: Kind, namespace: str, sink: Sink) -> Watch:
        return Watch(client, kind, namespace, sink, _SELECTOR)

    async def run(self) -> None:
        """Until cancelled."""
        async with asyncio.TaskGroup() as group:
            for watch in self._watches:
                group.create_task(watch.run())
            group.create_task(self._listen())

    async def _listen(self) -> None:
        while True:
            try:
                listing = await self._client.list(LEASES, self._namespace, _SELECTOR)
            except KubeError:
                # What cannot be read is not judged: an API server that is away silences everybody.
                await asyncio.sleep(_READING_SECONDS)
                continue
            before = self._heartbeats.silent()
            self._heartbeats.read(listing.items)
            if self._heartbeats.silent() != before:
                self._changed()
            await asyncio.sleep(_READING_SECONDS)

    async def settle(self) -> None:
        """Return once the first answers came."""
        for watch in self._watches:
            await watch.settled.wait()

    def report(self, edge: Edge, nodes: Mapping[str, NodeAddresses], published: int) -> PodsReport:
        """What is known of the pods of `edge`; `published` is its head's sequence, 0 if there is none."""
        found = pods_report(edge, self._of(edge), nodes, published, self._owners.get(edge.metadata.name, {}))
        self._owners[edge.metadata.name] = found.owners
        return found

    def facts(self) -> object:
        """Equal to earlier ones while no pod has another address. No word of a pod changes them."""
        return tuple(
            (place, fact.address, fact.node, fact.is_in_host_network)
            for place, fact in sorted(self._pods.known.items(), key=lambda item: item[0])
        )

    def agent_ports(self) -> Mapping[str, int]:
        """Edge -> the port of nodes that its agents have, also of an Edge that is gone and whose pods end."""
        pods = self._pods.known.items()
        return {edge: fact.agent_port for (edge, _), fact in pods if fact.agent_port is not None}

    def addresses(self, edge: Edge, nodes: Mapping[str, NodeAddresses]) -> tuple[str, ...]:
        """The addresses of the pods of `edge`, ready or not; none of a Static one, which lists them."""
        facts = [fact for (name, _), fact in self._pods.known.items() if name == edge.metadata.name]
        return tuple(sorted({own for fact in facts if (own := own_address(edge, fact, nodes))}))

    def opinions(self, edge: str) -> tuple[Opinion, ...]:
        """What keeps the edge's pods from starting, or from having an address."""
        pods = [(place, fact) for place, fact in self._pods.known.items() if place[0] == edge]
        opinion = deployed(fact.fault or self._has_no_address(place, fact) for place, fact in pods)
        return (opinion,) if opinion else ()

    def _has_no_address(self, place: _Place, fact: PodFact) -> str:
        claim = self._leases.known.get(place)
        if fact.ending or claim is None or claim.address or not claim.error:
            return ""
        return f"pod {_name(place)}: {claim.error}"

    def placed(self, edge: str) -> tuple[PlacedPod, ...]:
        """The edge's pods and the addresses that they say they have."""
        return tuple(
            self._placed(place, fact)
            for place, fact in sorted(self._pods.known.items(), key=lambda item: item[0])
            if place[0] == edge
        )

    def _placed(self, place: _Place, fact: PodFact) -> PlacedPod:
        claim, name = self._leases.known.get(place), _name(place)
        if claim is None:
            return PlacedPod(name, "", is_steady=False)
        is_steady = fact.is_called and claim.ready and name not in self._heartbeats.silent()
        return PlacedPod(name, claim.address, is_steady)

    def claimed(self, edge: str) -> tuple[int, ...]:
        """The sequences that the edge's pods say they have."""
        return tuple(
            claim.revision
            for (name, _), claim in self._leases.known.items()
            if name == edge and claim.revision is not None
        )

    def schema(self, edge: str) -> int:
        """The schema in which the edge's table is written: all its living pods read it."""
        return schema_for(
            claim.schemas
            for place, claim in self._leases.known.items()
            if place[0] == edge and place in self._pods.known
        )

    def _unready_pods(self) -> frozenset[_Place]:
        facts = {place: fact.ready for place, fact in self._pods.known.items() if not fact.ending}
        self._unready.look(facts, time.monotonic())
        return self._unready.believed()

    def _of(self, edge: Edge) -> list[EdgePod]:
        silent, unready = self._heartbeats.silent(), self._unready_pods()
        return [
            EdgePod(
                _name(place), claim, self._pods.known.get(place), _name(place) in silent, place in unready
            )
            for place, claim in sorted(self._leases.known.items(), key=lambda item: item[0])
            if place[0] == edge.metadata.name
        ]


def _name(place: _Place) -> str:
    return f"edge-{place[0]}-{place[1]}"


def _place_of(found: Mapping[str, Any]) -> _Place | None:
    return place_of_pod(found["metadata"]["name"])


def _claim(lease: Mapping[str, Any]) -> PodClaim:
    renewed = (lease.get("spec") or {}).get("renewTime") or ""
    return claim_of(lease["metadata"].get("annotations") or {}, renewed if isinstance(renewed, str) else "")


def _fact(pod: Mapping[str, Any]) -> PodFact | None:
    """What a Pod says; None of one that is not its Edge's, whatever its name."""
    metadata, spec, status = pod["metadata"], pod.get("spec") or {}, pod.get("status") or {}
    place = place_of_pod(metadata["name"])
    if place is None or (metadata.get("labels") or {}).get(EDGE_LABEL) != place[0]:
        return None
    words = [each["status"] for each in status.get("conditions") or () if each["type"] == "Ready"]
    return PodFact(
        # Once a pod has ended for good, its address may be another's.
        address="" if status.get("phase") in ("Succeeded", "Failed") else status.get("podIP", ""),
        node=spec.get("nodeName", ""),
        is_in_host_network=bool(spec.get("hostNetwork")),
        ready={"True": True, "False": False}.get(words[0]) if words else None,
        ending=metadata.get("deletionTimestamp") is not None,
        fault=pod_fault(pod),
        agent_port=port_of_pod(pod),
    )
