"""A call's memory as text: what is written is what is read, and any other text is nothing."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from sipedge.routing.decision import Direction
from sipedge.routing.dialog.hops import Hop
from sipedge.routing.dialog.memory import (
    LONGEST_NAME,
    PLAIN_TAG,
    CallFacts,
    CallMemory,
    SideKind,
    SideMemory,
    callee_name,
)
from support.strategies import hostile_text

names = st.text(max_size=40)
hops = st.builds(
    lambda address, port, transport: Hop(str(address), port, transport),
    st.ip_addresses(),
    st.integers(1, 65_535),
    st.sampled_from(("udp", "tcp", "tls")),
)
facts = st.builds(
    CallFacts,
    direction=st.sampled_from(Direction),
    trunk=names,
    account=names,
    account_sid=names,
    call_sid=names,
    carrier=st.none() | names,
    secure=st.booleans(),
    calling=names,
    anonymous=st.booleans(),
    emergency=st.booleans(),
    max_duration_seconds=st.integers(0, 86_400),
    from_received=names,
    from_sent=names,
    to_received=names,
    to_sent=names,
)
sides = st.builds(
    SideMemory,
    kind=st.sampled_from(SideKind),
    hop=hops,
    contact=names,
    source=st.none() | hops,
    connection=st.none() | st.integers(1, 2**31),
    behind_proxy=st.booleans(),
)
memories = st.builds(
    CallMemory,
    secure=st.none() | st.booleans(),
    direction=st.sampled_from(Direction),
    ends=st.integers(0, 2**32 - 1),
    caller=sides,
    callee=sides,
    facts=st.none() | facts,
    caller_shift=st.integers(0, 40),
    callee_shift=st.integers(0, 40),
    open_offer=st.none() | st.booleans(),
    caller_sdp=names,
    callee_sdp=names,
    mark=st.sampled_from(("", "media")),
)


@given(facts)
def test_facts_are_read_as_they_were_written(one: CallFacts) -> None:
    text = one.to_text()
    assert text.isascii()
    assert text.isprintable()
    assert CallFacts.from_text(text) == one


@given(sides)
def test_a_side_is_read_as_it_was_written(one: SideMemory) -> None:
    assert SideMemory.from_text(one.to_text()) == one


@given(memories)
def test_a_whole_memory_is_read_as_it_was_written(one: CallMemory) -> None:
    assert CallMemory.from_text(one.to_text()) == one


@given(hostile_text | st.text())
def test_any_other_text_is_nothing(text: str) -> None:
    for read in (CallFacts.from_text, SideMemory.from_text, CallMemory.from_text, Hop.from_words):
        assert read(text) is None


@given(st.text() | st.from_regex(PLAIN_TAG, fullmatch=True), st.text())
def test_a_callee_has_a_short_name_of_its_own(tag: str, other: str) -> None:
    """Of one word, as names are listed in one text."""
    assert len(callee_name(tag)) <= LONGEST_NAME
    assert callee_name(tag).split() == [callee_name(tag)]
    assert callee_name(tag) != callee_name(other) or tag == other


@given(facts, st.data())
def test_facts_with_a_wrong_value_are_nothing(one: CallFacts, data: st.DataObject) -> None:
    """One character cut out, or the end."""
    text = one.to_text()
    at = data.draw(st.integers(0, len(text) - 1))
    assert CallFacts.from_text(text[:at]) is None
    CallFacts.from_text(text[:at] + text[at + 1 :])  # may be other facts, and never raises


@given(sides, st.data())
def test_a_side_that_is_cut_is_nothing_or_another(one: SideMemory, data: st.DataObject) -> None:
    text = one.to_text()
    at = data.draw(st.integers(0, len(text) - 1))
    SideMemory.from_text(text[:at])
    SideMemory.from_text(text[:at] + text[at + 1 :])


def test_deep_and_foreign_json_is_nothing() -> None:
    for text in ("[" * 100_000, "null", "1", "[]", "{}", '{"caller": []}', "[1,2,3,4,5,6,7,8,9,0,1,2,3,4,5]"):
        assert CallFacts.from_text(text) is None
        assert CallMemory.from_text(text) is None
