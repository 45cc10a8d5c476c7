"""What an account's calls have used of its minutes of today."""

from __future__ import annotations

import pytest

from sipedge.calls.book import OpenCall
from sipedge.calls.events import time_text
from sipedge.calls.minutes import DailyMinutes, levels_reached, seconds_today
from sipedge.calls.record import Record, Result

MIDNIGHT = 1_799_971_200.0
NOW = MIDNIGHT + 3_600


def call(start: float, end: float | None = None, **changes: object) -> Record:
    """A call of acme towards the PSTN that was answered so long after midnight."""
    over = end is not None
    fields: dict[str, object] = {
        "direction": "termination",
        "account": "acme",
        "answered_at": time_text(MIDNIGHT + start),
        "ended_at": time_text(MIDNIGHT + end) if end is not None else None,
        "result": Result.ANSWERED if over else None,
    }
    return Record(call_sid="CA1", **(fields | changes))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("record", "seconds"),
    (
        (call(60, 180), 120),
        (call(-100, 50), 50),
        (call(-100, -50), 0),
        (call(3_500), 100),
        (call(-7_200), 3_600),
        (call(60, 180, direction="origination"), 0),
        (call(60, result=Result.ANSWERED), 0),
        (call(60, 180, answered_at=None), 0),
    ),
)
def test_only_what_lies_in_the_day_counts(record: Record, seconds: float) -> None:
    """And only calls towards the PSTN, whose end was seen or that are still up."""
    assert seconds_today(record, NOW) == seconds


def test_finished_calls_and_those_that_are_up_add_up_until_midnight() -> None:
    minutes = DailyMinutes()
    minutes.note(call(0, 90), NOW)
    minutes.note(call(100, 130, account="other"), NOW)
    assert minutes.used("acme", [call(3_500), call(3_500, account="other")], NOW) == 3
    assert minutes.used("other", [], NOW) == 0
    assert minutes.used("acme", [], NOW + 86_400) == 0


def test_a_cap_is_told_at_80_percent_and_when_it_is_reached() -> None:
    assert [levels_reached(used, 10) for used in (7, 8, 9, 10)] == [(), (80,), (80,), (80, 100)]


def lost(record: Record, ends: float) -> OpenCall:
    return OpenCall(record, MIDNIGHT + ends, is_lost=True)


def test_a_call_that_was_lost_and_then_ended_counts_until_its_bye() -> None:
    """Its record has no end: it counted nothing once it was over."""
    minutes = DailyMinutes()
    for now in (NOW, NOW + 120, NOW + 300):
        minutes.follow_lost([lost(call(3_000), 20_000)], now)
    minutes.follow_lost([], NOW + 301)
    assert minutes.used("acme", [], NOW + 301) == 15


def test_a_call_that_was_lost_and_never_heard_of_counts_until_that() -> None:
    minutes = DailyMinutes()
    minutes.follow_lost([lost(call(3_000), 9_000)], NOW)
    minutes.follow_lost([lost(call(3_000), 9_000)], MIDNIGHT + 8_999)
    minutes.follow_lost([], MIDNIGHT + 9_000)
    assert minutes.used("acme", [], MIDNIGHT + 9_000) == 10
    minutes.follow_lost([], NOW + 86_400)
    assert minutes.used("acme", [], NOW + 86_400) == 0
