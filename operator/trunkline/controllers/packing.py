"""Tables to parts, at the cost of what changed.

Rows are packed once, and a part is compressed again only when a row of it has changed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from sipedge.table import EdgeTable, Row, Section
from sipedge.table.codec import pack_row
from sipedge.table.publication import OWN_SECTIONS, PARTS, pack_part, part_hash, part_name


@dataclass(frozen=True, slots=True)
class Part:
    """The bytes of a part, and their hash as heads name it."""

    data: bytes
    digest: bytes


@dataclass(slots=True)
class _Packed:
    """One section as it was packed last."""

    rows: Mapping[str, Row] = field(default_factory=dict)
    place: dict[str, tuple[str, bytes]] = field(default_factory=dict)
    """Key to its part and key bytes."""
    parts: dict[str, dict[bytes, bytes]] = field(default_factory=dict)
    bytes_of: dict[str, Part] = field(default_factory=dict)


class Packer:
    """Remembers what it packed. Gives the same bytes as `pack_parts` does from nothing."""

    def __init__(self) -> None:
        self._sections: dict[tuple[str, Section], _Packed] = {}

    def shared(self, tables: Mapping[str, EdgeTable]) -> dict[str, Part]:
        """The parts that all edges share, by name. Every table has the same rows there."""
        some = next(iter(tables.values()), None)
        if some is None:
            return {}
        return self._pack("", some, (section for section in PARTS if section not in OWN_SECTIONS))

    def own(self, table: EdgeTable) -> dict[str, Part]:
        """The parts of one edge alone, by name."""
        return self._pack(table.edge, table, OWN_SECTIONS)

    def forget(self, edges: Iterable[str]) -> None:
        """Drop what is remembered of edges that are not among `edges`."""
        kept = {"", *edges}
        self._sections = {key: value for key, value in self._sections.items() if key[0] in kept}

    def _pack(self, owner: str, table: EdgeTable, sections: Iterable[Section]) -> dict[str, Part]:
        found: dict[str, Part] = {}
        for section in sections:
            packed = self._sections.setdefault((owner, section), _Packed())
            _repack(packed, section, table.sections.get(section, {}))
            found.update(packed.bytes_of)
        return found


def _repack(packed: _Packed, section: Section, rows: Mapping[str, Row]) -> None:
    before = packed.rows
    if rows is before:
        return
    touched: set[str] = set()
    for key, row in rows.items():
        old = before.get(key)
        if old is row or old == row:
            continue
        if key not in packed.place:
            raw = key.encode()
            packed.place[key] = part_name(section, raw), raw
        name, raw = packed.place[key]
        packed.parts.setdefault(name, {})[raw] = pack_row(row)
        touched.add(name)
    for key in before.keys() - rows.keys():
        name, raw = packed.place.pop(key)
        del packed.parts[name][raw]
        touched.add(name)
    packed.rows = rows
    for name in touched:
        if packed.parts[name]:
            data = pack_part({section.value: packed.parts[name]})
            packed.bytes_of[name] = Part(data, part_hash(data))
        else:
            del packed.parts[name]
            packed.bytes_of.pop(name, None)
