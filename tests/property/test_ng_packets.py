"""Packets of ng: what is written is read again, and no bytes of any kind raise anything or take long."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from sipedge.ng.packets import Value, packet_of, read_answer

COOKIE = b"cookie "
texts = st.text(st.characters(codec="utf-8"), max_size=30)
values = st.recursive(
    st.one_of(st.integers(-(10**18), 10**18), texts),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(texts, inner, max_size=4)),
    max_leaves=20,
)


@given(st.dictionaries(texts, values, max_size=4))
def test_what_is_written_is_read_again(command: dict[str, Value]) -> None:
    assert read_answer(packet_of(COOKIE, command), COOKIE) == command


@given(st.one_of(st.binary(max_size=60), st.text('{}[]"\\u:,0123456789.eE-+ab', max_size=60).map(str.encode)))
@example(b"")
@example(b"[" * 100_000)
@example(b'{"a":' * 100_000)
@example(b'{"a":' + b"9" * 10_000 + b"}")
@example(b'{"a":NaN}')
@example(b"{}{}")
def test_bytes_of_any_kind_are_an_answer_or_none(data: bytes) -> None:
    assert read_answer(COOKIE + data, COOKIE) is None or data.strip().startswith(b"{")


@pytest.mark.parametrize("packet", (b"b {}", b"a 1", b"a", b"a {", b'a "sdp"', b"a d6:result4:ponge"))
def test_what_answers_another_command_is_no_answer(packet: bytes) -> None:
    assert read_answer(packet, b"a ") is None


def test_what_is_no_utf_8_becomes_something_that_is() -> None:
    assert read_answer(b'a {"sdp":"\xff"}', b"a ") == {"sdp": "\N{REPLACEMENT CHARACTER}"}
    assert packet_of(b"a ", {"sdp": "\ud800"}) == b'a {"sdp":"?"}'
