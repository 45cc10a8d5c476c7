"""How long tests wait: for what must come, so long that nothing but a fault keeps it away."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final, TypeVar

Found = TypeVar("Found")

PATIENCE: Final = 60.0
"""Seconds, for what takes less than one on a quiet machine. A busy one takes twenty times as long."""

START_PATIENCE: Final = 3 * PATIENCE
"""Seconds, for the start of a whole platform, which is some ten on a quiet machine. A test may take 300."""

SHORT_CALL_SECONDS: Final = 6
"""How long a call may ring or last that the edge is to end: a busy machine has it up, and changed, before."""

LATE_TICK_SECONDS: Final = 2.5
"""By so much Kamailio may be too early: on a busy machine its timers count from a tick that is late."""


def until(fact: Callable[[], object], what: str = "", seconds: float = PATIENCE) -> None:
    """Return once `fact()` is true. Raises AssertionError with `what`."""
    deadline = time.monotonic() + seconds
    while not fact():
        assert time.monotonic() < deadline, what
        time.sleep(0.05)


def is_quick(act: Callable[[], float], seconds: float, times: int = 3) -> None:
    """One of so many acts takes less than so many seconds, which it gives: a busy machine is slow at times.

    Raises AssertionError with what each took.
    """
    took: list[float] = []
    while not took or min(took) >= seconds:
        assert len(took) < times, took
        took.append(act())


def in_time(act: Callable[[], Found], seconds: float, times: int = 5) -> Found:
    """What comes of an act that takes less than so many seconds; what took longer says nothing."""
    for _ in range(times):
        begun = time.monotonic()
        found = act()
        if time.monotonic() - begun < seconds:
            return found
    raise AssertionError(f"it takes longer than {seconds} s")
