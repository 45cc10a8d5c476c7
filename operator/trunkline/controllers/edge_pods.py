"""What the edge pods say of themselves: their Leases, and the Pods as the kubelet sees them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from trunkline.kube.client import KubeClient
from trunkline.kube.faults import KubeError
from trunkline.kube.paths import LEASES, PODS, Kind
from trunkline.kube.watch import Watch
from trunkline.plan.misplaced import PlacedPod
from trunkline.plan.workload_names import EDGE_LABEL
from trunkline.status.conditions import Opinion
from trunkline.status.pod_faults import deployed, pod_fault
from trunkline.status.programmed import AddressReport, EdgeReport

REVISION: Final = "trunkline.dev/revision"
ADDRESS: Final = "trunkline.dev/address"
READY: Final = "trunkline.dev/ready"
ERROR: Final = "trunkline.dev/error"

_SELECTOR: Final = {"labelSelector": EDGE_LABEL}
_READING_SECONDS: Final = 10.0
_SILENT_READINGS: Final = 4
"""Agents renew every ten seconds."""


@dataclass(frozen=True, slots=True)
class PodLease:
    """What one agent acknowledged."""

    edge: str
    pod: str
    address: str
    revision: int | None
    ready: bool
    error: str


@dataclass(frozen=True, slots=True)
class PodState:
    """One edge pod as the API server has it."""

    edge: str
    pod: str
    ready: bool
    ending: bool
    fault: str = ""
    """Why it does not start."""


class _Mirror:
    """The parsed objects of one watch; unchanged ones wake nobody."""

    def __init__(self, parse: Callable[[Mapping[str, Any]], Any], changed: Callable[[], None]) -> None:
        self._parse, self._changed = parse, changed
        self.known: dict[str, Any] = {}

    def replace(self, objects: Sequence[Mapping[str, Any]]) -> None:
        known = {each["metadata"]["name"]: self._parse(each) for each in objects}
        if known != self.known:
            self.known = known
            self._changed()

    def change(self, found: Mapping[str, Any]) -> None:
        name, parsed = found["metadata"]["name"], self._parse(found)
        if self.known.get(name) != parsed:
            self.known[name] = parsed
            self._changed()

    def remove(self, found: Mapping[str, Any]) -> None:
        if self.known.pop(found["metadata"]["name"], None) is not None:
            self._changed()


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
        self._leases, self._pods = _Mirror(_lease, changed), _Mirror(_pod, changed)
        self._heartbeats = _Heartbeats()
        self._watches = [
            self._watch(client, LEASES, namespace, self._leases),
            self._watch(client, PODS, namespace, self._pods),
        ]

    @staticmethod
    def _watch(client: KubeClient, kind: Kind, namespace: str, sink: _Mirror) -> Watch:
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

    def reports(self, edges: Mapping[str, Sequence[str]]) -> tuple[EdgeReport, ...]:
        """What is known of each of `edges`: name to the addresses that it lists; none = those of its pods."""
        leases: dict[str, list[PodLease]] = {}
        for lease in self._leases.known.values():
            leases.setdefault(lease.edge, []).append(lease)
        return tuple(
            EdgeReport(
                edge,
                tuple(self._address(lease, listed) for lease in sorted(leases.get(edge, []), key=_place)),
            )
            for edge, listed in sorted(edges.items())
        )

    def addresses(self) -> Mapping[str, tuple[str, ...]]:
        """The addresses that each edge's pods were ever given, ready or not."""
        found: dict[str, set[str]] = {}
        for lease in self._leases.known.values():
            if lease.address:
                found.setdefault(lease.edge, set()).add(lease.address)
        return {edge: tuple(sorted(addresses)) for edge, addresses in sorted(found.items())}

    def opinions(self, edge: str) -> tuple[Opinion, ...]:
        """What keeps the edge's pods from starting, or from having an address."""
        pods = [pod for pod in self._pods.known.values() if pod.edge == edge]
        opinion = deployed(pod.fault or self._has_no_address(pod) for pod in pods)
        return (opinion,) if opinion else ()

    def _has_no_address(self, pod: PodState) -> str:
        lease: PodLease | None = self._leases.known.get(pod.pod)
        if pod.ending or lease is None or lease.address or not lease.error:
            return ""
        return f"pod {pod.pod}: {lease.error}"

    def placed(self, edge: str) -> tuple[PlacedPod, ...]:
        """The edge's pods and the addresses that they have."""
        return tuple(self._placed(pod) for _, pod in sorted(self._pods.known.items()) if pod.edge == edge)

    def _placed(self, pod: PodState) -> PlacedPod:
        lease: PodLease | None = self._leases.known.get(pod.pod)
        if lease is None:
            return PlacedPod(pod.pod, "", is_steady=False)
        is_steady = pod.ready and lease.ready and not pod.ending and pod.pod not in self._heartbeats.silent()
        return PlacedPod(pod.pod, lease.address, is_steady)

    def acknowledged(self, edge: str) -> int:
        """The highest sequence that a pod of the edge has; 0 if none."""
        revisions = (lease.revision or 0 for lease in self._leases.known.values() if lease.edge == edge)
        return max(revisions, default=0)

    def _address(self, lease: PodLease, listed: Sequence[str]) -> AddressReport:
        # Until its pod is gone, an address that is listed no more may get calls from those who know it.
        offered = not (listed and lease.address) or lease.address in listed
        return replace(self._report(lease), offered=offered)

    def _report(self, lease: PodLease) -> AddressReport:
        pod: PodState | None = self._pods.known.get(lease.pod)
        # A pod that the kubelet calls ready gets calls, whatever its agent says; one that ends gets none.
        called = pod is not None and pod.ready and not pod.ending
        ready = called or (lease.ready and not (pod is not None and pod.ending))
        address = lease.address or lease.pod
        if lease.pod in self._heartbeats.silent():
            # DNS can do without it; but calls that reach it go by its last table.
            why = "its agent is not heard of"
            return AddressReport(address, False, lease.revision, why, lease.pod, may_be_called=called)
        return AddressReport(address, ready, lease.revision, lease.error, lease.pod)


def _place(lease: PodLease) -> tuple[int, str]:
    ordinal = lease.pod.rpartition("-")[2]
    return int(ordinal) if ordinal.isdigit() else 0, lease.pod


def _lease(manifest: Mapping[str, Any]) -> PodLease:
    metadata = manifest["metadata"]
    notes = metadata.get("annotations") or {}
    revision = notes.get(REVISION, "")
    return PodLease(
        edge=(metadata.get("labels") or {}).get(EDGE_LABEL, ""),
        pod=metadata["name"],
        address=notes.get(ADDRESS, ""),
        revision=int(revision) if revision.isdigit() else None,
        ready=notes.get(READY) == "true",
        error=notes.get(ERROR, ""),
    )


def _pod(manifest: Mapping[str, Any]) -> PodState:
    metadata, status = manifest["metadata"], manifest.get("status") or {}
    ready = any(
        each["type"] == "Ready" and each["status"] == "True" for each in status.get("conditions") or ()
    )
    return PodState(
        edge=(metadata.get("labels") or {}).get(EDGE_LABEL, ""),
        pod=metadata["name"],
        ready=ready,
        ending=metadata.get("deletionTimestamp") is not None,
        fault=pod_fault(manifest),
    )
