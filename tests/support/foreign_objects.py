"""Objects of other projects in memory: what `plan.foreign.ForeignObjects` promises, and a count of writes."""

from __future__ import annotations

import copy
import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from trunkline.plan.foreign import ForeignKind, Manifest


@dataclass
class MemoryObjects:
    """One namespace's objects of any kind, by kind and name."""

    stored: dict[tuple[str, str], Manifest] = field(default_factory=dict)
    missing: set[str] = field(default_factory=set)
    """Kinds that the API server does not have."""
    fault: Exception | None = None
    """Raised by every write while it is set."""
    writes: int = 0
    uids: itertools.count[int] = field(default_factory=itertools.count)

    async def list(
        self, kind: ForeignKind, namespace: str, labels: Mapping[str, str]
    ) -> Sequence[Manifest] | None:
        if kind.name in self.missing:
            return None
        return [
            copy.deepcopy(each)
            for (name, _), each in sorted(self.stored.items())
            if name == kind.name and labels.items() <= each["metadata"].get("labels", {}).items()
        ]

    async def get(self, kind: ForeignKind, namespace: str, name: str) -> Manifest | None:
        return copy.deepcopy(self.stored.get((kind.name, name)))

    async def create(self, kind: ForeignKind, manifest: Manifest) -> bool:
        if (kind.name, manifest["metadata"]["name"]) in self.stored:
            return False
        self._write(kind, manifest)
        return True

    async def apply(self, kind: ForeignKind, manifest: Manifest) -> None:
        self._write(kind, manifest)

    async def delete(self, kind: ForeignKind, namespace: str, name: str, uid: str) -> None:
        self._count()
        found = self.stored.get((kind.name, name))
        if found is not None and found["metadata"]["uid"] == uid:
            del self.stored[kind.name, name]

    def _write(self, kind: ForeignKind, manifest: Manifest) -> None:
        self._count()
        name = manifest["metadata"]["name"]
        made = copy.deepcopy(manifest)
        before = self.stored.get((kind.name, name))
        made["metadata"]["uid"] = before["metadata"]["uid"] if before else f"uid-{next(self.uids)}"
        if before and "status" in before:
            made["status"] = before["status"]
        self.stored[kind.name, name] = made

    def _count(self) -> None:
        if self.fault is not None:
            raise self.fault
        self.writes += 1
