"""A Lease is text that whoever has the pod's token may write: a bound on each field, and no way to fail."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sipedge.agent.acknowledge import Acknowledgement
from sipedge.agent.lease import notes_of, schemas_read
from sipedge.contract import ADDRESS, ERROR, HIGHEST_SEQUENCE, LONGEST_ERROR, READY, REVISION, SCHEMAS
from sipedge.table import OLDEST_SCHEMA, SCHEMA
from sipedge.table.publication import Head
from trunkline.status.pod_claim import MOST_AHEAD, PodClaim, claim_of, next_sequence, schema_for

_NOTES = st.dictionaries(
    st.sampled_from((REVISION, ADDRESS, READY, ERROR, SCHEMAS)),
    st.one_of(st.text(), st.integers().map(str), st.ip_addresses().map(str)),
)


@pytest.mark.parametrize("text", ("0", "7", "4294967297", str(HIGHEST_SEQUENCE)))
def test_a_revision_is_decimal_digits(text: str) -> None:
    assert claim_of({REVISION: text}) == PodClaim(revision=int(text))


@pytest.mark.parametrize(
    "text",
    (
        *("²", "٣", "１", "-1", "+1", " 1", "1 ", "1\n", "1_0", "0x1", "1e3", "01", "1.0", "true"),
        *("18446744073709551615", str(HIGHEST_SEQUENCE + 1), "9" * 100_000),
    ),
    ids=lambda text: ascii(text[:24]),
)
def test_any_other_revision_is_as_if_nothing_were_acknowledged(text: str) -> None:
    claim = claim_of({REVISION: text})
    assert claim.revision is None
    assert claim.faults == ("a revision that is not the sequence of a table",)


@pytest.mark.parametrize(
    "text", ("pbx.example", "192.0.2", "192.0.2.1/32", "192.0.2.01", "::1%eth0", "192.0.2.١", "1" * 100_000)
)
def test_an_address_is_a_literal(text: str) -> None:
    assert claim_of({ADDRESS: text}) == PodClaim(faults=("an address that is not an IP address",))


def test_an_error_is_bounded_and_can_do_nothing_to_a_terminal() -> None:
    hostile = claim_of({ERROR: "\x1b[2J\n\u202e\u2028\x9b\udc80" + "x" * 10_000}).error
    assert hostile.startswith("\\x1b[2J\\n\\u202e\\u2028\\x9b\\udc80")
    assert len(hostile) == LONGEST_ERROR
    assert hostile.endswith("...")


@given(_NOTES, st.integers(0, HIGHEST_SEQUENCE // 2))
def test_no_claim_keeps_a_head_from_being_written(notes: dict[str, str], published: int) -> None:
    """Whatever it says, the next sequence is above the published one, by a bound, and can be packed."""
    claim = claim_of(notes)
    assert len(claim.error) <= LONGEST_ERROR
    assert claim.error.isprintable()
    following = next_sequence(published, [] if claim.revision is None else [claim.revision])
    assert published < following <= published + MOST_AHEAD + 1
    Head(1, "ashburn", following, {}).pack()


def test_the_next_head_is_above_what_pods_have_after_a_restore() -> None:
    """And a claim out of bounds does not hide those that are within."""
    assert next_sequence(0, []) == 1
    assert next_sequence(5, [3, 5]) == 6
    assert next_sequence(5, [9, 7, HIGHEST_SEQUENCE]) == 10
    assert next_sequence(5, [5 + MOST_AHEAD]) == 6 + MOST_AHEAD
    assert next_sequence(5, [6 + MOST_AHEAD]) == 6


def test_what_the_agent_writes_is_believed_whole() -> None:
    """Both sides have the same bounds."""
    said = Acknowledgement("ashburn", "192.0.2.1", 7, True, "x" * 5000, None)
    notes = {name: text for name, text in notes_of(said).items() if text is not None}
    assert claim_of(notes) == PodClaim(7, "192.0.2.1", True, notes[ERROR])
    nothing = Acknowledgement("ashburn", "", None, False, None, None)
    assert claim_of({name: text for name, text in notes_of(nothing).items() if text}) == PodClaim()


RENEWED = "2026-11-29T22:25:35.123456Z"


@pytest.mark.parametrize(
    ("text", "renewed", "read"),
    (
        (schemas_read(RENEWED), RENEWED, {OLDEST_SCHEMA, SCHEMA}),
        (f"3,2 {RENEWED}", RENEWED, {2, 3}),
        # An agent that knows of no schemas has renewed the Lease of one that did, or is the first.
        (schemas_read(RENEWED), "2026-11-29T22:25:45.000000Z", {1}),
        ("", RENEWED, {1}),
        ("1,2", RENEWED, {1}),
        (f"1,² {RENEWED}", RENEWED, {1}),
        (f"{','.join(['1'] * 1000)} {RENEWED}", RENEWED, {1}),
        # Nobody has written on it yet.
        ("", "", None),
        (schemas_read(RENEWED), "", None),
    ),
)
def test_the_schemas_that_an_agent_reads(text: str, renewed: str, read: set[int] | None) -> None:
    assert claim_of({SCHEMAS: text}, renewed).schemas == read


@pytest.mark.parametrize(
    ("read", "written"),
    (
        ([], SCHEMA),
        ([None], SCHEMA),
        ([{1, 2}, {1, 2}], SCHEMA),
        ([{1, 2}, {1}], OLDEST_SCHEMA),
        ([{1, 2, 3}, {2, 3}, None], SCHEMA),
        ([{7}, {1}], OLDEST_SCHEMA),
    ),
)
def test_a_table_is_written_in_the_highest_schema_that_all_agents_read(
    read: list[set[int] | None], written: int
) -> None:
    assert schema_for(None if each is None else frozenset(each) for each in read) == written
