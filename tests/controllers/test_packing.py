"""Packing what changed gives the bytes of packing everything."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from sipedge.table import EdgeTable, Row, Section
from sipedge.table.publication import OWN_SECTIONS, pack_parts
from support.strategies import platforms
from trunkline.controllers.packing import Packer

tables = st.lists(platforms().map(lambda platform: platform.table()), min_size=1, max_size=5)


@given(tables)
def test_any_sequence_of_tables_packs_as_each_alone(sequence: list[EdgeTable]) -> None:
    packer = Packer()
    for table in sequence:
        parts = {**packer.shared({table.edge: table}), **packer.own(table)}
        assert {name: part.data for name, part in sorted(parts.items())} == pack_parts(table)


@given(platforms().map(lambda platform: platform.table()))
def test_equal_rows_of_new_objects_are_not_packed_again(table: EdgeTable) -> None:
    """What compilation after compilation says the same costs nothing, and stays the same bytes object."""
    packer = Packer()
    before = packer.shared({table.edge: table})
    copied = EdgeTable(table.edge, {section: _copied(rows) for section, rows in table.sections.items()})
    after = packer.shared({table.edge: copied})
    assert all(after[name] is part for name, part in before.items())


def _copied(rows: object) -> dict[str, Row]:
    assert isinstance(rows, dict)
    return {key: replace(row) for key, row in rows.items()}


@given(platforms().map(lambda platform: platform.table()))
def test_edges_share_every_part_but_their_own(table: EdgeTable) -> None:
    own = {section.value for section in OWN_SECTIONS}
    packer = Packer()
    assert all(name.rpartition("-")[0] not in own for name in packer.shared({table.edge: table}))
    assert all(name.rpartition("-")[0] in own for name in packer.own(table))


def test_an_edge_that_is_gone_is_forgotten() -> None:
    """Its rows would stay in memory, and come back with an Edge of the same name."""
    packer = Packer()
    site: dict[Section, dict[str, Row]] = {Section.SITE: {}}
    packer.own(EdgeTable("ashburn", site))
    packer.forget(["dublin"])
    assert packer.own(EdgeTable("ashburn", site)) == {}
