"""Rows of single edges: what an edge knows of itself, and its routes. They never wait."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from sipedge.fault import describe_fault
from sipedge.table.codec import pack_row
from trunkline.compiler.delta import RowChange, RowKey
from trunkline.publication.packer import Packer, PartKey, part_of_row
from trunkline.publication.stored import raw_key

_Changes = dict[PartKey, dict[bytes, bytes | None]]


class OwnRows:
    """Changes of them, until the next publication."""

    def __init__(self) -> None:
        self._changes: dict[str, _Changes] = {}
        """By edge."""
        self._gone: set[str] = set()
        """Edges whose rows go, before those of a new edge of the same name come."""
        self._edges: dict[str, None] = {}
        self.faults: dict[str, str] = {}
        """Edge to why its newest rows cannot be published. The last ones stay."""

    @property
    def edges(self) -> Iterable[str]:
        """Those that have a table, and whose newest one can be made."""
        return [edge for edge in self._edges if edge not in self.faults]

    @property
    def known(self) -> Iterable[str]:
        """Those that have a table, also if their newest one cannot be made."""
        return tuple(self._edges)

    def serve(self, edge: str) -> None:
        """This edge has a table, whatever is in it."""
        self._edges[edge] = None

    def take(self, edge: str, rows: Mapping[RowKey, RowChange]) -> None:
        """These rows of `edge` have changed."""
        self.serve(edge)
        changes = self._changes.setdefault(edge, {})
        try:
            for key, change in rows.items():
                raw, row = raw_key(key), change.row
                part = part_of_row(key[0], raw, edge)
                changes.setdefault(part, {})[raw] = None if row is None else pack_row(row)
        except Exception as error:
            self.faults[edge] = describe_fault(error)
        else:
            self.faults.pop(edge, None)

    def gone(self, edges: Iterable[str]) -> None:
        """These edges have no table any more."""
        for edge in edges:
            self._gone.add(edge)
            self._changes.pop(edge, None)
            self._edges.pop(edge, None)
            self.faults.pop(edge, None)

    def put_into(self, packer: Packer) -> None:
        """Make the packer's rows what they should be."""
        if self._gone:
            packer.drop([part for part in packer if part[0] in self._gone])
            self._gone.clear()
        for edge in self._changes.keys() - self.faults.keys():
            for part, rows in self._changes.pop(edge).items():
                for key, row in rows.items():
                    packer.put(part, key, row)
