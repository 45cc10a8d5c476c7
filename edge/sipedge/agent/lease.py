"""Says what this pod serves, in annotations of the Lease that the operator made for it."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Final

from sipedge.agent.acknowledge import Acknowledgement
from sipedge.agent.faults import Faults
from sipedge.agent.kube_api import ApiError, KubernetesApi
from sipedge.contract import (
    ADDRESS,
    ERROR,
    LONGEST_ERROR,
    LONGEST_TOLD,
    READY,
    RECORDINGS,
    REVISION,
    SCHEMAS,
    TALLIES,
    TOLD,
)
from sipedge.dice import DICE
from sipedge.table.rows import OLDEST_SCHEMA, SCHEMA

SHORTEST_SECONDS: Final = 1.0
"""Between two writes."""
RENEW_SECONDS: Final = 10.0
"""Between two writes while nothing changes, so that a dead agent can be told."""
LONGEST_RETRY_SECONDS: Final = 5.0
TOPIC: Final = "lease"
_CUT: Final = "..."


class LeaseAcknowledger:
    """Keeps one Lease equal to the newest acknowledgement, with at most one write a second."""

    def __init__(self, api: KubernetesApi, namespace: str, name: str, faults: Faults) -> None:
        self._api, self._faults = api, faults
        self._what = f"Lease {namespace}/{name}"
        self._path = f"/apis/coordination.k8s.io/v1/namespaces/{namespace}/leases/{name}"
        self._wanted: Acknowledgement | None = None
        self._written: Acknowledgement | None = None
        self._retry_seconds = SHORTEST_SECONDS
        self._changed = asyncio.Event()
        self._is_told = asyncio.Event()
        self.tallies: Callable[[str], str | None] = lambda renewed: None
        """What is counted, to be written as well; it is no reason to write."""

    def tell(self, acknowledgement: Acknowledgement) -> None:
        """This is the newest."""
        if acknowledgement != self._wanted:
            self._wanted = acknowledgement
            self._is_told.clear()
            self._changed.set()

    async def until_told(self, seconds: float) -> None:
        """Return when the Lease says the newest, and after `seconds` at the latest."""
        try:
            async with asyncio.timeout(seconds):
                await self._is_told.wait()
        except TimeoutError:
            pass  # the API server is away, or slow: that holds nothing up

    async def run(self) -> None:
        """Write, without end."""
        while True:
            self._changed.clear()
            wanted = self._wanted
            if wanted is not None:
                began = time.monotonic()
                pause = await self._write(wanted)
                await asyncio.sleep(max(0.0, began + pause - time.monotonic()))
            if self._wanted is not None and self._wanted != self._written:
                continue
            try:
                async with asyncio.timeout(RENEW_SECONDS - SHORTEST_SECONDS):
                    await self._changed.wait()
            except TimeoutError:
                pass  # it is time to renew

    async def _write(self, wanted: Acknowledgement) -> float:
        """How many seconds after its beginning the next write may follow."""
        now = _now()
        notes = notes_of(wanted) if wanted != self._written else {}
        patch: dict[str, Any] = {
            "metadata": {"annotations": {**notes, SCHEMAS: schemas_read(now), TALLIES: self.tallies(now)}},
            "spec": {"renewTime": now},
        }
        try:
            await asyncio.to_thread(self._api.merge, self._path, patch)
        except ApiError as error:
            missing = error.status == 404
            text = f"{self._what} is missing: the operator makes it" if missing else str(error)
            self._faults.set(TOPIC, f"{text}; the operator does not hear of this pod meanwhile")
            self._written = None
            self._retry_seconds = min(self._retry_seconds * 2, LONGEST_RETRY_SECONDS)
            return error.wait or self._retry_seconds * (0.5 + DICE.random() / 2)
        self._faults.set(TOPIC, None)
        self._written, self._retry_seconds = wanted, SHORTEST_SECONDS
        if wanted == self._wanted:
            self._is_told.set()
        return SHORTEST_SECONDS


def notes_of(acknowledgement: Acknowledgement) -> dict[str, str | None]:
    """What the Lease says; None = the annotation is taken away."""
    revision = acknowledgement.revision
    return {
        REVISION: None if revision is None else str(revision),
        ADDRESS: acknowledgement.address or None,
        READY: "true" if acknowledgement.ready else "false",
        ERROR: _bounded(acknowledgement.error) if acknowledgement.error else None,
        TOLD: _told(acknowledgement),
        RECORDINGS: acknowledgement.recordings,
    }


def _told(acknowledgement: Acknowledgement) -> str | None:
    """None if there is nothing to say, or more than fits: nobody's calls depend on it."""
    said = {
        "registrations": acknowledgement.registrations,
        "minutes_reached": acknowledgement.minutes_reached,
    }
    text = json.dumps({name: value for name, value in said.items() if value})
    return text if any(said.values()) and len(text) <= LONGEST_TOLD else None


def schemas_read(renewed: str) -> str:
    """The annotation SCHEMAS of a Lease that is renewed at this time."""
    return f"{','.join(map(str, range(OLDEST_SCHEMA, SCHEMA + 1)))} {renewed}"


def _bounded(error: str) -> str:
    return error if len(error) <= LONGEST_ERROR else error[: LONGEST_ERROR - len(_CUT)] + _CUT


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
