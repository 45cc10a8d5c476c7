"""Writes the finalizers of Edges as `plan.finalizers` wants them."""

from __future__ import annotations

import asyncio
import datetime
import logging
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from trunkline.controllers.store import Seen
from trunkline.kube.client import KubeClient
from trunkline.kube.faults import KubeError
from trunkline.kube.paths import OURS
from trunkline.plan.finalizers import FINALIZER, Records, finalizers_patch, wanted_finalizers

log = logging.getLogger(__name__)


class Finalizers:
    """Sets and removes the finalizer of Edges. Without `is_clean` there is none to set."""

    def __init__(
        self,
        client: KubeClient,
        is_clean: Callable[[str], bool] | None,
        noted: Callable[[Mapping[str, Any]], None],
    ) -> None:
        """`is_clean` says of an Edge's name that no DNS record of it is left."""
        self._client, self._is_clean, self._noted = client, is_clean, noted

    async def become(self, edges: Iterable[Seen], accepted: Iterable[str]) -> None:
        """Set it on accepted Edges, remove it where it is done with. Faults are logged: next turn again."""
        served, now = frozenset(accepted), datetime.datetime.now(datetime.UTC)
        await asyncio.gather(*(self._see_to(edge, edge.ref.name in served, now) for edge in edges))

    async def let_go(self, edges: Iterable[Seen]) -> None:
        """Remove it from Edges that go with their CRD, which would wait for ever: DNS records stay."""
        await asyncio.gather(
            *(
                self._set(edge, tuple(each for each in edge.finalizers if each != FINALIZER))
                for edge in edges
                if edge.is_ending and FINALIZER in edge.finalizers
            )
        )

    async def _see_to(self, edge: Seen, is_served: bool, now: datetime.datetime) -> None:
        records = self._records(edge.ref.name)
        wanted = wanted_finalizers(
            edge.finalizers, records, is_served=is_served, deleted_at=edge.deleted_at, now=now
        )
        if wanted == edge.finalizers:
            return
        if edge.is_ending and records is Records.WRITTEN:
            log.warning("deleted although its DNS records may remain", extra={"object": str(edge.ref)})
        await self._set(edge, wanted)

    def _records(self, edge: str) -> Records:
        if self._is_clean is None:
            return Records.FOREIGN
        return Records.GONE if self._is_clean(edge) else Records.WRITTEN

    async def _set(self, edge: Seen, finalizers: tuple[str, ...]) -> None:
        patch = finalizers_patch(edge.uid, str(edge.version), finalizers)
        try:
            stored = await self._client.merge(OURS["Edge"], None, edge.ref.name, patch)
        except KubeError as error:
            log.info("finalizer not changed: %s", error, extra={"object": str(edge.ref)})
            return
        # The answer to the last removal is an object that is gone; its event says so.
        if finalizers or not edge.is_ending:
            self._noted(stored)
