"""The API server as the home of users' objects: watches in; statuses, Events and finalizers out."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping

from sipedge.fault import describe_fault
from trunkline.api import Edge
from trunkline.api.resources import Platform
from trunkline.compiler.delta import Delta, InputChanges
from trunkline.controllers.cluster_reporter import ClusterReporter
from trunkline.controllers.edge_opinions import EdgeOpinions
from trunkline.controllers.finalizers import Finalizers
from trunkline.controllers.measures import Measures
from trunkline.controllers.object_changes import ObjectChanges
from trunkline.controllers.served_edges import still_there
from trunkline.controllers.side_work import SideWork
from trunkline.controllers.watchdog import Watchdog
from trunkline.controllers.world import World
from trunkline.kube.faults import KubeError
from trunkline.kube.lease import LeaseLock
from trunkline.plan.finalizers import FINALIZER
from trunkline.reconcile.home import LostError, Sight
from trunkline.reconcile.place import Publication
from trunkline.reconcile.reporter import Identities

log = logging.getLogger(__name__)


class ObjectHome:
    """The home of one operator. `platform` is as its settings say."""

    def __init__(
        self,
        platform: Platform,
        world: World,
        watchdog: Watchdog,
        lease: LeaseLock,
        finalizers: Finalizers,
        statuses: ClusterReporter,
        side_work: SideWork,
        measures: Measures,
    ) -> None:
        self.platform = platform
        self._world, self._watchdog, self._lease = world, watchdog, lease
        self._finalizers, self._statuses = finalizers, statuses
        self._side_work, self._measures = side_work, measures
        self._changes = ObjectChanges(world.store, world.secrets)
        self._opinions = EdgeOpinions(world.store, side_work, world.agent_ports)
        self._losses = 0
        self._faults: dict[str, str] = {}
        """What was logged last, by topic."""

    async def may_act(self) -> None:
        """While nobody else may have taken the Lease."""
        await self._lease.held()

    async def changes(self) -> InputChanges | None:
        """What watches told. None while CRDs are missing; when they are back the watchdog wakes the loop."""
        if not await self._watchdog.is_whole():
            if "Edge" in self._watchdog.missing:
                await self._finalizers.let_go(self._world.store.of("Edge"))
            return None
        changes = self._changes.take(self._world.secret_revision)
        self._statuses.note(self._changes.identities(changes))
        return changes

    def start_over(self) -> None:
        """Specs are not kept. Raises LostError."""
        raise LostError("the compiler failed, and only the API server knows what to tell another")

    def still_there(self, served: Mapping[str, Edge]) -> Mapping[str, Edge]:
        """By their uid."""
        return still_there(served, self._world.store.get)

    def ending(self, served: Mapping[str, Edge]) -> Mapping[str, Edge]:
        """Those whose pods go on until DNS does not name them any more."""
        return {
            name: served[name]
            for seen in self._world.store.of("Edge")
            if (name := seen.ref.name) in served and seen.is_ending and FINALIZER in seen.finalizers
        }

    def unreadable_namespaces(self) -> frozenset[str]:
        """Those with CredentialLists whose Secrets may not be read."""
        return self._changes.unreadable_namespaces()

    def compiled(self, delta: Delta) -> Identities:
        """Count and log what our own code failed at."""
        self._measures.compiled(delta)
        self._opinions.compiled(delta)
        return self._statuses.compiled(delta)

    def published(self, delta: Delta, note: Identities, publication: Publication) -> None:
        """Statuses may speak of it from now on."""
        self._statuses.published(delta, note, publication)
        self._measures.published(publication)

    async def report(self, sight: Sight) -> float | None:
        """Statuses are written beside the turns, by the word of the book."""
        if self._world.losses.count != self._losses:
            self._losses = self._world.losses.count
            self._side_work.look_again()
        self._side_work.wish(self._opinions.served(sight), self._changes.readable)
        self._statuses.report(sight, self._opinions.opinions(sight), self._opinions.facts(sight))
        self._measures.report(sight)
        await self._finalizers.become(self._world.store.of("Edge"), sight.edges)
        return None

    def fault(self, topic: str, fault: str) -> None:
        """Logged when it is new."""
        if fault and self._faults.get(topic, "") != fault:
            log.warning("%s failed: %s", topic, fault)
        self._faults[topic] = fault

    def describe(self, error: Exception) -> str:
        """Faults of the API by their text, others by type and place."""
        if isinstance(error, KubeError):
            return str(error)
        log.error("the operator itself failed: %s", describe_fault(error))
        return describe_fault(error)

    def turned(self, fault: str, seconds: float) -> None:
        """For `/readyz` and the metrics."""
        self._measures.turned(fault, seconds)

    def on_change(self, wake: Callable[[], None]) -> None:
        """Watches tell."""
        self._world.listen(wake)

    async def run(self) -> None:
        """Statuses, certificates and names."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._statuses.run())
            group.create_task(self._side_work.run(self._world.wake))

    async def close(self) -> None:
        """All stays as it is, for the next operator."""
