"""Objects of other projects' APIs, which a cluster may or may not have."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

Manifest = dict[str, Any]


@dataclass(frozen=True, slots=True)
class ForeignKind:
    """A namespaced kind that is not ours."""

    api_version: str
    plural: str
    name: str


class ForeignObjects(Protocol):
    """Such objects in the cluster. Faults are raised, with a text for people that holds no secret."""

    async def list(
        self, kind: ForeignKind, namespace: str, labels: Mapping[str, str]
    ) -> Sequence[Manifest] | None:
        """Those with the labels; None = the API server has no such kind, and is asked again later."""

    async def get(self, kind: ForeignKind, namespace: str, name: str) -> Manifest | None:
        """The object; None if there is none."""

    async def create(self, kind: ForeignKind, manifest: Manifest) -> bool:
        """Create it; False if there is one of its name already."""

    async def apply(self, kind: ForeignKind, manifest: Manifest) -> None:
        """Make it so by server-side apply: whoever calls has seen that it is ours."""

    async def delete(self, kind: ForeignKind, namespace: str, name: str, uid: str) -> None:
        """Delete just this one; no fault if it is gone."""
