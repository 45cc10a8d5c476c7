"""All custom resources as last seen: what kopf's handlers note, and the loop reads.

Each version of an object's spec is decoded once. A change of status, labels or annotations alone is no
reason to compile.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from trunkline.api import KINDS, AnyResource, FieldErrors, InvalidObject, ObjectRef, decode

Manifest = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Seen:
    """One object as it was last seen."""

    ref: ObjectRef
    uid: str
    generation: int
    version: int
    """Resource version: comparable within one cluster."""
    content: AnyResource | InvalidObject
    status: Mapping[str, Any]
    """As stored; what the operator wrote last, or the CRD's default."""
    deleted_at: str
    """When deletion was asked for, RFC 3339; it waits for a finalizer. Empty = it was not."""
    finalizers: tuple[str, ...]

    @property
    def is_ending(self) -> bool:
        return bool(self.deleted_at)

    @property
    def identity(self) -> tuple[str, int]:
        """Which version of which object's spec this is: a new object of an old name is another one."""
        return self.uid, self.generation


class Store:
    """The one place that knows which objects exist."""

    def __init__(self) -> None:
        self._seen: dict[ObjectRef, Seen] = {}
        self._removed: dict[ObjectRef, int] = {}
        self._lost: set[str] = set()
        self.revision = 0
        """Rises whenever there is something to compile."""

    def note(self, event: str | None, manifest: Manifest) -> bool:
        """Take in what a watch said: `DELETED`, or any other event with the object's present state.

        False if that was known already, as with the echo of an own write.
        """
        ref, version = _ref(manifest), int(manifest["metadata"]["resourceVersion"])
        before = self._seen.get(ref)
        if event == "DELETED":
            if version <= self._removed.get(ref, 0) or (before is not None and version < before.version):
                return False
            self._removed[ref] = version
            self.forget(ref)
            return True
        if self.knows(ref, version):
            # A list or a write's answer was quicker than this event.
            return False
        self._removed.pop(ref, None)
        now = _seen(ref, version, manifest, before)
        self._seen[ref] = now
        if now.is_ending:
            self._lost.add(ref.kind)
        if before is None or (before.identity, before.is_ending) != (now.identity, now.is_ending):
            self.revision += 1
        return True

    def forget(self, ref: ObjectRef) -> None:
        """The object is gone."""
        if self._seen.pop(ref, None) is not None:
            self._lost.add(ref.kind)
            self.revision += 1

    def take_lost_kinds(self) -> frozenset[str]:
        """Kinds of which an object went, or began to, since the last call."""
        lost, self._lost = frozenset(self._lost), set()
        return lost

    def put_lost_kinds(self, kinds: Iterable[str]) -> None:
        """For the next call as well: nothing could be found out about these."""
        self._lost.update(kinds)

    def get(self, ref: ObjectRef) -> Seen | None:
        return self._seen.get(ref)

    def all(self) -> Iterator[Seen]:
        """Every object, those that are ending included."""
        return iter(tuple(self._seen.values()))

    def snapshot(self) -> Mapping[ObjectRef, Seen]:
        """Every object by reference, as it is now; for reading within one step."""
        return self._seen

    def versions(self, kind: str) -> Mapping[ObjectRef, int]:
        """The resource version of every object of a kind."""
        return {ref: seen.version for ref, seen in self._seen.items() if ref.kind == kind}

    def knows(self, ref: ObjectRef, version: int) -> bool:
        """True if what was seen of the object is at least as new as `version`, be it that it is gone."""
        seen = self._seen.get(ref)
        return max(seen.version if seen else 0, self._removed.get(ref, 0)) >= version

    def of(self, kind: str) -> list[Seen]:
        """Every object of a kind, those that are ending included, by name."""
        return sorted(
            (seen for ref, seen in self._seen.items() if ref.kind == kind), key=lambda seen: seen.ref
        )

    def contents(self) -> tuple[list[AnyResource], list[InvalidObject]]:
        """The objects to serve, and those that cannot be."""
        good: list[AnyResource] = []
        bad: list[InvalidObject] = []
        for seen in self._seen.values():
            if seen.is_ending:
                continue
            if isinstance(seen.content, InvalidObject):
                bad.append(seen.content)
            else:
                good.append(seen.content)
        return good, bad


def _ref(manifest: Manifest) -> ObjectRef:
    metadata = manifest["metadata"]
    kind = manifest["kind"]
    namespace = metadata.get("namespace") if KINDS[kind].scope == "Namespaced" else None
    return ObjectRef(kind, namespace, metadata["name"])


def _seen(ref: ObjectRef, version: int, manifest: Manifest, before: Seen | None) -> Seen:
    metadata = manifest["metadata"]
    uid, generation = metadata["uid"], metadata["generation"]
    same = before is not None and before.identity == (uid, generation)
    return Seen(
        ref=ref,
        uid=uid,
        generation=generation,
        version=version,
        content=before.content if before is not None and same else _decoded(ref, generation, manifest),
        status=manifest.get("status") or {},
        deleted_at=metadata.get("deletionTimestamp") or "",
        finalizers=tuple(metadata.get("finalizers") or ()),
    )


def _decoded(ref: ObjectRef, generation: int, manifest: Manifest) -> AnyResource | InvalidObject:
    """The object, or why it cannot be used: an API server with other CRDs may hold what these refuse."""
    try:
        return decode(manifest)
    except FieldErrors as error:
        return InvalidObject(ref, generation, error.errors)
