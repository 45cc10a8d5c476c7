"""Writes the finalizers of Edges as `plan.finalizers` wants them."""

from __future__ import annotations

import asyncio
import datetime
import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any

from trunkline.controllers.store import Seen
from trunkline.kube.client import KubeClient
from trunkline.kube.faults import KubeError
from trunkline.kube.paths import OURS
from trunkline.plan.finalizers import FINALIZER, PATIENCE, Records, finalizers_patch, wanted_finalizers
from trunkline.status.reasons import StatusReason

log = logging.getLogger(__name__)


class Finalizers:
    """Sets and removes the finalizer of Edges. Without `patience` there is none to set."""

    def __init__(
        self,
        client: KubeClient,
        patience: datetime.timedelta | None,
        is_clean: Callable[[str], bool],
        noted: Callable[[Mapping[str, Any]], None],
        warn: Callable[[Seen, StatusReason, str], Awaitable[None]],
    ) -> None:
        """`patience`: how long a deleted Edge waits; None = this operator writes no DNS records.

        `is_clean` says of an Edge's name that no DNS record of it is left; `warn` posts an Event.
        """
        self._client, self._patience, self._is_clean = client, patience, is_clean
        self._noted, self._warn = noted, warn

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
            edge.finalizers,
            records,
            is_served=is_served,
            deleted_at=edge.deleted_at,
            now=now,
            patience=self._patience or PATIENCE,
        )
        if wanted == edge.finalizers:
            return
        if edge.is_ending and records is Records.WRITTEN:
            words = "deleted although the zone may still name it: see who removes its DNS records"
            log.warning("%s", words, extra={"object": str(edge.ref)})
            await self._warn(edge, StatusReason.DNS_RECORDS_MAY_REMAIN, words)
        await self._set(edge, wanted)

    def _records(self, edge: str) -> Records:
        if self._patience is None:
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
