"""All custom resources as last seen: what kopf's handlers note, and the loop reads.

Each version of an object's spec is decoded once, and kept no longer than until it is compiled. A change of
status, labels or annotations alone is no reason to compile. Of a status its digest is kept.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from trunkline.api import KINDS, AnyResource, FieldErrors, InvalidObject, ObjectRef, decode
from trunkline.status.counts import ObjectCounts
from trunkline.status.stored import StoredStatus, stored_status

Manifest = Mapping[str, Any]


_MOST_REMOVED: Final = 10_000
"""So many deleted objects are remembered, lest an old event bring one back."""
_NOTHING: Final[Mapping[str, Any]] = {}
_WHOLE_STATUS: Final = "Edge"
"""Of this kind a restarted operator goes on from what the status says."""


@dataclass(frozen=True, slots=True)
class Seen:
    """One object as it was last seen, without its spec."""

    ref: ObjectRef
    identity: tuple[str, int]
    """Which version of which object's spec this is: a new object of an old name is another one."""
    version: int
    """Resource version: comparable within one cluster."""
    stored: StoredStatus
    """What the operator wrote last, or the CRD's default."""
    deleted_at: str = ""
    """When deletion was asked for, RFC 3339; it waits for a finalizer. Empty = it was not."""
    finalizers: tuple[str, ...] = ()
    status: Mapping[str, Any] = field(default_factory=dict)
    """As stored; of Edges only."""

    @property
    def uid(self) -> str:
        return self.identity[0]

    @property
    def generation(self) -> int:
        return self.identity[1]

    @property
    def is_ending(self) -> bool:
        return bool(self.deleted_at)


class Store:
    """The one place that knows which objects exist."""

    def __init__(self) -> None:
        self._seen: dict[str, dict[ObjectRef, Seen]] = {kind: {} for kind in KINDS}
        self._removed: dict[ObjectRef, int] = {}
        self._lost: set[str] = set()
        self._contents: dict[ObjectRef, AnyResource | InvalidObject | None] = {}
        self._changed: set[ObjectRef] = set()
        self.revision = 0
        """Rises whenever there is something to compile."""
        self.counts = ObjectCounts()

    def note(self, event: str | None, manifest: Manifest) -> bool:
        """Take in what a watch said: `DELETED`, or any other event with the object's present state.

        False if that was known already, as with the echo of an own write.
        """
        ref, version = _ref(manifest), int(manifest["metadata"]["resourceVersion"])
        before = self.get(ref)
        if event == "DELETED":
            if version <= self._removed.get(ref, 0) or (before is not None and version < before.version):
                return False
            self._remember_removed(ref, version)
            self.forget(ref)
            return True
        if self.knows(ref, version):
            # A list or a write's answer was quicker than this event.
            return False
        self._removed.pop(ref, None)
        now = _seen(ref, version, manifest, before)
        ref = now.ref
        self._seen[ref.kind][ref] = now
        self.counts.change(ref.kind, None if before is None else before.stored, now.stored)
        self._changed.add(ref)
        if now.is_ending:
            self._lost.add(ref.kind)
        if before is None or (before.identity, before.is_ending) != (now.identity, now.is_ending):
            self._contents[ref] = None if now.is_ending else _decoded(ref, now.generation, manifest)
            self.revision += 1
        return True

    def forget(self, ref: ObjectRef) -> None:
        """The object is gone."""
        gone = self._seen[ref.kind].pop(ref, None)
        if gone is not None:
            self.counts.change(ref.kind, gone.stored, None)
            self._lost.add(ref.kind)
            self._contents[ref] = None
            self._changed.add(ref)
            self.revision += 1

    def take_contents(self) -> Mapping[ObjectRef, AnyResource | InvalidObject | None]:
        """What is new since the last call, for the compiler, and not kept here; None = gone, or ending."""
        taken, self._contents = self._contents, {}
        return taken

    def take_changed(self) -> tuple[list[Seen], list[ObjectRef]]:
        """What was seen otherwise than before since the last call, and what is gone; all on the first."""
        taken, self._changed = self._changed, set()
        found = {ref: self.get(ref) for ref in taken}
        return [seen for seen in found.values() if seen], [ref for ref, seen in found.items() if not seen]

    def _remember_removed(self, ref: ObjectRef, version: int) -> None:
        self._removed.pop(ref, None)
        self._removed[ref] = version
        if len(self._removed) > _MOST_REMOVED:
            del self._removed[next(iter(self._removed))]

    def take_lost_kinds(self) -> frozenset[str]:
        """Kinds of which an object went, or began to, since the last call."""
        lost, self._lost = frozenset(self._lost), set()
        return lost

    def put_lost_kinds(self, kinds: Iterable[str]) -> None:
        """For the next call as well: nothing could be found out about these."""
        self._lost.update(kinds)

    def get(self, ref: ObjectRef) -> Seen | None:
        return self._seen[ref.kind].get(ref)

    def all(self) -> Iterator[Seen]:
        """Every object, those that are ending included."""
        return iter([seen for kind in self._seen.values() for seen in kind.values()])

    def versions(self, kind: str) -> Mapping[ObjectRef, int]:
        """The resource version of every object of a kind."""
        return {ref: seen.version for ref, seen in self._seen[kind].items()}

    def knows(self, ref: ObjectRef, version: int) -> bool:
        """True if what was seen of the object is at least as new as `version`, be it that it is gone."""
        seen = self.get(ref)
        return max(seen.version if seen else 0, self._removed.get(ref, 0)) >= version

    def of(self, kind: str) -> list[Seen]:
        """Every object of a kind, those that are ending included, by name."""
        return sorted(self._seen[kind].values(), key=lambda seen: seen.ref)


def _ref(manifest: Manifest) -> ObjectRef:
    metadata, kind = manifest["metadata"], KINDS[manifest["kind"]]
    # One text for each namespace and kind, not one for each object.
    namespace = sys.intern(metadata["namespace"]) if kind.scope == "Namespaced" else None
    return ObjectRef(kind.kind, namespace, metadata["name"])


def _seen(ref: ObjectRef, version: int, manifest: Manifest, before: Seen | None) -> Seen:
    metadata, status = manifest["metadata"], manifest.get("status") or {}
    identity = (metadata["uid"], metadata["generation"])
    if before is not None:
        # The same texts are not kept twice.
        ref, identity = before.ref, before.identity if before.identity == identity else identity
    return Seen(
        ref=ref,
        identity=identity,
        version=version,
        stored=stored_status(status),
        deleted_at=metadata.get("deletionTimestamp") or "",
        finalizers=tuple(metadata.get("finalizers") or ()),
        status=status if ref.kind == _WHOLE_STATUS else _NOTHING,
    )


def _decoded(ref: ObjectRef, generation: int, manifest: Manifest) -> AnyResource | InvalidObject:
    """The object, or why it cannot be used: an API server with other CRDs may hold what these refuse."""
    try:
        return decode(manifest)
    except FieldErrors as error:
        return InvalidObject(ref, generation, error.errors)
