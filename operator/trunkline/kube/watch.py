"""Follow all objects of a kind: one whole list, then each change, without end.

Kopf watches the custom resources. This is for Secrets, Leases and Pods, of which the operator may see only
some namespaces, while kopf has one scope for all kinds.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from typing import Protocol

from trunkline.kube.backoff import Backoffs
from trunkline.kube.client import KubeClient, Manifest
from trunkline.kube.faults import ForbiddenError, GoneError, KubeError, TransientError
from trunkline.kube.paths import Kind


class Sink(Protocol):
    """Takes what a watch tells."""

    def replace(self, objects: Sequence[Manifest]) -> None:
        """These are all objects now."""

    def change(self, found: Manifest) -> None:
        """An object is new or has changed."""

    def remove(self, found: Manifest) -> None:
        """An object is gone; this is its last state."""


class Watch:
    """One kind in one namespace, or in all (`namespace` None)."""

    def __init__(
        self,
        client: KubeClient,
        kind: Kind,
        namespace: str | None,
        sink: Sink,
        query: Mapping[str, str],
        *,
        metadata_only: bool = False,
    ) -> None:
        """`query` may hold labelSelector and fieldSelector. With `metadata_only` no content is sent."""
        self._client, self._kind, self._namespace, self._sink = client, kind, namespace, sink
        self._query, self._metadata_only = query, metadata_only
        self.settled = asyncio.Event()
        """Set once the first list came, or was forbidden: from then on the sink knows what can be known."""
        self.forbidden_since: float | None = None
        """Since when (monotonic) the API server refuses; None while it does not."""
        self.fault = ""
        """What is wrong now; "" if nothing."""

    async def run(self) -> None:
        """Until cancelled."""
        backoffs = iter(Backoffs())
        version: str | None = None
        while True:
            try:
                if version is None:
                    version = await self._list()
                async for type_, found in self._client.watch(
                    self._kind, self._namespace, version, self._query, metadata_only=self._metadata_only
                ):
                    version = found["metadata"]["resourceVersion"]
                    self._tell(type_, found)
                    backoffs = iter(Backoffs())
                # The server ends a watch after some minutes: no fault, but not at once either.
                await asyncio.sleep(0.1)
                continue
            except GoneError:
                # No fault: history is short. But a server that says so at once is not asked at once again.
                version, wait = None, None
            except KubeError as error:
                self._refused(error)
                if not isinstance(error, TransientError):
                    version = None
                wait = getattr(error, "retry_after", None)
            await asyncio.sleep(wait or next(backoffs))

    async def _list(self) -> str:
        listing = await self._client.list(
            self._kind, self._namespace, self._query, metadata_only=self._metadata_only
        )
        self._sink.replace(listing.items)
        self.fault, self.forbidden_since = "", None
        self.settled.set()
        return listing.resource_version

    def _tell(self, type_: str, found: Manifest) -> None:
        if type_ == "DELETED":
            self._sink.remove(found)
        elif type_ in ("ADDED", "MODIFIED"):
            self._sink.change(found)

    def _refused(self, error: KubeError) -> None:
        self.fault = str(error)
        if isinstance(error, ForbiddenError):
            self.forbidden_since = self.forbidden_since or time.monotonic()
            self.settled.set()
