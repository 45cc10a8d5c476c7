"""Rows, parts and heads come back as they went; damaged bytes are told apart; look-ups miss nothing."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from sipedge.e164 import is_e164, range_key, with_plus
from sipedge.table import EdgeTable, NumberRow, RouteRow, Row, Section
from sipedge.table.codec import TableFormatError, pack_row, unpack_row
from sipedge.table.publication import (
    PARTS,
    Head,
    head_of,
    pack_parts,
    part_hash,
    rows_of,
    unpack_head,
    unpack_part,
)
from sipedge.table.rows import SECTIONS
from support.calls import table_of
from support.strategies import hostile_text, values_of
from support.tables import Platform, make_gateway

published = sorted(PARTS, key=lambda section: section.value)


@pytest.mark.parametrize("section", tuple(Section))
@given(data=st.data())
def test_a_row_survives_its_bytes(section: Section, data: st.DataObject) -> None:
    row: Row = data.draw(values_of(SECTIONS[section].row))
    packed = pack_row(row)
    assert unpack_row(section, packed) == row
    assert pack_row(unpack_row(section, packed)) == packed


@given(st.sampled_from(tuple(Section)), st.binary(max_size=60))
def test_any_bytes_are_a_row_or_a_format_error(section: Section, data: bytes) -> None:
    try:
        row = unpack_row(section, data)
    except TableFormatError:
        return
    assert isinstance(row, SECTIONS[section].row)


@st.composite
def tables(draw: st.DrawFn) -> EdgeTable:
    sections = draw(st.lists(st.sampled_from(published), max_size=4, unique=True))
    keys = st.text(min_size=1, max_size=10)
    return EdgeTable(
        "ashburn",
        {
            section: draw(st.dictionaries(keys, values_of(SECTIONS[section].row), max_size=3))
            for section in sections
        },
    )


@given(tables())
def test_a_table_survives_its_publication(table: EdgeTable) -> None:
    parts = pack_parts(table)
    rows = rows_of(parts.values())
    read = {
        section: {key.decode(): unpack_row(section, data) for key, data in packed.items()}
        for section, packed in rows.items()
    }
    assert read == {section: dict(rows) for section, rows in table.sections.items() if rows}


@given(tables())
def test_the_order_of_rows_and_sections_does_not_show(table: EdgeTable) -> None:
    turned = EdgeTable(
        "ashburn",
        {
            section: dict(reversed(list(rows.items())))
            for section, rows in reversed(list(table.sections.items()))
        },
    )
    assert pack_parts(turned) == pack_parts(table)


@given(tables(), st.integers(0, 2**63))
def test_a_head_survives_its_bytes_and_names_each_part(table: EdgeTable, sequence: int) -> None:
    parts = pack_parts(table)
    head = head_of("ashburn", sequence, parts)
    assert unpack_head(head.pack()) == head
    assert {name: part_hash(data) for name, data in parts.items()} == head.parts


heads = st.builds(
    Head,
    st.just(1),
    st.text(max_size=8),
    st.integers(0, 2**63),
    st.dictionaries(st.text(max_size=8), st.binary(min_size=8, max_size=8), max_size=3),
)


@given(heads, st.data())
def test_a_damaged_head_is_no_head(head: Head, data: st.DataObject) -> None:
    packed = head.pack()
    position = data.draw(st.integers(0, len(packed) - 1))
    flipped = bytearray(packed)
    flipped[position] ^= data.draw(st.integers(1, 255))
    for damaged in (bytes(flipped), packed[:position], packed + b"\x00"):
        with pytest.raises(TableFormatError):
            unpack_head(damaged)


@given(st.binary(max_size=80))
def test_any_bytes_are_a_part_and_a_head_or_a_format_error(data: bytes) -> None:
    for unpack in (unpack_part, unpack_head):
        try:
            unpack(data)
        except TableFormatError:
            continue


# ------------------------------------------------------------------------------------- Numbers


@given(hostile_text)
def test_normalising_a_number_twice_changes_nothing_more(text: str) -> None:
    once = with_plus(text)
    assert with_plus(once) == once
    assert is_e164(once) or once == text


digits = st.integers(10**8, 10**8 + 400).map(lambda number: f"+1{number}")


@st.composite
def numberings(draw: st.DrawFn) -> tuple[dict[str, NumberRow], list[NumberRow]]:
    """Some single numbers, and ranges that do not overlap: what the compiler lets into a table."""
    ends = sorted(set(draw(st.lists(digits, max_size=12))))
    pairs = [
        NumberRow(f"acme/{first}", "acme", None, first, last, None)
        for first, last in zip(ends[::2], ends[1::2], strict=False)
    ]
    if draw(st.booleans()):
        pairs.append(NumberRow("acme/long", "acme", None, "+11000000000", "+11999999999", None))
    singles = {
        number: NumberRow(f"acme/{number}", "acme", None, number, number, None)
        for number in draw(st.lists(digits, max_size=6))
    }
    return singles, pairs


@given(numberings(), st.lists(st.one_of(digits, hostile_text), max_size=20))
def test_finding_a_number_equals_looking_at_every_row(
    numbering: tuple[dict[str, NumberRow], list[NumberRow]], asked: list[str]
) -> None:
    singles, ranges = numbering
    table = table_of(
        EdgeTable(
            "ashburn",
            {Section.NUMBER: singles, Section.RANGE: {range_key(row.first).decode(): row for row in ranges}},
        )
    )
    for number in (*asked, *(row.first for row in ranges), *(row.last for row in ranges), *singles):
        assert table.number(number) == naive(singles, ranges, number)


def naive(singles: dict[str, NumberRow], ranges: list[NumberRow], number: str) -> NumberRow | None:
    if not is_e164(number):
        return None
    around = (row for row in ranges if len(row.first) == len(number) and row.first <= number <= row.last)
    return singles.get(number) or next(around, None)


prefixes = st.from_regex(r"\+[14]{0,4}", fullmatch=True)


@given(st.frozensets(prefixes, max_size=6), st.lists(st.one_of(prefixes, hostile_text), max_size=20))
@example(frozenset(), ["emergency"])
def test_a_call_takes_the_longest_prefix_whether_the_site_tells_their_lengths_or_not(
    keys: frozenset[str], called: list[str]
) -> None:
    """A table of an older control plane does not; there every length is asked for."""
    routes = {prefix: [make_gateway(f"192.0.2.{position}")] for position, prefix in enumerate(sorted(keys))}
    platform = Platform(("192.0.2.129",), routes={**routes, "emergency": [make_gateway("192.0.2.99")]})
    told = table_of(platform)
    untold = table_of(replace(platform, site_changes={"prefix_lengths": None}))
    for number in called:
        longest = max((prefix for prefix in keys if number.startswith(prefix)), key=len, default=None)
        wanted = None if longest is None else RouteRow(tuple(routes[longest]))
        assert told.route(number) == untold.route(number) == wanted


@given(st.lists(digits, min_size=1, max_size=20))
def test_keys_of_ranges_keep_the_order_of_numbers(numbers: list[str]) -> None:
    keys = [range_key(number) for number in sorted(numbers)]
    assert keys == sorted(keys)
