"""Whole tables as deltas, for who has no running compiler."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from sipedge.table import EdgeTable, Row, Section
from sipedge.table.publication import OWN_SECTIONS, PARTS
from trunkline.api import Edge
from trunkline.compiler.delta import Delta, RowChange, RowKey
from trunkline.publication.rows import owner_of

Tables = Mapping[str, EdgeTable]
_SHARED = tuple(section for section in PARTS if section not in OWN_SECTIONS)


def delta_between(before: Tables, after: Tables, *, revokes: bool = True) -> Delta:
    """What leads from one set of tables to another; sections shared by edges are taken from any of them."""
    gone: dict[str, Edge | None] = dict.fromkeys(before.keys() - after.keys())
    return Delta(
        shared=dict(_changes(_some(before), _some(after), _SHARED, revokes)),
        own={
            edge: dict(_changes(before.get(edge), table, tuple(OWN_SECTIONS), revokes))
            for edge, table in after.items()
        },
        edges=gone,
    )


def _some(tables: Tables) -> EdgeTable | None:
    return next(iter(tables.values()), None)


def _changes(
    before: EdgeTable | None, after: EdgeTable | None, sections: tuple[Section, ...], revokes: bool
) -> Iterator[tuple[RowKey, RowChange]]:
    for section in sections:
        old, new = _rows(before, section), _rows(after, section)
        if old is new:
            continue
        for key, row in new.items():
            if (was := old.get(key)) is not row and was != row:
                yield (section, key), RowChange(row, owner_of(section, key, row), None, revokes)
        for key in old.keys() - new.keys():
            yield (section, key), RowChange(None, owner_of(section, key, old[key]), None, revokes)


def _rows(table: EdgeTable | None, section: Section) -> Mapping[str, Row]:
    return {} if table is None else table.sections.get(section, {})
