"""What the place sees of its edges' pods. One Edge that cannot be looked at costs no other."""

from __future__ import annotations

import logging
from collections.abc import Mapping

from trunkline.api import Edge
from trunkline.controllers.edge_faults import EdgeFaults
from trunkline.controllers.edge_pods import EdgePods
from trunkline.controllers.nodes import Nodes
from trunkline.reconcile.place import Addresses, Observation
from trunkline.status.conditions import Opinion
from trunkline.status.pod_reports import PodsReport, lease_ignored

log = logging.getLogger(__name__)


class Observer:
    """Looks at pods, Leases and Nodes. Of an Edge where that fails the last that is known stays."""

    def __init__(self, pods: EdgePods, nodes: Nodes, faults: EdgeFaults) -> None:
        self._pods, self._nodes, self._faults = pods, nodes, faults
        self._reports: dict[str, PodsReport] = {}
        self._addresses: dict[str, tuple[str, ...]] = {}
        self._observed: dict[str, tuple[str, ...]] = {}
        self._advertised: dict[str, tuple[tuple[str, str], ...]] = {}

    def addresses(self, edges: Mapping[str, Edge]) -> Addresses:
        """Where callers reach the pods of Edges that list no addresses."""
        for name, edge in edges.items():
            with self._faults.at(name):
                advertised = self._nodes.advertised([edge])
                self._observed[name] = self._pods.addresses(edge, self._nodes.known)
                self._advertised.pop(name, None)
                self._advertised.update(advertised)
        return Addresses(
            {name: found for name, found in self._observed.items() if name in edges},
            {name: found for name, found in self._advertised.items() if name in edges},
            self._nodes.addresses(),
        )

    def observe(
        self, edges: Mapping[str, Edge], published: Mapping[str, int], failed: Mapping[str, str]
    ) -> Observation:
        """`published` has the sequence of each Edge's head, 0 if there is none.

        `failed` are Edges at which the operator itself failed elsewhere, and what failed.
        """
        self._faults.begin()
        for name, fault in failed.items():
            self._faults.add(name, fault)
        for known in (self._reports, self._addresses):
            for gone in known.keys() - edges.keys():
                del known[gone]
        for name, edge in sorted(edges.items()):
            with self._faults.at(name):
                self._look(edge, published.get(name, 0))
        opinions = {name: told for name in sorted(edges) if (told := self._opinions(name))}
        reports = tuple(found.report for _, found in sorted(self._reports.items()))
        return Observation(reports, dict(self._addresses), opinions, dict(self._faults.now))

    def _look(self, edge: Edge, published: int) -> None:
        name = edge.metadata.name
        found, told = self._pods.report(edge, self._nodes.known, published), self._reports.get(name)
        if found.ignored and (told is None or told.ignored != found.ignored):
            log.warning("not believed: %s", "; ".join(found.ignored), extra={"object": str(edge.ref)})
        listed = tuple(edge.spec.advertise.addresses)
        self._addresses[name] = listed or self._pods.addresses(edge, self._nodes.known)
        self._reports[name] = found

    def _opinions(self, name: str) -> tuple[Opinion, ...]:
        own: tuple[Opinion, ...] = ()
        with self._faults.at(name):
            found = self._reports.get(name)
            ignored = lease_ignored(found.ignored) if found is not None else None
            own = (*([ignored] if ignored else []), *self._pods.opinions(name))
        return (*own, *self._faults.opinions(name))
