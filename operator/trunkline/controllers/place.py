"""The own cluster as the place where edges run: pods by their objects, tables as Secrets."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping

from trunkline.api import Edge
from trunkline.compiler.delta import Delta
from trunkline.controllers.children import ROLLING_SECONDS, Children
from trunkline.controllers.evictions import Evictions
from trunkline.controllers.metrics import Metrics
from trunkline.controllers.observer import Observer
from trunkline.controllers.publish import Publisher
from trunkline.controllers.world import World
from trunkline.reconcile.place import Addresses, Observation, Publication

log = logging.getLogger(__name__)


class ClusterPlace:
    """The edge namespace. What it knows is what the API server has."""

    def __init__(
        self,
        world: World,
        children: Children,
        evictions: Evictions,
        publisher: Publisher,
        observer: Observer,
        metrics: Metrics,
    ) -> None:
        self._world, self._children, self._evictions = world, children, evictions
        self._publisher, self._observer, self._metrics = publisher, observer, metrics
        self._losses = 0

    def addresses(self, edges: Mapping[str, Edge]) -> Addresses:
        """By the word of Pods and Nodes."""
        return self._observer.addresses(edges)

    async def apply(self, edges: Mapping[str, Edge]) -> Mapping[str, str]:
        """The objects of each Edge, and pods that must begin anew at another address."""
        if self._world.losses.count != self._losses:
            self._losses = self._world.losses.count
            self._children.look_again()
        planned = self._children.plan(self._world.agent_ports.give(edges), self._world.nodes.allowed(edges))
        await self._children.become(planned)
        if self._children.rollout.current:
            # Nothing tells when a StatefulSet counts its pods as available.
            asyncio.get_running_loop().call_later(ROLLING_SECONDS, self._world.wake)
        # Only where the new list of addresses is there for the pod that begins.
        faults = dict(self._children.faults)
        await self._evictions.become({name: edge for name, edge in edges.items() if name not in faults})
        return faults

    def take(self, delta: Delta) -> None:
        """For the next publication."""
        self._publisher.take(delta)

    def start_over(self) -> None:
        """Nothing was taken yet."""
        self._publisher.start_over()

    async def publish(self) -> Publication:
        """Write the Secrets that differ. Raises OvertakenError."""
        publication = await self._publisher.publish()
        if publication.written:
            self._metrics.writes.labels("Secret").inc(publication.written)
            told = ", ".join(f"{edge} {number}" for edge, number in sorted(publication.sequences.items()))
            log.info("published %s", told)
        return publication

    def observed(self, edges: Mapping[str, Edge]) -> Observation:
        """What pods serve, and what keeps them from it."""
        published = {name: self._publisher.published(name) for name in edges}
        seen = self._observer.observe(edges, published, self._publisher.failed)
        opinions = {
            name: told
            for name in edges
            if (told := (*seen.opinions.get(name, ()), *self._children.opinions(name)))
        }
        return Observation(seen.reports, seen.addresses, opinions, seen.faults)

    def on_change(self, wake: Callable[[], None]) -> None:
        """Watches tell."""
        self._world.listen(wake)

    async def close(self) -> None:
        """All stays as it is, for the next operator."""
