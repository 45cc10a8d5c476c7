"""Stores statuses that are due: beside the loop, so that ten thousand of them hold up no publication."""

from __future__ import annotations

import asyncio
import contextlib
import datetime
import logging
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

from trunkline.kube.backoff import Backoffs
from trunkline.kube.client import KubeClient
from trunkline.kube.faults import ConflictError, InvalidError, KubeError, NotFoundError
from trunkline.kube.paths import OURS
from trunkline.status.book import Due, StatusBook

log = logging.getLogger(__name__)

AT_ONCE: Final = 16
REFUSED_SECONDS: Final = 300.0
"""How long a status is not tried again that the API server refuses for what else is in its object."""

Noted = Callable[[Mapping[str, Any]], None]
Written = Callable[[Due, Mapping[str, Any]], None]
Told = Callable[[Due], Awaitable[None]]


class StatusWriter:
    """Takes what is due from the book, one after another, and tells it what became of it."""

    def __init__(
        self, client: KubeClient, book: StatusBook, noted: Noted, written: Written, told: Told
    ) -> None:
        """`noted` takes objects as they are stored, and tells the book; `written` and `told` take each status
        that was stored."""
        self._client, self._book = client, book
        self._noted, self._written, self._told = noted, written, told
        self._wake = asyncio.Event()
        # Of all writes together: what one could not write, another would try without a rest.
        self._backoffs = iter(Backoffs(first=0.2))
        self.fault = ""

    def look(self) -> None:
        """The book was told something."""
        self._wake.set()

    async def run(self) -> None:
        """Until cancelled."""
        free = asyncio.Semaphore(AT_ONCE)
        async with asyncio.TaskGroup() as group:
            while True:
                await free.acquire()
                due = await self._next()
                group.create_task(self._store(due)).add_done_callback(lambda _: free.release())

    async def _next(self) -> Due:
        while True:
            self._wake.clear()
            found = self._book.due(time.monotonic(), _clock(), most=1)
            if found:
                return found[0]
            moment = self._book.next_look()
            rest = None if moment is None else max(0.0, moment - time.monotonic())
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(rest):
                    await self._wake.wait()

    async def _store(self, due: Due) -> None:
        try:
            await self._write(due)
            self._backoffs = iter(Backoffs(first=0.2))
            self.fault = ""
        except InvalidError as error:
            await self._give_up(due, error)
        except KubeError as error:
            self.fault = str(error)
            log.warning("status not written: %s", error, extra={"object": str(due.seen.ref)})
            # Its place among those that are written at once stays taken meanwhile: all write less.
            await asyncio.sleep(getattr(error, "retry_after", None) or next(self._backoffs))
            self._book.failed(due)
        except BaseException:
            # Cut off, as when the Lease is lost: the next term tries again.
            self._book.failed(due)
            raise
        self.look()

    async def _give_up(self, due: Due, error: InvalidError) -> None:
        """The object was stored under another schema, and today's takes no change of it but its mending."""
        self._book.failed(due, time.monotonic() + REFUSED_SECONDS)
        ready = due.status.condition("Ready")
        why = ready.message if ready is not None and ready.status == "False" else "nothing wrong"
        log.warning(
            "its status is refused, and not written before it changes: %s; it would say: %s",
            error,
            why,
            extra={"object": str(due.seen.ref)},
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
            # Somebody was quicker: look at what is there now; the book decides anew.
            found = await self._client.get(kind, seen.ref.namespace, seen.ref.name)
            if found is not None:
                self._noted(found)
                if found["metadata"]["resourceVersion"] == str(seen.version):
                    raise  # nobody was; it is no answer to act upon at once
            self._book.failed(due, time.monotonic() + _GONE_SECONDS)
            return
        except NotFoundError:
            # Deleted meanwhile: its event is on the way.
            self._book.failed(due, time.monotonic() + _GONE_SECONDS)
            return
        self._noted(stored)
        self._book.wrote(due, stored.get("status") or {}, time.monotonic())
        self._written(due, stored.get("status") or {})
        await self._told(due)


_GONE_SECONDS: Final = 30.0


def _clock() -> str:
    return datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
