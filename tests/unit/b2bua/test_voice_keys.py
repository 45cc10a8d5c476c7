"""Keys that INFO requests tell, and those of telephones that tell each one twice."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sipedge.b2bua.voice.keys import Keys, key_of_info


@pytest.mark.parametrize(
    ("kind", "body", "key"),
    (
        ("application/dtmf-relay", "Signal=5\r\nDuration=160\r\n", "5"),
        ("Application/DTMF-Relay; charset=utf-8", "Duration=160\r\nSignal = #\r\n", "#"),
        ("application/dtmf-relay", "signal=10", "*"),
        ("application/dtmf-relay", "Signal=d", "D"),
        ("application/dtmf", "11\r\n", "#"),
        ("application/dtmf", "0", "0"),
        ("application/dtmf", "16", None),
        ("application/dtmf", "", None),
        ("application/dtmf-relay", "Signal=\r\nDuration=1", None),
        ("application/dtmf-relay", "Signal=55", None),
        ("application/media_control+xml", "Signal=5", None),
        ("", "5", None),
    ),
)
def test_an_info_request_tells_one_key_or_none(kind: str, body: str, key: str | None) -> None:
    assert key_of_info(kind, body) == key


@given(st.sampled_from(("application/dtmf", "application/dtmf-relay")), st.text())
def test_any_body_is_read(kind: str, body: str) -> None:
    found = key_of_info(kind, body)
    assert found is None or found in "0123456789*#ABCD"


def test_a_key_that_is_told_both_ways_is_pressed_once() -> None:
    pressed: list[str] = []
    keys = Keys(pressed.append)
    for key in "12":
        keys.by_event(key)
        keys.by_info("application/dtmf", key)
    assert pressed == ["1", "2"]
    by_info = Keys(pressed.append)
    by_info.by_info("application/dtmf", "3")
    by_info.by_event("3")
    assert pressed == ["1", "2", "3"]
