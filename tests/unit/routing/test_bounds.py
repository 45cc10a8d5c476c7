"""How long what a message brings may be: each bound to the byte, and no text that hides what it measures."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sipedge.routing.message.bounds import (
    LONGEST_IDENTIFIER,
    LONGEST_URI,
    LONGEST_WAY,
    MOST_HEADERS,
    MessageSizes,
    excess_of,
    longest_branch,
    longest_uri,
    size_of,
)
from sipedge.routing.reasons import Reason

FULL = MessageSizes(LONGEST_URI, LONGEST_URI, LONGEST_IDENTIFIER, MOST_HEADERS, LONGEST_WAY)


def test_a_message_may_have_every_bound_in_full() -> None:
    assert excess_of(FULL) is None


@pytest.mark.parametrize(
    ("field", "reason"),
    (
        ("request_uri", Reason.RequestUriTooLong),
        ("uri", Reason.BoundExceeded),
        ("identifier", Reason.BoundExceeded),
        ("headers", Reason.BoundExceeded),
        ("way", Reason.BoundExceeded),
    ),
)
def test_one_more_is_too_much(field: str, reason: Reason) -> None:
    """414 for the Request-URI, 400 for the rest; the log tells size and bound."""
    size = getattr(FULL, field) + 1
    excess = excess_of(replace(FULL, **{field: size}))
    assert excess is not None
    assert excess.reason is reason
    assert f"{size}, at most {size - 1}" in excess.detail


wire_text = st.text(st.characters(codec="utf-8"))
without_brackets = wire_text.map(lambda text: text.replace("<", "").replace(">", ""))


@given(wire_text, st.integers(0, 3), st.lists(without_brackets, max_size=4))
def test_no_quoting_hides_a_uri_that_is_too_long(noise: str, extra: int, others: list[str]) -> None:
    """Whatever stands around it: display names, quotes, commas, brackets that are never closed."""
    uri = "sip:" + "t" * (LONGEST_URI - 4 + extra)
    value = f"{noise}<{uri}>,{','.join(others)}"
    assert longest_uri(value) >= size_of(uri)


def test_many_short_uris_in_one_header_are_measured_one_by_one() -> None:
    assert longest_uri(", ".join(["<sip:192.0.2.1;lr>"] * 200)) <= LONGEST_URI


@given(wire_text, st.sampled_from((";branch=", "; BRANCH = ", ';branch="')), st.integers(0, 3))
def test_no_noise_hides_a_branch_that_is_too_long(noise: str, name: str, extra: int) -> None:
    branch = "z9hG4bK" + "t" * (LONGEST_IDENTIFIER - 7 + extra)
    assert longest_branch(f"SIP/2.0/UDP 192.0.2.1{name}{branch};x={noise}") >= len(branch)


def test_a_long_via_may_have_a_short_branch() -> None:
    assert longest_branch("SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1;x=" + "y" * 500) == 8


@given(st.binary())
def test_bytes_that_are_no_utf8_are_not_counted_short(raw: bytes) -> None:
    assert size_of(raw.decode("utf-8", "replace")) >= len(raw)
