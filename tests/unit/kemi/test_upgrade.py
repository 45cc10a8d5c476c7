"""Calls of an earlier release may be ended for a day after the instance was first started with this one."""

from __future__ import annotations

import os
import time
from pathlib import Path

from sipedge.kemi.upgrade import old_calls_until

DAY = 86_400


def test_the_first_start_begins_the_day(tmp_path: Path) -> None:
    assert DAY - 5 < old_calls_until(tmp_path) - time.time() <= DAY


def test_a_later_start_does_not_begin_it_again(tmp_path: Path) -> None:
    first = old_calls_until(tmp_path)
    (mark,) = tmp_path.iterdir()
    os.utime(mark, (first - 3 * DAY, first - 3 * DAY))
    assert old_calls_until(tmp_path) < time.time()


def test_a_clock_that_was_ahead_does_not_lengthen_it(tmp_path: Path) -> None:
    old_calls_until(tmp_path)
    (mark,) = tmp_path.iterdir()
    ahead = time.time() + 100 * DAY
    os.utime(mark, (ahead, ahead))
    assert old_calls_until(tmp_path) <= time.time() + DAY


def test_where_nothing_can_be_kept_no_old_call_is_served(tmp_path: Path) -> None:
    assert old_calls_until(tmp_path / "missing") == 0.0
