"""Messages of a wrong time: a clock that differs goes on being told, a recording does not."""

from __future__ import annotations

from sipedge.tallies.clocks import MOST_SENDERS, ClockWatch
from sipedge.tallies.messages import Skewed


def test_a_clock_that_differs_is_seen_with_each_message_and_a_recording_once() -> None:
    watch = ClockWatch()
    for sent in (100, 200, 300):
        watch.note(Skewed("ashburn", "a", sent))
    assert watch.seen == 3
    for sent in (100, 200, 300, 300):
        watch.note(Skewed("ashburn", "a", sent))
    assert watch.seen == 3
    watch.note(Skewed("ashburn", "b", 100))
    assert watch.seen == 4


def test_so_many_senders_and_no_more_are_remembered() -> None:
    watch = ClockWatch()
    for number in range(MOST_SENDERS + 10):
        watch.note(Skewed("ashburn", str(number), 1))
    assert watch.seen == MOST_SENDERS
