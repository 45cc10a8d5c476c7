"""Packed rows by part, and the bytes of a part: made again only when a row of it has changed.

A row costs its packed bytes and its key, and nothing else is remembered of it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from sipedge.table import Section
from sipedge.table.publication import pack_part, part_hash, part_name

PartKey = tuple[str, str]
"""Whose a part is, and its name: an Edge's name, or "" for parts that edges share."""

Rows = Mapping[bytes, bytes]
"""Key to packed row, the longest there first."""


def part_of_row(section: Section, key: bytes, edge: str = "", group: str = "") -> PartKey:
    """The part that holds a row of this key."""
    return edge, part_name(section, key, group)


def section_of(part: PartKey) -> Section:
    """The one section whose rows a part holds."""
    return Section(part[1].rpartition(".")[2].rpartition("-")[0].replace("-", "_"))


class Packer:
    """The rows that are to be published, as bytes. Gives the same bytes as `pack_parts` does from nothing."""

    def __init__(self) -> None:
        self._rows: dict[PartKey, dict[bytes, bytes]] = {}
        self._digests: dict[PartKey, bytes] = {}
        self._packed: dict[PartKey, bytes] = {}
        self._stale: set[PartKey] = set()
        self._sizes: dict[PartKey, int] = {}
        self.shape = 0
        """Another number whenever a part comes or goes."""

    def get(self, part: PartKey, key: bytes) -> bytes | None:
        """The packed row."""
        return self._rows.get(part, {}).get(key)

    def rows(self, part: PartKey) -> Rows:
        """All rows of a part."""
        return self._rows.get(part, {})

    def size(self, part: PartKey) -> int:
        """The bytes of a part's keys and rows, before they are compressed."""
        return self._sizes.get(part, 0)

    def put(self, part: PartKey, key: bytes, row: bytes | None) -> None:
        """Row `key` of `part` is now `row`; None = it is gone."""
        rows = self._rows.get(part)
        if rows is None:
            if row is None:
                return
            rows = self._rows[part] = {}
            self.shape += 1
        before = rows.get(key)
        grown = (0 if row is None else len(key) + len(row)) - (
            0 if before is None else len(key) + len(before)
        )
        self._sizes[part] = self._sizes.get(part, 0) + grown
        if row is not None:
            rows[key] = row
        elif before is not None:
            del rows[key]
        if not rows:
            self.drop((part,))
        self._stale.add(part)

    def drop(self, parts: Collection[PartKey]) -> None:
        """These parts have no rows any more."""
        for part in parts:
            if self._rows.pop(part, None) is not None:
                del self._sizes[part]
                self.shape += 1
                self._stale.add(part)

    @property
    def stale(self) -> frozenset[PartKey]:
        """The parts that have changed since `digests` was asked."""
        return frozenset(self._stale)

    def __iter__(self) -> Iterator[PartKey]:
        """Every part that has rows."""
        return iter(self._rows)

    def digests(self) -> Mapping[PartKey, bytes]:
        """The hash of every part that has rows, as heads name it."""
        for part in self._stale:
            if part in self._rows:
                self._packed[part] = self._pack(part)
                self._digests[part] = part_hash(self._packed[part])
            else:
                self._packed.pop(part, None)
                self._digests.pop(part, None)
        self._stale.clear()
        return self._digests

    def data(self, part: PartKey) -> bytes:
        """The bytes of a part that has rows."""
        packed = self._packed.get(part)
        return self._pack(part) if packed is None or part in self._stale else packed

    def forget_bytes(self) -> None:
        """What was packed is published: it can be packed again if need be."""
        self._packed.clear()

    def _pack(self, part: PartKey) -> bytes:
        return pack_part({section_of(part).value: self._rows[part]})
