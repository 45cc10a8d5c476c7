"""Objects that are in no table although nothing is wrong with them: there is no room in their part."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from trunkline.api import ObjectRef
from trunkline.compiler.delta import RowKey
from trunkline.compiler.reasons import ConditionReason
from trunkline.publication.packer import PartKey
from trunkline.publication.room import TOO_LARGE
from trunkline.publication.stored import StoredRow
from trunkline.status.conditions import Opinion
from trunkline.status.reasons import StatusReason


class LeftOut:
    """Their rows, which come back as soon as there is room."""

    def __init__(self) -> None:
        self._rows: dict[RowKey, tuple[StoredRow, ObjectRef, PartKey]] = {}
        self._unfit: dict[RowKey, tuple[ObjectRef, str]] = {}

    @property
    def without_room(self) -> Mapping[ObjectRef, str]:
        """Each object for which there is no room, and what to do about it."""
        return {ref: TOO_LARGE for _, ref, _ in self._rows.values()}

    @property
    def unfit(self) -> Mapping[ObjectRef, str]:
        """Each object of which a row cannot be written down, and why, without a value of it."""
        return dict(self._unfit.values())

    def leave(self, ref: ObjectRef, part: PartKey, rows: Iterable[tuple[RowKey, StoredRow]]) -> None:
        """There is no room for `ref` in `part`. Called for the youngest first."""
        self._rows = {**{key: (row, ref, part) for key, row in rows}, **self._rows}

    def refuse(self, key: RowKey, ref: ObjectRef | None, why: str) -> None:
        """This row cannot be written down at all."""
        if ref is not None:
            self._unfit[key] = ref, why

    def forget(self, key: RowKey) -> None:
        """This row is another one now."""
        self._rows.pop(key, None)
        self._unfit.pop(key, None)

    def rows(self) -> Iterator[tuple[RowKey, StoredRow, ObjectRef]]:
        """Every row for which there is no room, with its object. Nothing may be changed meanwhile."""
        return ((key, row, ref) for key, (row, ref, _) in self._rows.items())

    def readmit(self, part: PartKey) -> Iterable[tuple[RowKey, StoredRow]]:
        """The rows of all that found no room in `part`, the oldest first; they are forgotten here."""
        rows = [(key, row) for key, (row, _, place) in self._rows.items() if place == part]
        for key, _ in rows:
            del self._rows[key]
        return rows


def in_no_table(
    without_room: Mapping[ObjectRef, str], unfit: Mapping[ObjectRef, str] | None = None
) -> Mapping[ObjectRef, tuple[Opinion, ...]]:
    """`Accepted=False` for objects that are valid and still in no table."""
    said = {
        **{ref: (StatusReason.TOO_LARGE, why) for ref, why in without_room.items()},
        **{
            ref: (ConditionReason.INTERNAL_ERROR, f"Trunkline itself failed: {why}")
            for ref, why in (unfit or {}).items()
        },
    }
    programmed = Opinion("Programmed", "False", StatusReason.NOT_ACCEPTED, "it is in no edge's table")
    return {
        ref: (Opinion("Accepted", "False", reason, message), programmed)
        for ref, (reason, message) in said.items()
    }
