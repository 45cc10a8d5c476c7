"""Objects of other projects' APIs on the API server."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from trunkline.kube.client import KubeClient, Manifest
from trunkline.kube.faults import ConflictError, NotFoundError
from trunkline.kube.paths import Kind
from trunkline.plan.foreign import ForeignKind

AGAIN_SECONDS: Final = 60.0
"""How often a kind is asked for that the API server does not have: it may be installed at any time."""


class ForeignApi:
    """`plan.foreign.ForeignObjects`. Every method raises KubeError."""

    def __init__(self, client: KubeClient, clock: Callable[[], float] = time.monotonic) -> None:
        self._client, self._clock = client, clock
        self._missing: dict[ForeignKind, float] = {}
        """Kinds that the API server did not have, and when."""

    async def list(
        self, kind: ForeignKind, namespace: str, labels: Mapping[str, str]
    ) -> Sequence[Manifest] | None:
        """Those with the labels; None if the API server has no such kind."""
        missed = self._missing.get(kind)
        if missed is not None and self._clock() - missed < AGAIN_SECONDS:
            return None
        selector = ",".join(f"{label}={value}" for label, value in sorted(labels.items()))
        try:
            found = await self._client.list(_kind(kind), namespace, {"labelSelector": selector})
        except NotFoundError:
            # A namespace that is missing has no objects; a kind that is missing has no list.
            self._missing[kind] = self._clock()
            return None
        self._missing.pop(kind, None)
        return found.items

    async def get(self, kind: ForeignKind, namespace: str, name: str) -> Manifest | None:
        """The object; None if there is none."""
        return await self._client.get(_kind(kind), namespace, name)

    async def create(self, kind: ForeignKind, manifest: Manifest) -> bool:
        """Create it; False if there is one of its name already."""
        try:
            await self._client.create(_kind(kind), manifest)
        except ConflictError:
            return False
        return True

    async def apply(self, kind: ForeignKind, manifest: Manifest) -> None:
        """Make it so by server-side apply."""
        await self._client.apply(manifest, _kind(kind))

    async def delete(self, kind: ForeignKind, namespace: str, name: str, uid: str) -> None:
        """Delete just this one; no fault if it is gone or another has its name."""
        try:
            await self._client.delete(_kind(kind), namespace, name, uid)
        except ConflictError:
            pass


def _kind(kind: ForeignKind) -> Kind:
    return Kind(kind.api_version, kind.plural, kind.name)
