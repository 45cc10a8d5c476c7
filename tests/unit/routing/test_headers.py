"""Which headers travel: by name, in any spelling."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sipedge.routing.headers import long_name, reply_header_travels, request_header_travels, without_timer


@pytest.mark.parametrize(
    "name",
    (
        "Via",
        "f",
        "To",
        "i",
        "CSeq",
        "m",
        "Content-Type",
        "c",
        "l",
        "Record-Route",
        "k",
        "RAck",
        "X-Foo",
        "Diversion",
    ),
)
def test_what_a_call_needs_travels(name: str) -> None:
    """Long and compact forms, and a customer's own X- headers."""
    assert request_header_travels(long_name(name))


@pytest.mark.parametrize(
    "name",
    (
        "Proxy-Authorization",
        "Authorization",
        "x",
        "Session-Expires",
        "Min-SE",
        "s",
        "Subject",
        "P-Charge-Info",
        "",
        "Server",
    ),
)
def test_the_rest_does_not(name: str) -> None:
    """Credentials above all."""
    assert not request_header_travels(long_name(name))


@given(st.text(), st.booleans())
def test_our_own_prefix_never_travels(rest: str, upper: bool) -> None:
    """Whatever follows it, in either case, in both directions."""
    name = "X-Trunkline-" + rest
    name = long_name(name.upper() if upper else name)
    assert not request_header_travels(name)
    assert not reply_header_travels(name)


@pytest.mark.parametrize(
    ("value", "left"),
    (
        ("timer", ""),
        ("Timer , 100rel", "100rel"),
        ("100rel,timer,replaces", "100rel, replaces"),
        ("timers", "timers"),
        ("", ""),
    ),
)
def test_timer_is_taken_out_of_a_list(value: str, left: str) -> None:
    """Only the whole option tag."""
    assert without_timer(value) == left
