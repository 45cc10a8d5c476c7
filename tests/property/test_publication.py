"""Publications: what goes in comes out, and small steps end where a big one does."""

from __future__ import annotations

import tempfile
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sipedge.agent.keeper import change_between
from sipedge.e164 import range_key
from sipedge.secret import Secret
from sipedge.store import PUBLISHED, Store
from sipedge.table import (
    AccountRow,
    CallerIdRow,
    CredentialRow,
    DomainRow,
    EdgeTable,
    GatewayRow,
    NumberRow,
    RouteRow,
    Row,
    Section,
    TargetRow,
    TrunkRow,
)
from sipedge.table.codec import pack_row, unpack_row
from sipedge.table.publication import PackedRows, head_of, pack_parts, rows_of, unpack_head
from sipedge.table.revision import Staged

texts = st.text(max_size=12)
optional_counts = st.none() | st.integers(0, 2**31)
names = st.sampled_from(["acme/hq", "acme/lab", "beta/hq", "β/ü"])
numbers = st.integers(10, 10**14).map(lambda value: f"+1{value}")

targets = st.builds(
    TargetRow,
    id=names,
    uri_user=st.none() | texts,
    host=texts,
    port=st.none() | st.integers(1, 65_535),
    transport=st.sampled_from([None, "udp", "tcp", "tls"]),
    edge=st.none() | texts,
    priority=st.integers(0, 65_535),
    weight=st.integers(1, 65_535),
    headers=st.lists(st.tuples(texts, texts), max_size=2).map(tuple),
    uri_params=texts,
)
number_rows = st.builds(
    NumberRow,
    owner=names,
    account=texts,
    trunk=st.none() | names,
    first=numbers,
    last=numbers,
    caller_name=st.none() | texts,
)
rows: dict[Section, st.SearchStrategy[tuple[str, Row]]] = {
    Section.TRUNK: st.tuples(
        names,
        st.builds(
            TrunkRow,
            id=names,
            sid=texts,
            account=texts,
            domain=st.none() | texts,
            secure=st.booleans(),
            access=st.none() | st.lists(texts, max_size=2).map(tuple),
            credential_lists=st.none() | st.lists(texts, max_size=2).map(tuple),
            calls_per_second=optional_counts,
            max_concurrent_calls=optional_counts,
            targets=st.lists(targets, max_size=2).map(tuple),
        ),
    ),
    Section.DOMAIN: st.tuples(st.text(min_size=1, max_size=8), st.builds(DomainRow, trunk=names)),
    Section.NUMBER: number_rows.map(lambda row: (row.first, row)),
    Section.RANGE: number_rows.map(lambda row: (range_key(row.first).decode(), row)),
    Section.ACCOUNT: st.tuples(
        names,
        st.builds(
            AccountRow,
            max_call_duration_seconds=st.integers(60, 86_400),
            calls_per_second=optional_counts,
            max_concurrent_calls=optional_counts,
            allowed_targets=st.lists(texts, max_size=2).map(tuple),
        ),
    ),
    Section.CALLER_ID: st.tuples(
        st.text(min_size=1, max_size=8), st.builds(CallerIdRow, account=texts, number=numbers)
    ),
    Section.CREDENTIAL: st.tuples(
        st.text(min_size=1, max_size=8), st.builds(CredentialRow, username=texts, ha1=texts.map(Secret))
    ),
    Section.ROUTE: st.tuples(
        st.sampled_from(["+", "+1", "+1415", "emergency"]),
        st.lists(
            st.builds(
                GatewayRow,
                carrier=texts,
                host=texts,
                port=st.none() | st.integers(1, 65_535),
                transport=st.sampled_from(["udp", "tcp", "tls"]),
                priority=st.integers(0, 9),
                weight=st.integers(1, 9),
            ),
            max_size=2,
        ).map(lambda gateways: RouteRow(tuple(gateways))),
    ),
}


@st.composite
def tables(draw: st.DrawFn) -> EdgeTable:
    sections = {section: dict(draw(st.lists(each, max_size=5))) for section, each in rows.items()}
    return EdgeTable("ashburn", {section: each for section, each in sections.items() if each})


def packed(table: EdgeTable) -> PackedRows:
    return {
        section: {key.encode(): pack_row(row) for key, row in rows.items()}
        for section, rows in table.sections.items()
    }


def staged(sequence: int, table: EdgeTable) -> Staged:
    parts = pack_parts(table)
    return Staged(head_of(table.edge, sequence, parts), parts)


@given(tables())
def test_published_rows_come_back_as_they_were(table: EdgeTable) -> None:
    """Through parts and hashes to rows equal in every field, secrets included."""
    parts = pack_parts(table)
    unpacked = {
        section: {key.decode(): unpack_row(section, data) for key, data in rows.items()}
        for section, rows in rows_of(parts.values()).items()
    }
    assert unpacked == table.sections


@given(tables(), st.integers(0, 2**60))
def test_head_comes_back_as_it_was(table: EdgeTable, sequence: int) -> None:
    """Every field, and every part's hash."""
    head = staged(sequence, table).head
    assert unpack_head(head.pack()) == head


@given(tables(), tables(), st.booleans())
def test_heads_agree_exactly_when_tables_do(table: EdgeTable, other: EdgeTable, same: bool) -> None:
    """An edge that has a head's hashes has its table; order of making does not count."""
    if same:
        turned = {
            section: dict(reversed(list(rows.items())))
            for section, rows in reversed(list(table.sections.items()))
        }
        other = EdgeTable(table.edge, turned)
    assert (staged(1, table).head.parts == staged(1, other).head.parts) == (table.sections == other.sections)


@settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(st.lists(tables(), min_size=2, max_size=5))
def test_small_steps_end_where_a_fresh_store_starts(sequence: list[EdgeTable]) -> None:
    """Tables committed one after the other by their differences leave the last one and nothing else."""
    with tempfile.TemporaryDirectory() as directory:
        store = Store(Path(directory), "ashburn")
        try:
            before = staged(1, sequence[0])
            store.commit(1, rows_of(before.parts.values()))
            for number, table in enumerate(sequence[1:], 2):
                after = staged(number, table)
                store.apply(number, change_between(before, after))
                before = after
                held = {section: dict(store.rows(section)) for section in PUBLISHED}
                assert {section: rows for section, rows in held.items() if rows} == packed(table)
                assert store.sequence == number
        finally:
            store.close()
