"""Posts Events on users' objects, where their `Ready` turns: see `status.news`."""

from __future__ import annotations

import datetime
import logging
import secrets
import time
from collections.abc import Iterable
from typing import Final

from trunkline.api import API_VERSION, ObjectRef
from trunkline.controllers.store import Seen
from trunkline.kube.client import KubeClient, Manifest
from trunkline.kube.faults import KubeError
from trunkline.kube.paths import EVENTS
from trunkline.status.book import Due
from trunkline.status.news import NewsDesk

log = logging.getLogger(__name__)

_COMPONENT: Final = "trunkline.dev/operator"
_LONGEST_NOTE: Final = 1024
"""Of the API."""


class Events:
    """Tells what turned bad, and what is well again; not that something began well."""

    def __init__(self, client: KubeClient, instance: str) -> None:
        self._client, self._instance = client, instance
        self._desk = NewsDesk()

    async def tell(self, due: Due) -> None:
        """A status was stored. A fault of the API is logged: an Event is no state."""
        ready = due.status.condition("Ready")
        before = due.seen.stored.condition("Ready")
        news = self._desk.news(due.seen.ref, before, ready, time.monotonic())
        if news is not None and ready is not None:
            await self._post(due.seen, news, ready.reason, ready.message)

    def forget(self, gone: Iterable[ObjectRef]) -> None:
        """These objects are gone: of others with their names nothing was told yet."""
        for ref in gone:
            self._desk.forget(ref)

    async def warn(self, seen: Seen, reason: str, note: str) -> None:
        """Something happened to an object that its status will not tell. A fault of the API is logged."""
        await self._post(seen, "Warning", reason, note)

    async def _post(self, seen: Seen, kind: str, reason: str, note: str) -> None:
        try:
            await self._client.create(EVENTS, self._event(seen, kind, reason, note))
        except KubeError as error:
            log.info("event not posted: %s", error, extra={"object": str(seen.ref)})

    def _event(self, seen: Seen, kind: str, reason: str, note: str) -> Manifest:
        namespace = seen.ref.namespace or "default"
        now = datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        regarding = {
            "apiVersion": API_VERSION,
            "kind": seen.ref.kind,
            "name": seen.ref.name,
            "uid": seen.uid,
            "resourceVersion": str(seen.version),
        }
        if seen.ref.namespace is not None:
            regarding["namespace"] = seen.ref.namespace
        return {
            "apiVersion": EVENTS.api_version,
            "kind": EVENTS.name,
            "metadata": {"name": f"{seen.ref.name[:200]}.{secrets.token_hex(8)}", "namespace": namespace},
            "eventTime": now,
            "reportingController": _COMPONENT,
            "reportingInstance": self._instance[:128],
            "action": "Reconcile",
            "type": kind,
            "reason": reason,
            "note": note[:_LONGEST_NOTE],
            "regarding": regarding,
        }
