"""Pods that must start anew are evicted, which a PodDisruptionBudget may put off."""

from __future__ import annotations

import logging
from collections.abc import Mapping

from trunkline.api import Edge
from trunkline.controllers.edge_pods import EdgePods
from trunkline.kube.client import KubeClient
from trunkline.kube.faults import KubeError
from trunkline.plan.misplaced import Misplaced, misplaced

log = logging.getLogger(__name__)


class Evictions:
    """Moves pods of Static Edges to the addresses that are listed now."""

    def __init__(self, client: KubeClient, namespace: str, pods: EdgePods) -> None:
        self._client, self._namespace, self._pods = client, namespace, pods

    async def become(self, edges: Mapping[str, Edge]) -> None:
        """Evict one misplaced pod of each Edge at most. Faults are logged; the next turn tries again."""
        for name, edge in edges.items():
            found = misplaced(edge.spec.advertise.addresses, self._pods.placed(name))
            if found:
                await self._evict(edge, found)

    async def _evict(self, edge: Edge, found: Misplaced) -> None:
        about = {"object": str(edge.ref)}
        try:
            await self._client.evict(self._namespace, found.pod)
        except KubeError as error:
            log.warning("pod %s is not evicted: %s", found.pod, error, extra=about)
            return
        log.info(
            "evicted pod %s, whose address %s is listed no more, while %s has no pod",
            *(found.pod, found.address, found.vacant),
            extra=about,
        )
