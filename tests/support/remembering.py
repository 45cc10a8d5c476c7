"""A process of the edge that serves one table after the other, and remembers what earlier calls have left."""

from __future__ import annotations

from collections.abc import Mapping

from sipedge.table import EdgeTable, Generation, Kept, MemoryRows, Section, Table
from sipedge.table.codec import pack_row
from sipedge.table.publication import PackedRows
from sipedge.table.rows import changed_generations
from support.tables import Platform


def packed(table: EdgeTable) -> PackedRows:
    """The rows of a table as they are published."""
    return {
        section: {key.encode(): pack_row(row) for key, row in rows.items()}
        for section, rows in table.sections.items()
    }


class NumberedRows(MemoryRows):
    """Rows with the numbers that a store would give their generations."""

    numbers: Mapping[Generation, int]

    @property
    def state(self) -> bytes:  # type: ignore[override]
        return repr(self.numbers).encode()

    def generation(self, generation: Generation) -> int:
        return self.numbers[generation]


class RememberingEdge:
    """A process that serves one table after the other and remembers."""

    def __init__(self) -> None:
        self.kept = Kept()
        self._rows: PackedRows = {}
        self._numbers = dict.fromkeys(Generation, 1)

    def serve(self, source: Platform) -> Table:
        """The table for the next message."""
        rows = packed(source.table())
        differing = [each for each in Section if rows.get(each, {}) != self._rows.get(each, {})]
        for generation in changed_generations(differing):
            self._numbers[generation] += 1
        self._rows = rows
        numbered = NumberedRows.of_packed(rows)
        assert isinstance(numbered, NumberedRows)
        numbered.numbers = dict(self._numbers)
        return Table(numbered, self.kept)
