"""What an Edge consists of in the cluster: applied where it differs, removed when it is planned no more."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final

from sipedge.fault import describe_fault
from sipedge.table.publication import TABLE_LABEL
from trunkline.api import Edge
from trunkline.controllers.edge_secret import ensure_edge_secret
from trunkline.controllers.seams import Manifest, Workloads
from trunkline.controllers.stir_secret import StirSecret
from trunkline.kube.client import KubeClient
from trunkline.kube.faults import KubeError
from trunkline.kube.paths import CHILDREN, STATEFUL_SETS, Kind, kind_of
from trunkline.plan.rollout import RolledEdge, Rollout, held, is_given, rolled, rolled_edge
from trunkline.plan.workload_names import EDGE_LABEL
from trunkline.status.conditions import Opinion
from trunkline.status.reasons import StatusReason
from trunkline.status.rollout import rollout_halted

log = logging.getLogger(__name__)

LOOK_SECONDS: Final = 30.0
"""How often the API server is asked what is there, beside after each change of the plan."""
ROLLING_SECONDS: Final = 3.0
"""The same, while pods are being replaced."""

_SELECTOR: Final = f"{EDGE_LABEL},!{TABLE_LABEL}"

_KIND_FIELDS: Final = ("apiVersion", "kind")

Key = tuple[str, str]


class Children:
    """Compares the plan with what is there. Without `workloads` there is nothing to plan."""

    def __init__(
        self,
        client: KubeClient,
        namespace: str,
        workloads: Workloads | None,
        stir_secret: StirSecret | None = None,
    ) -> None:
        self._client, self._namespace, self._workloads = client, namespace, workloads
        self._stir_secret = stir_secret
        self._planned: tuple[object, Sequence[Manifest]] | None = None
        self._applied: Sequence[Manifest] | None = None
        self._looked_at = float("-inf")
        self._unplanned: dict[str, str] = {}
        """Edge to why nothing is planned for it: what is there stays."""
        self._accepted: dict[Key, tuple[Manifest, str]] = {}
        self.faults: dict[str, str] = {}
        """Edge to why its objects are not as planned."""
        self.rollout = Rollout()
        """How far new templates of pods have come."""

    def plan(
        self, edges: Mapping[str, Edge], nodes: Mapping[str, Sequence[str]] = MappingProxyType({})
    ) -> Sequence[Manifest]:
        """The objects of all edges. Pure, but for a memory of the last plan.

        `nodes` are those that the pods of an Edge may run on, where not all are.
        """
        if self._workloads is None:
            return ()
        wished = edges, nodes
        if self._planned is None or self._planned[0] != wished:
            self._unplanned = {}
            manifests = [
                each
                for name, edge in sorted(edges.items())
                for each in self._plan_of(edge, nodes.get(name, ()))
            ]
            self._planned = wished, manifests
        return self._planned[1]

    def _plan_of(self, edge: Edge, nodes: Sequence[str]) -> Sequence[Manifest]:
        assert self._workloads is not None  # noqa: S101 - asked by `plan`
        try:
            return self._workloads(edge, nodes)
        except Exception as error:
            self._unplanned[edge.metadata.name] = f"its objects cannot be planned: {describe_fault(error)}"
            return ()

    async def become(self, manifests: Sequence[Manifest]) -> None:
        """Make what is there as planned. Faults are kept, not raised."""
        if self._workloads is None:
            return
        rest = ROLLING_SECONDS if self.rollout.current else LOOK_SECONDS
        due = time.monotonic() - self._looked_at >= rest
        if manifests is self._applied and not due and not self.faults:
            return
        self.faults = dict(self._unplanned)
        try:
            await ensure_edge_secret(self._client, self._namespace)
            if self._stir_secret is not None:
                await self._stir_secret.keep()
            present = await self._present()
        except KubeError as error:
            for manifest in manifests:
                self.faults[_edge(manifest)] = str(error)
            return
        planned = self._in_turn({_key(each): each for each in manifests}, present)
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

    def _in_turn(
        self, planned: Mapping[Key, Manifest], present: Mapping[Key, Manifest]
    ) -> dict[Key, Manifest]:
        """What is planned, where an Edge whose turn has not come keeps the template of its pods."""
        sets = {_edge(each): key for key, each in planned.items() if key[0] == STATEFUL_SETS.name}
        edges = {edge: self._rolled_edge(key, planned[key], present.get(key)) for edge, key in sets.items()}
        self.rollout = rolled(self.rollout, edges, time.monotonic())
        kept = {sets[edge]: held(planned[sets[edge]], present[sets[edge]]) for edge in self.rollout.waits}
        return {**planned, **kept}

    def _rolled_edge(self, key: Key, planned: Manifest, present: Manifest | None) -> RolledEdge:
        if present is None:
            return RolledEdge(is_new=True)
        # What was applied is there, though the API server may store it in another form.
        applied, _ = self._accepted.get(key, (None, ""))
        given = applied is not None and applied["spec"]["template"] == planned["spec"]["template"]
        same = given or _holds(present["spec"]["template"], planned["spec"]["template"])
        return rolled_edge(planned, present, differs=not same or not is_given(planned, present))

    def look_again(self) -> None:
        """Something may have vanished: do not wait for the next look."""
        self._looked_at = float("-inf")

    def opinions(self, edge: str) -> tuple[Opinion, ...]:
        """What keeps the Edge's pods from being as planned."""
        if fault := self.faults.get(edge):
            return (Opinion("Deployed", "False", StatusReason.NOT_APPLIED, fault),)
        halted = rollout_halted(edge, self.rollout)
        return () if halted is None else (halted,)

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
