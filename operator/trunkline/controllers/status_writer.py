"""Writes statuses that are due: beside the loop, so that ten thousand of them hold up no publication."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

from trunkline.api import ObjectRef
from trunkline.controllers.statuses import Due
from trunkline.kube.backoff import Backoffs
from trunkline.kube.client import KubeClient
from trunkline.kube.faults import ConflictError, InvalidError, KubeError, NotFoundError
from trunkline.kube.paths import OURS

log = logging.getLogger(__name__)

AT_ONCE: Final = 16
REFUSED_SECONDS: Final = 300.0
"""How long a status is not tried again that the API server refuses for what else is in its object."""

Noted = Callable[[Mapping[str, Any]], None]
Written = Callable[[Due, Mapping[str, Any]], None]
Told = Callable[[Due], Awaitable[None]]


class StatusWriter:
    """At most one write for each object at a time; what became of it comes back through the store."""

    def __init__(
        self, client: KubeClient, noted: Noted, written: Written, told: Told, again: Callable[[], None]
    ) -> None:
        """`noted` takes objects as they are stored, `written` and `told` each status that was.

        `again` is called when what is due should be offered again: a write failed, or was under way when its
        object changed.
        """
        self._client, self._noted, self._written, self._told = client, noted, written, told
        self._again = again
        self._waiting: dict[ObjectRef, Due] = {}
        self._busy: set[ObjectRef] = set()
        self._passed_over: set[ObjectRef] = set()
        self._refused: dict[ObjectRef, tuple[int, float]] = {}
        """By object the version that takes no status, and when to try again, monotonic."""
        self._wake = asyncio.Event()
        # Of all workers together: what one could not write, another would try without a rest.
        self._backoffs = iter(Backoffs(first=0.2))
        self.writes = 0
        self.fault = ""

    def offer(self, dues: Mapping[ObjectRef, Due]) -> None:
        """These, and only these, are due now."""
        now = time.monotonic()
        self._passed_over = self._busy & dues.keys()
        self._refused = {ref: each for ref, each in self._refused.items() if each[1] > now}
        self._waiting = {
            ref: due
            for ref, due in dues.items()
            if ref not in self._busy and self._refused.get(ref, (0, now))[0] != due.seen.version
        }
        if self._waiting:
            self._wake.set()

    async def run(self) -> None:
        """Until cancelled."""
        async with asyncio.TaskGroup() as group:
            for _ in range(AT_ONCE):
                group.create_task(self._work())

    async def _work(self) -> None:
        while True:
            while not self._waiting:
                self._wake.clear()
                await self._wake.wait()
            ref, due = next(iter(self._waiting.items()))
            del self._waiting[ref]
            self._busy.add(ref)
            try:
                await self._write(due)
                self._backoffs = iter(Backoffs(first=0.2))
                self.fault = ""
            except InvalidError as error:
                await self._give_up(due, error)
            except KubeError as error:
                self.fault = str(error)
                log.warning("status not written: %s", error, extra={"object": str(ref)})
                self._passed_over.add(ref)
                await asyncio.sleep(getattr(error, "retry_after", None) or next(self._backoffs))
            finally:
                self._busy.discard(ref)
            if ref in self._passed_over:
                self._passed_over.discard(ref)
                self._again()

    async def _give_up(self, due: Due, error: InvalidError) -> None:
        """The object was stored under another schema, and today's takes no change of it but its mending."""
        ref = due.seen.ref
        self._refused[ref] = (due.seen.version, time.monotonic() + REFUSED_SECONDS)
        ready = due.status.condition("Ready")
        why = ready.message if ready is not None and ready.status == "False" else "nothing wrong"
        log.warning(
            "its status is refused, and not written before it changes: %s; it would say: %s",
            error,
            why,
            extra={"object": str(ref)},
        )
        await self._told(due)

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
                if found["metadata"]["resourceVersion"] == str(seen.version):
                    raise  # nobody was; it is no answer to act upon at once
            return
        except NotFoundError:
            return  # deleted meanwhile: its event is on the way
        self.writes += 1
        self._written(due, stored.get("status") or {})
        self._noted(stored)
        await self._told(due)
