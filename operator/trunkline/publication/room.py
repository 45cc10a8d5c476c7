"""What a part that is too large does without: the youngest objects of the namespace with most bytes in it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from sipedge.table import Section
from sipedge.table.publication import pack_part
from trunkline.api import ObjectRef

LARGEST_PART: Final = 1024 * 1024 * 8 // 10
"""Bytes: 80 % of what an API server takes as the data of one Secret."""
_SPARE: Final = 0.98
"""How much of the room that an estimate leaves is used."""

TOO_LARGE: Final = (
    "its part of the table is full, and its namespace takes up most of it: "
    "use ranges instead of single numbers, or fewer objects"
)
"""Why an object is left out, and the mend."""


@dataclass(slots=True)
class _Namespace:
    """What one namespace has in a part."""

    size: int = 0
    objects: dict[ObjectRef, list[bytes]] = field(default_factory=dict)
    """The keys of each object's rows, the oldest object first."""


def left_out(
    section: Section,
    rows: Mapping[bytes, bytes],
    owner: Callable[[bytes, bytes], ObjectRef | None],
    bound: int,
) -> tuple[ObjectRef, ...]:
    """The objects without whose rows the part has at most `bound` bytes; none if it has them.

    `rows` has the oldest first. Rows that no single object owns stay, so that a part may be too large still.
    """
    namespaces: dict[str, _Namespace] = {}
    for key, row in rows.items():
        ref = owner(key, row)
        if ref is not None:
            one = namespaces.setdefault(ref.namespace or "", _Namespace())
            one.objects.setdefault(ref, []).append(key)
            one.size += len(key) + len(row)
    kept = dict(rows)
    gone: list[ObjectRef] = []
    while (size := _size(section, kept)) > bound and any(each.objects for each in namespaces.values()):
        raw = sum(len(key) + len(row) for key, row in kept.items())
        allowed = int(raw * bound / size * _SPARE)
        while raw > allowed and (largest := max(namespaces.values(), key=lambda each: each.size)).objects:
            ref, keys = largest.objects.popitem()
            freed = sum(len(key) + len(kept.pop(key)) for key in keys)
            largest.size -= freed
            raw -= freed
            gone.append(ref)
    return tuple(gone)


def _size(section: Section, rows: Mapping[bytes, bytes]) -> int:
    return len(pack_part({section.value: rows})) if rows else 0
