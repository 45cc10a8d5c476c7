"""Is anything missed? Compares what the watches told with what a list shows.

A watch can be cut off without a sign, and what vanished while it was is never told. So every half minute
the names and versions of all objects are listed: ghosts are forgotten, and a watch that has been deaf for
90 s (`hearing`) ends the process, to be started anew.

A CRD that is deleted takes all objects of its kind along. Nobody gave these up, so before an object counts
as deleted its CRD is looked at; while one is missing, what was seen is not the whole and is not acted upon.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Final

from trunkline.api import GROUP, ObjectRef
from trunkline.controllers.hearing import Hearing
from trunkline.controllers.metrics import Metrics
from trunkline.controllers.store import Store
from trunkline.kube.backoff import Backoffs
from trunkline.kube.client import KubeClient
from trunkline.kube.faults import ForbiddenError, KubeError, NotFoundError
from trunkline.kube.paths import CRDS, OURS, Kind

log = logging.getLogger(__name__)

AUDIT_SECONDS: Final = 30.0
_STARTING_SECONDS: Final = 0.2


class DeafWatchError(Exception):
    """A watch does not tell what happens. Only a new start helps."""


class Watchdog:
    """Audits the store of custom resources."""

    def __init__(
        self, client: KubeClient, store: Store, metrics: Metrics, changed: Callable[[], None]
    ) -> None:
        self._client, self._store, self._metrics, self._changed = client, store, metrics, changed
        self._hearing = {name: Hearing() for name in OURS}
        self._told = ""
        self._is_refused = False
        self.missing: Collection[str] = ()
        """Kinds whose CRD was gone, or going, when it was last looked at."""
        self._doubted = asyncio.Event()
        self.complete = asyncio.Event()
        """Set while all CRDs stand and everything that a list showed has been seen: else, an object that is
        not in the store may exist, or may have been taken by its CRD."""
        self.fault = "not listed yet"

    def heard(self, kind: str) -> None:
        """The watch of a kind has told something."""
        if kind in self._hearing:
            self._hearing[kind].hear()

    async def served(self) -> None:
        """Return once the API server serves every kind; Kopf ignores kinds that come later."""
        while True:
            try:
                missing = [name for name, kind in OURS.items() if not await self._client.serves(kind)]
            except KubeError as error:
                self._wait_for(str(error))
            else:
                if not missing:
                    return
                self._wait_for(_lacking(missing))
            await asyncio.sleep(1.0)

    async def is_whole(self) -> bool:
        """False while the store may lack objects that nobody deleted. Raises KubeError."""
        while self.complete.is_set() and (kinds := self._store.take_lost_kinds()):
            try:
                self.missing = await self._without_crd(kinds)
            except KubeError:
                self._store.put_lost_kinds(kinds)
                raise
            if self.missing:
                self.doubt()
                self._wait_for(_lacking(self.missing))
        return self.complete.is_set()

    def doubt(self) -> None:
        """The store is not the whole, until an audit finds that it is."""
        self.complete.clear()
        self._doubted.set()

    def _wait_for(self, fault: str) -> None:
        """Say what is waited for, once."""
        self.fault = fault
        if fault != self._told:
            log.warning("waiting: %s", fault)
            self._told = fault

    async def _without_crd(self, kinds: Iterable[str]) -> list[str]:
        """Those whose CRD is not there, or is being deleted. Raises KubeError."""
        missing = []
        for name in sorted(kinds):
            try:
                found = await self._client.get(CRDS, None, f"{OURS[name].plural}.{GROUP}", metadata_only=True)
            except ForbiddenError as error:
                # Roles of an older version. To serve is better than to wait for a right.
                if not self._is_refused:
                    log.warning("a deleted CRD counts as deleted objects: %s; apply today's roles", error)
                self._is_refused = True
                continue
            if found is None or "deletionTimestamp" in found["metadata"]:
                missing.append(name)
        return missing

    async def run(self) -> None:
        """Until cancelled. Raises DeafWatchError."""
        backoffs = iter(Backoffs())
        while True:
            await self._audit_all()
            if self.complete.is_set():
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(AUDIT_SECONDS):
                        await self._doubted.wait()
            elif self.fault:
                await asyncio.sleep(next(backoffs))
            else:
                backoffs = iter(Backoffs())
                await asyncio.sleep(_STARTING_SECONDS)

    async def _audit_all(self) -> None:
        self._doubted.clear()
        faults = []
        current = True
        for name, kind in OURS.items():
            try:
                current &= await self._audit(name, kind)
            except NotFoundError:
                faults.append(_lacking([name]))
                self._hearing[name].forget()
            except KubeError as error:
                # Without a list nothing can be said of the watch.
                faults.append(str(error))
                self._hearing[name].forget()
        if not faults and current and not self.complete.is_set():
            faults = await self._look_at_crds()
        self.fault = "; ".join(faults)
        if not faults:
            self._metrics.last_audit.set(time.time())
            if current and not self.complete.is_set() and not self._doubted.is_set():
                self._told = ""
                self.complete.set()
                self._changed()

    async def _look_at_crds(self) -> list[str]:
        """What is wrong with them."""
        try:
            self.missing = await self._without_crd(OURS)
        except KubeError as error:
            return [str(error)]
        return [_lacking(self.missing)] if self.missing else []

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
        hearing, now = self._hearing[name], time.monotonic()
        hearing.look(listed, self._store.knows, now)
        self._metrics.behind_seconds.labels(name).set(hearing.owed_seconds(now))
        if hearing.is_deaf(now):
            seconds = f"{hearing.owed_seconds(now):.0f} s"
            raise DeafWatchError(f"the watch of {kind.plural} has not told of {hearing.oldest} for {seconds}")
        return hearing.oldest is None

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


def _lacking(kinds: Collection[str]) -> str:
    names = ", ".join(OURS[name].plural for name in kinds)
    # What an Edge owns is collected with it, by Kubernetes itself.
    ends = "The pods of deleted Edges end" if "Edge" in kinds else "Edges go on with what they have"
    return (
        f"not served, being deleted, or not permitted: {names}. {ends}. Install CRDs and roles "
        "(`helm upgrade`, or `kubectl apply -f crds/`), then the objects that went with a CRD"
    )
