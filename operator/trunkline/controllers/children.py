"""What an Edge consists of in the cluster: applied where it differs, removed when it is planned no more."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Mapping, Sequence
from typing import Any, Final

from sipedge.fault import describe_fault
from sipedge.table.publication import TABLE_LABEL
from trunkline.api import Edge
from trunkline.controllers.edge_secret import ensure_edge_secret
from trunkline.controllers.seams import Manifest, Workloads
from trunkline.kube.client import KubeClient
from trunkline.kube.faults import KubeError
from trunkline.kube.paths import CHILDREN, Kind, kind_of
from trunkline.plan.workload_names import EDGE_LABEL
from trunkline.status.conditions import Opinion
from trunkline.status.reasons import StatusReason

log = logging.getLogger(__name__)

LOOK_SECONDS: Final = 30.0
"""How often the API server is asked what is there, beside after each change of the plan."""

_SELECTOR: Final = f"{EDGE_LABEL},!{TABLE_LABEL}"

_KIND_FIELDS: Final = ("apiVersion", "kind")

Key = tuple[str, str]


class Children:
    """Compares the plan with what is there. Without `workloads` there is nothing to plan."""

    def __init__(self, client: KubeClient, namespace: str, workloads: Workloads | None) -> None:
        self._client, self._namespace, self._workloads = client, namespace, workloads
        self._planned: tuple[Mapping[str, Edge], Sequence[Manifest]] | None = None
        self._applied: Sequence[Manifest] | None = None
        self._looked_at = float("-inf")
        self._unplanned: dict[str, str] = {}
        """Edge to why nothing is planned for it: what is there stays."""
        self._accepted: dict[Key, tuple[Manifest, str]] = {}
        self.faults: dict[str, str] = {}
        """Edge to why its objects are not as planned."""

    def plan(self, edges: Mapping[str, Edge]) -> Sequence[Manifest]:
        """The objects of all edges. Pure, but for a memory of the last plan."""
        if self._workloads is None:
            return ()
        if self._planned is None or self._planned[0] != edges:
            self._unplanned = {}
            manifests = [each for _, edge in sorted(edges.items()) for each in self._plan_of(edge)]
            self._planned = (edges, manifests)
        return self._planned[1]

    def _plan_of(self, edge: Edge) -> Sequence[Manifest]:
        assert self._workloads is not None  # noqa: S101 - asked by `plan`
        try:
            return self._workloads(edge)
        except Exception as error:
            self._unplanned[edge.metadata.name] = f"its objects cannot be planned: {describe_fault(error)}"
            return ()

    async def become(self, manifests: Sequence[Manifest]) -> None:
        """Make what is there as planned. Faults are kept, not raised."""
        if self._workloads is None:
            return
        due = time.monotonic() - self._looked_at >= LOOK_SECONDS
        if manifests is self._applied and not due and not self.faults:
            return
        self.faults = dict(self._unplanned)
        try:
            await ensure_edge_secret(self._client, self._namespace)
            present = await self._present()
        except KubeError as error:
            for manifest in manifests:
                self.faults[_edge(manifest)] = str(error)
            return
        planned = {_key(each): each for each in manifests}
        for kind in CHILDREN:
            due_now = [
                each
                for key, each in planned.items()
                if kind_of(each) == kind and self._differs(key, each, present.get(key))
            ]
            await asyncio.gather(*(self._apply(each) for each in due_now))
        for kind in reversed(CHILDREN):
            strangers = [
                each
                for key, each in present.items()
                if key not in planned and key[0] == kind.name and _edge(each) not in self._unplanned
            ]
            await asyncio.gather(*(self._remove(kind, each) for each in strangers))
        self._applied, self._looked_at = manifests, time.monotonic()

    def look_again(self) -> None:
        """Something may have vanished: do not wait for the next look."""
        self._looked_at = float("-inf")

    def opinions(self, edge: str) -> tuple[Opinion, ...]:
        """What keeps the Edge's pods from being as planned."""
        fault = self.faults.get(edge)
        if not fault:
            return ()
        return (Opinion("Deployed", "False", StatusReason.NOT_APPLIED, fault),)

    async def _present(self) -> dict[Key, Manifest]:
        listings = await asyncio.gather(
            *(self._client.list(kind, self._namespace, {"labelSelector": _SELECTOR}) for kind in CHILDREN)
        )
        return {
            (kind.name, each["metadata"]["name"]): each
            for kind, listing in zip(CHILDREN, listings, strict=True)
            for each in listing.items
        }

    def _differs(self, key: Key, planned: Manifest, present: Manifest | None) -> bool:
        if present is None:
            return True
        # The items of a list do not repeat their kind.
        if _holds(present, {name: each for name, each in planned.items() if name not in _KIND_FIELDS}):
            return False
        # The API server may store a value in another form; what it made of this very plan is as planned.
        return self._accepted.get(key) != (planned, present["metadata"]["resourceVersion"])

    async def _apply(self, manifest: Manifest) -> None:
        try:
            stored = await self._client.apply(manifest)
        except KubeError as error:
            self.faults[_edge(manifest)] = str(error)
            log.warning("not applied: %s", error, extra={"object": f"Edge {_edge(manifest)}"})
            return
        except Exception as error:
            self.faults[_edge(manifest)] = describe_fault(error)
            log.error("not applied: %s", describe_fault(error), extra={"object": f"Edge {_edge(manifest)}"})
            return
        self._accepted[_key(manifest)] = (manifest, stored["metadata"]["resourceVersion"])
        log.info("applied %s %s", manifest["kind"], manifest["metadata"]["name"])

    async def _remove(self, kind: Kind, present: Manifest) -> None:
        metadata = present["metadata"]
        if metadata.get("deletionTimestamp"):
            return
        try:
            await self._client.delete(kind, self._namespace, metadata["name"], metadata["uid"])
        except KubeError as error:
            log.warning("not removed: %s", error)
            return
        log.info("removed %s %s", kind.name, metadata["name"])


def _key(manifest: Manifest) -> Key:
    return manifest["kind"], manifest["metadata"]["name"]


def _edge(manifest: Manifest) -> str:
    labels: Mapping[str, str] = manifest["metadata"].get("labels") or {}
    return labels.get(EDGE_LABEL, "")


def _holds(present: Any, planned: Any) -> bool:
    """True if everything that is planned stands in what is present; the API server adds defaults."""
    if isinstance(planned, Mapping):
        return isinstance(present, Mapping) and all(
            key in present and _holds(present[key], value) for key, value in planned.items()
        )
    if isinstance(planned, list | tuple):
        return (
            isinstance(present, list)
            and len(present) == len(planned)
            and all(_holds(*pair) for pair in zip(present, planned, strict=True))
        )
    return bool(present == planned)
