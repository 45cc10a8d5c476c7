"""Statuses of users' objects on the API server: what was seen goes into the book, what is due comes out."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from typing import Any

from trunkline.api import ObjectRef
from trunkline.compiler.delta import Delta
from trunkline.controllers.events import Events
from trunkline.controllers.metrics import Metrics
from trunkline.controllers.status_writer import StatusWriter
from trunkline.controllers.world import World
from trunkline.kube.client import KubeClient
from trunkline.kube.paths import OURS
from trunkline.reconcile.home import Sight
from trunkline.reconcile.place import Publication
from trunkline.reconcile.reporter import Identities, Reporter
from trunkline.status.book import Due, Facts
from trunkline.status.conditions import Opinion

log = logging.getLogger(__name__)


class ClusterReporter:
    """Tells the book, and has the writer store what the book says."""

    def __init__(self, client: KubeClient, world: World, events: Events, metrics: Metrics) -> None:
        self._world, self._events, self._metrics = world, events, metrics
        self._reporter = Reporter()
        self._writer = StatusWriter(client, self._reporter.book, self._noted, self._wrote, events.tell)
        self._dropped: set[tuple[str, str]] = set()
        """Kinds and fields of a status that a CRD of another version drops."""

    async def run(self) -> None:
        """Write, until cancelled."""
        await self._writer.run()

    def note(self, identities: Identities) -> None:
        """These versions are handed to the compiler next."""
        self._reporter.note(identities)

    def compiled(self, delta: Delta) -> Identities:
        """All that was noted was compiled: these versions."""
        return self._reporter.compiled(delta)

    def published(self, delta: Delta, identities: Identities, publication: Publication) -> None:
        """What was compiled is published."""
        self._take_in()
        self._reporter.published(delta, identities, publication, time.monotonic())

    def report(
        self,
        sight: Sight,
        opinions: Mapping[ObjectRef, tuple[Opinion, ...]],
        facts: Mapping[ObjectRef, Facts],
    ) -> None:
        """What is seen now; `opinions` and `facts` are all that the home says itself."""
        self._take_in()
        self._reporter.report(sight, opinions, facts)
        self._writer.look()

    def _take_in(self) -> None:
        seen, gone = self._world.store.take_changed()
        self._events.forget(gone)
        self._reporter.book.gone(gone)
        self._reporter.book.see(seen)

    def _noted(self, stored: Mapping[str, Any]) -> None:
        """The answer to a write."""
        self._world.noted(stored)
        self._take_in()

    def _wrote(self, due: Due, stored: Mapping[str, Any]) -> None:
        kind = due.seen.ref.kind
        for field in due.dropped(stored):
            if (kind, field) not in self._dropped:
                self._dropped.add((kind, field))
                log.warning(
                    "the CRD of %s drops status.%s: it is not this version's; apply the CRDs of this version",
                    OURS[kind].plural,
                    field,
                )
        self._metrics.writes.labels(kind).inc()
