"""What is known of the edge pods: their Leases, which they write, and the Pods as the kubelet sees them."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, Generic, TypeVar

from sipedge.fault import describe_fault
from trunkline.api import Edge
from trunkline.kube.client import KubeClient
from trunkline.kube.faults import KubeError
from trunkline.kube.paths import LEASES, PODS, Kind
from trunkline.kube.watch import Sink, Watch
from trunkline.plan.misplaced import PlacedPod
from trunkline.plan.workload_names import EDGE_LABEL, place_of_pod
from trunkline.status.conditions import Opinion
from trunkline.status.pod_claim import PodClaim, claim_of
from trunkline.status.pod_faults import deployed, pod_fault
from trunkline.status.pod_reports import (
    EdgePod,
    NodeAddresses,
    PodFact,
    PodsReport,
    own_address,
    pods_report,
)

log = logging.getLogger(__name__)

_SELECTOR: Final = {"labelSelector": EDGE_LABEL}
_READING_SECONDS: Final = 10.0
_SILENT_READINGS: Final = 4
"""Agents renew every ten seconds."""

_Place = tuple[str, int]
"""An Edge's name, and the number of one of its pods."""


_Said = TypeVar("_Said")


class _Mirror(Generic[_Said]):
    """What the objects of one watch say, by the pods that they belong to; unchanged ones wake nobody."""

    def __init__(
        self, parse: Callable[[Mapping[str, Any]], _Said | None], changed: Callable[[], None]
    ) -> None:
        """`parse` gives None for an object that says nothing of a pod."""
        self._parse, self._changed = parse, changed
        self.known: dict[_Place, _Said] = {}

    def replace(self, objects: Sequence[Mapping[str, Any]]) -> None:
        known = dict(filter(None, map(self._parsed, objects)))
        if known != self.known:
            self.known = known
            self._changed()

    def change(self, found: Mapping[str, Any]) -> None:
        parsed = self._parsed(found)
        if parsed is None:
            self.remove(found)
        elif self.known.get(parsed[0]) != parsed[1]:
            self.known[parsed[0]] = parsed[1]
            self._changed()

    def remove(self, found: Mapping[str, Any]) -> None:
        place = place_of_pod(found["metadata"]["name"])
        if place is not None and self.known.pop(place, None) is not None:
            self._changed()

    def _parsed(self, found: Mapping[str, Any]) -> tuple[_Place, _Said] | None:
        name = found["metadata"]["name"]
        place = place_of_pod(name)
        if place is None:
            return None
        try:
            parsed = self._parse(found)
        except Exception as error:
            # One object that cannot be read costs its own pod only, never the watch.
            log.error("%s is left out: %s", name, describe_fault(error))
            return None
        return None if parsed is None else (place, parsed)


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
        self._leases, self._pods = _Mirror(_claim, changed), _Mirror(_fact, changed)
        self._owners: dict[str, Mapping[str, str]] = {}
        self._heartbeats = _Heartbeats()
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

    def _of(self, edge: Edge) -> list[EdgePod]:
        silent = self._heartbeats.silent()
        return [
            EdgePod(_name(place), claim, self._pods.known.get(place), _name(place) in silent)
            for place, claim in sorted(self._leases.known.items(), key=lambda item: item[0])
            if place[0] == edge.metadata.name
        ]


def _name(place: _Place) -> str:
    return f"edge-{place[0]}-{place[1]}"


def _claim(lease: Mapping[str, Any]) -> PodClaim:
    return claim_of(lease["metadata"].get("annotations") or {})


def _fact(pod: Mapping[str, Any]) -> PodFact | None:
    """What a Pod says; None of one that is not its Edge's, whatever its name."""
    metadata, spec, status = pod["metadata"], pod.get("spec") or {}, pod.get("status") or {}
    place = place_of_pod(metadata["name"])
    if place is None or (metadata.get("labels") or {}).get(EDGE_LABEL) != place[0]:
        return None
    ready = any(
        each["type"] == "Ready" and each["status"] == "True" for each in status.get("conditions") or ()
    )
    return PodFact(
        # Once a pod has ended for good, its address may be another's.
        address="" if status.get("phase") in ("Succeeded", "Failed") else status.get("podIP", ""),
        node=spec.get("nodeName", ""),
        is_in_host_network=bool(spec.get("hostNetwork")),
        ready=ready,
        ending=metadata.get("deletionTimestamp") is not None,
        fault=pod_fault(pod),
    )
