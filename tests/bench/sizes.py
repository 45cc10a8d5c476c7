"""How much of everything is measured."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Sizes:
    """Counts; the sentences of the report name them."""

    many_objects: int = 10_000
    few_objects: int = 1_000
    range_numbers: int = 100_000
    many_numbers: int = 100_000
    few_numbers: int = 10
    many_prefixes: int = 500
    few_prefixes: int = 5
    decisions: int = 2_000
    """Decisions of one measure."""
    calls: int = 200
    """Calls of one measure."""
    calls_per_second: int = 100
    """Of a plain row; also the limit of the row that offers too many."""
    million_numbers: int = 1_000_000
    records: int = 100_000
    """Call records that are listed and summed."""
    changing_numbers: int = 100
    """Of the table that changes while calls are made."""
    overload_seconds: int = 6
    """At least 2."""
    flood_seconds: int = 10
    flood_per_second: int = 2_000
    """Messages of one source that nobody wants."""
    relayed_calls: int = 40
    """Calls with sound that are up at once."""
    relayed_seconds: float = 4.0
    recorded_minutes: int = 10
    """Of one recorded call."""
    warms_up: bool = True
    """False: the first round counts."""


FULL: Final = Sizes()
SMALL: Final = Sizes(
    many_objects=60,
    few_objects=20,
    range_numbers=100,
    many_numbers=200,
    many_prefixes=40,
    decisions=50,
    calls=3,
    calls_per_second=20,
    million_numbers=1_000,
    records=50,
    changing_numbers=20,
    overload_seconds=2,
    flood_seconds=1,
    flood_per_second=200,
    relayed_calls=2,
    relayed_seconds=0.4,
    recorded_minutes=1,
    warms_up=False,
)
"""Enough to see that every part works; its ratios say nothing."""
