"""Packing what changed gives the bytes of packing everything."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from sipedge.table import EdgeTable
from sipedge.table.publication import pack_parts
from support.revisions import PackedTables
from support.strategies import platforms

tables = st.lists(platforms().map(lambda platform: platform.table()), min_size=1, max_size=5)


@given(tables)
def test_any_sequence_of_tables_packs_as_each_alone(sequence: list[EdgeTable]) -> None:
    packed = PackedTables()
    for table in sequence:
        assert packed.parts({table.edge: table}) == {table.edge: pack_parts(table)}
