"""Who asks a media relay that hangs."""

from __future__ import annotations

import pytest

from sipedge.ng.hanging import REMEMBERED_SECONDS, UNASKED_SECONDS, may_ask, next_time


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
