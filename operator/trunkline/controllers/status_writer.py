"""Writes statuses that are due: beside the loop, so that ten thousand of them hold up no publication."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from trunkline.api import ObjectRef
from trunkline.controllers.statuses import Due
from trunkline.kube.backoff import Backoffs
from trunkline.kube.client import KubeClient
from trunkline.kube.faults import ConflictError, KubeError, NotFoundError
from trunkline.kube.paths import OURS

log = logging.getLogger(__name__)

AT_ONCE = 16

Noted = Callable[[Mapping[str, Any]], None]
Written = Callable[[Due, Mapping[str, Any]], None]
Told = Callable[[Due], Awaitable[None]]


class StatusWriter:
    """At most one write for each object at a time; what became of it comes back through the store."""

    def __init__(self, client: KubeClient, noted: Noted, written: Written, told: Told) -> None:
        """`noted` takes objects as they are stored, `written` and `told` each status that was."""
        self._client, self._noted, self._written, self._told = client, noted, written, told
        self._waiting: dict[ObjectRef, Due] = {}
        self._busy: set[ObjectRef] = set()
        self._wake = asyncio.Event()
        self.writes = 0
        self.fault = ""

    def offer(self, dues: Mapping[ObjectRef, Due]) -> None:
        """These, and only these, are due now."""
        self._waiting = {ref: due for ref, due in dues.items() if ref not in self._busy}
        if self._waiting:
            self._wake.set()

    async def run(self) -> None:
        """Until cancelled."""
        async with asyncio.TaskGroup() as group:
            for _ in range(AT_ONCE):
                group.create_task(self._work())

    async def _work(self) -> None:
        backoffs = iter(Backoffs(first=0.2))
        while True:
            while not self._waiting:
                self._wake.clear()
                await self._wake.wait()
            ref, due = next(iter(self._waiting.items()))
            del self._waiting[ref]
            self._busy.add(ref)
            try:
                await self._write(due)
                backoffs = iter(Backoffs(first=0.2))
                self.fault = ""
            except KubeError as error:
                self.fault = str(error)
                log.warning("status not written: %s", error, extra={"object": str(ref)})
                await asyncio.sleep(getattr(error, "retry_after", None) or next(backoffs))
            finally:
                self._busy.discard(ref)

    async def _write(self, due: Due) -> None:
        seen = due.seen
        kind = OURS[seen.ref.kind]
        patch = {
            "metadata": {"resourceVersion": str(seen.version), "uid": seen.uid},
            "status": dict(due.patch),
        }
        try:
            stored = await self._client.merge(kind, seen.ref.namespace, seen.ref.name, patch, "status")
        except ConflictError:
            # Somebody was quicker: look at what is there now; the loop decides anew.
            found = await self._client.get(kind, seen.ref.namespace, seen.ref.name)
            if found is not None:
                self._noted(found)
            return
        except NotFoundError:
            return  # deleted meanwhile: its event is on the way
        self.writes += 1
        self._written(due, stored.get("status") or {})
        self._noted(stored)
        await self._told(due)
