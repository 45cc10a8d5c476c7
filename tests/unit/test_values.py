"""Values that are quickly made are as any frozen dataclass; texts as `json.dumps` writes them."""

from __future__ import annotations

import json
from dataclasses import FrozenInstanceError, dataclass, field, replace
from functools import cached_property

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sipedge.values import json_writer, quickly_made, read_json
from sipedge.values import replace as quick_replace


@dataclass(frozen=True, kw_only=True)
class _Base:
    name: str
    members: list[str] = field(default_factory=list)


@quickly_made
@dataclass(frozen=True, kw_only=True)
class _Value(_Base):
    size: int = 7


@quickly_made
@dataclass(frozen=True)
class _Pair:
    first: int
    second: str = "b"

    @cached_property
    def text(self) -> str:
        return f"{self.first}{self.second}"


@dataclass(frozen=True)
class _Below(_Pair):
    third: str = ""


def test_a_value_has_its_fields_and_their_defaults() -> None:
    value = _Value(name="a")
    assert (value.name, value.members, value.size) == ("a", [], 7)
    assert value.members is not _Value(name="a").members
    assert (_Pair(1), _Pair(1, second="c")) == (_Pair(1, "b"), _Pair(1, "c"))
    assert hash(_Pair(1)) == hash(_Pair(1, "b"))
    assert repr(_Pair(1)) == "_Pair(first=1, second='b')"


def test_a_value_never_changes() -> None:
    pair = _Pair(1)
    with pytest.raises(FrozenInstanceError):
        pair.first = 2  # type: ignore[misc]
    assert (replace(pair, first=2), quick_replace(pair, first=2)) == (_Pair(2), _Pair(2))
    assert pair == _Pair(1)


def test_what_replaces_quickly_does_as_that_of_the_library_does() -> None:
    """Be it told of a class that is made as dataclasses are, of one below, or of a property that is kept."""
    assert quick_replace(_Value(name="a", size=2), name="b") == _Value(name="b", size=2)
    assert quick_replace(_Below(1), third="c") == _Below(1, "b", "c")
    assert quick_replace(_Base(name="a"), name="b") == _Base(name="b")
    kept = _Pair(1)
    assert kept.text + quick_replace(kept, first=2).text == "1b2b"
    with pytest.raises(TypeError, match="third"):
        quick_replace(kept, third=3)  # type: ignore[call-arg]


def test_a_field_that_is_missing_or_unknown_is_an_error() -> None:
    with pytest.raises(TypeError, match="name"):
        _Value()  # type: ignore[call-arg]
    with pytest.raises(TypeError, match="third"):
        _Pair(1, third=3)  # type: ignore[call-arg]


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    ),
    st.booleans(),
)
def test_json_is_written_as_by_the_library(value: object, ascii_only: bool) -> None:
    expected = json.dumps(value, ensure_ascii=ascii_only, separators=(",", ":"))
    assert json_writer(ascii_only=ascii_only)(value) == expected


def test_what_json_has_no_word_for_is_an_error() -> None:
    with pytest.raises(TypeError):
        json_writer(ascii_only=True)(object())


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(), lambda each: st.lists(each) | st.tuples(each)
    )
)
def test_what_is_written_as_json_is_read_as_the_library_reads_it(value: object) -> None:
    text = json_writer(ascii_only=True)(value)
    assert read_json(text) == json.loads(text)


@pytest.mark.parametrize("text", ("", "nothing", "[1", "[1]2", "[1] ", '{"a":}', "'a'"))
def test_what_is_no_json_text_is_a_value_error(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        read_json(text)
