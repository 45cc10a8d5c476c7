"""Is anything missed? Compares what the watches told with what a list shows.

A watch can be cut off without a sign, and what vanished while it was is never told. So every half minute
the names and versions of all objects are listed: ghosts are forgotten, and a watch that has been deaf for
90 s ends the process, to be started anew.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Mapping
from typing import Final

from trunkline.api import ObjectRef
from trunkline.controllers.metrics import Metrics
from trunkline.controllers.store import Store
from trunkline.kube.backoff import Backoffs
from trunkline.kube.client import KubeClient
from trunkline.kube.faults import KubeError, NotFoundError
from trunkline.kube.paths import OURS, Kind

log = logging.getLogger(__name__)

AUDIT_SECONDS: Final = 30.0
DEAF_SECONDS: Final = 90.0
_STARTING_SECONDS: Final = 0.2


class DeafWatchError(Exception):
    """A watch does not tell what happens. Only a new start helps."""


class Watchdog:
    """Audits the store of custom resources."""

    def __init__(
        self, client: KubeClient, store: Store, metrics: Metrics, changed: Callable[[], None]
    ) -> None:
        self._client, self._store, self._metrics, self._changed = client, store, metrics, changed
        self._behind_since: dict[str, float] = {}
        self.complete = asyncio.Event()
        """Set once everything that a list showed has been seen: before, an empty store means nothing."""
        self.fault = "not listed yet"

    async def served(self) -> None:
        """Return once the API server serves every kind; Kopf ignores kinds that come later."""
        told = ""
        while True:
            try:
                missing = [kind.plural for kind in OURS.values() if not await self._client.serves(kind)]
            except KubeError as error:
                self.fault = str(error)
            else:
                if not missing:
                    return
                self.fault = f"not served, or not permitted: {', '.join(missing)}; install CRDs and roles"
            if self.fault != told:
                log.warning("waiting: %s", self.fault)
                told = self.fault
            await asyncio.sleep(1.0)

    async def run(self) -> None:
        """Until cancelled. Raises DeafWatchError."""
        backoffs = iter(Backoffs())
        while True:
            await self._audit_all()
            if self.complete.is_set():
                await asyncio.sleep(AUDIT_SECONDS)
            elif self.fault:
                await asyncio.sleep(next(backoffs))
            else:
                backoffs = iter(Backoffs())
                await asyncio.sleep(_STARTING_SECONDS)

    async def _audit_all(self) -> None:
        faults = []
        current = True
        for name, kind in OURS.items():
            try:
                current &= await self._audit(name, kind)
            except NotFoundError:
                faults.append(f"{kind.plural} are not served: install the CRDs")
            except KubeError as error:
                # Without a list nothing can be said of the watch.
                faults.append(str(error))
                self._behind_since.pop(name, None)
        self.fault = "; ".join(faults)
        if not faults:
            self._metrics.last_audit.set(time.time())
            if current:
                self.complete.set()

    async def _audit(self, name: str, kind: Kind) -> bool:
        """True if the store is at least as new as the list."""
        known = self._store.versions(name)
        listing = await self._client.list(kind, metadata_only=True)
        listed = {
            ObjectRef(name, each["metadata"].get("namespace"), each["metadata"]["name"]): int(
                each["metadata"]["resourceVersion"]
            )
            for each in listing.items
        }
        self._forget_ghosts(known, listed, int(listing.resource_version))
        behind = next((ref for ref, version in listed.items() if not self._store.knows(ref, version)), None)
        now = time.monotonic()
        if behind is None:
            self._behind_since.pop(name, None)
            self._metrics.behind_seconds.labels(name).set(0)
            return True
        since = self._behind_since.setdefault(name, now)
        self._metrics.behind_seconds.labels(name).set(now - since)
        if now - since >= DEAF_SECONDS:
            raise DeafWatchError(
                f"the watch of {kind.plural} has not told of {behind} for {now - since:.0f} s"
            )
        return False

    def _forget_ghosts(
        self, known: Mapping[ObjectRef, int], listed: Mapping[ObjectRef, int], list_version: int
    ) -> None:
        for ref, version in known.items():
            seen = self._store.get(ref)
            if ref in listed or version > list_version or seen is None or seen.version != version:
                continue
            log.warning("deleted without a watch event", extra={"object": str(ref)})
            self._store.forget(ref)
            self._changed()
