"""Who asks a media relay that hangs."""

from __future__ import annotations

import pytest

from sipedge.ng.client import NgError, NgRefusedError, NgUnreachableError
from sipedge.ng.hanging import (
    REMEMBERED_SECONDS,
    UNASKED_SECONDS,
    Event,
    event_of,
    mark_after,
    may_ask,
    next_time,
)

NOW = 100.7
MARK = 99
"""Of a relay that hung, and may be asked again."""
LATER = next_time(NOW)

AFTER = {
    (None, Event.ASKED): None,
    (None, Event.ANSWERED): None,
    (None, Event.SILENT): LATER,
    (None, Event.GONE): None,
    (MARK, Event.ASKED): LATER,
    (MARK, Event.ANSWERED): None,
    (MARK, Event.SILENT): LATER,
    (MARK, Event.GONE): None,
}


@pytest.mark.parametrize("again", (None, 0))
def test_one_that_does_not_hang_is_asked_by_all(again: int | None) -> None:
    assert may_ask(again, 0.0)


@pytest.mark.parametrize("now", (0.0, 0.9, 86_400.5))
def test_one_that_hangs_is_asked_again_within_two_seconds(now: float) -> None:
    """By whoever comes first, who says when the others may before the wait for an answer begins."""
    again = next_time(now)
    assert not may_ask(again, now)
    assert not may_ask(again, now + UNASKED_SECONDS - 1)
    assert may_ask(again, now + UNASKED_SECONDS)
    assert not may_ask(next_time(now + UNASKED_SECONDS), now + UNASKED_SECONDS)


def test_it_is_forgotten_only_after_it_may_be_asked_again() -> None:
    assert REMEMBERED_SECONDS > UNASKED_SECONDS


@pytest.mark.parametrize("mark", (None, 0, MARK))
@pytest.mark.parametrize("event", Event)
def test_what_becomes_of_the_mark(mark: int | None, event: Event) -> None:
    assert mark_after(mark, event, NOW) == AFTER[mark or None, event]


@pytest.mark.parametrize(
    ("error", "event"),
    (
        (NgRefusedError("Unknown call-id"), Event.ANSWERED),
        (NgUnreachableError("no answer within 2 x 0.5 s", hangs=True), Event.SILENT),
        (NgUnreachableError("connection refused", hangs=False), Event.GONE),
    ),
    ids=("a refusal is an answer", "silence", "nobody there"),
)
def test_what_a_failed_command_says_of_the_relay(error: NgError, event: Event) -> None:
    assert event_of(error) is event
