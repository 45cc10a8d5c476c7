"""The one finalizer: it keeps a deleted Edge until its DNS records are gone, and so its pods until then.

Only where the operator writes DNS records. It never holds an Edge for ever: after ten minutes without a
DNS server it lets go, and the records are removed when the server is back.
"""

from __future__ import annotations

import asyncio
import datetime
import logging
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from trunkline.controllers.store import Seen
from trunkline.kube.client import KubeClient
from trunkline.kube.faults import KubeError
from trunkline.kube.paths import OURS

log = logging.getLogger(__name__)

FINALIZER: Final = "trunkline.dev/dns"
PATIENCE: Final = datetime.timedelta(minutes=10)


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
        wanted = frozenset(accepted) if self._is_clean is not None else frozenset()
        now = datetime.datetime.now(datetime.UTC)
        await asyncio.gather(*(self._see_to(edge, wanted, now) for edge in edges))

    async def _see_to(self, edge: Seen, wanted: frozenset[str], now: datetime.datetime) -> None:
        held, name = FINALIZER in edge.finalizers, edge.ref.name
        if not edge.is_ending:
            if held or name not in wanted:
                return
            await self._set(edge, (*edge.finalizers, FINALIZER))
            return
        if not held:
            return
        clean = self._is_clean is None or self._is_clean(name)
        if clean or now - _moment(edge.deleted_at) > PATIENCE:
            if not clean:
                log.warning("deleted although its DNS records may remain", extra={"object": str(edge.ref)})
            await self._set(edge, tuple(each for each in edge.finalizers if each != FINALIZER))

    async def _set(self, edge: Seen, finalizers: tuple[str, ...]) -> None:
        patch = {
            "metadata": {
                "resourceVersion": str(edge.version),
                "uid": edge.uid,
                "finalizers": list(finalizers) or None,
            }
        }
        try:
            stored = await self._client.merge(OURS["Edge"], None, edge.ref.name, patch)
        except KubeError as error:
            log.info("finalizer not changed: %s", error, extra={"object": str(edge.ref)})
            return
        # The answer to the last removal is an object that is gone; its event says so.
        if finalizers or not edge.is_ending:
            self._noted(stored)


def _moment(text: str) -> datetime.datetime:
    try:
        return datetime.datetime.fromisoformat(text)
    except ValueError:
        return datetime.datetime.now(datetime.UTC)
