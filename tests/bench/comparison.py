"""What is measured, and what a measurement comes to: ratios of CPU times within one run.

An absolute time says more of the machine and its neighbours than of the code. Two things measured in turn,
round after round, meet the same machine, so that their ratio tells.
"""

from __future__ import annotations

import math
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

Measure = Callable[[], float]
"""Does the work once and gives the CPU seconds of one unit of it. Raises if the work went wrong.

NaN if it could not be done in time, as on a machine that is too busy."""


class Unit(StrEnum):
    """What a measure counts."""

    SECONDS = "s"
    ENTRIES = "entries"
    CALLS = "calls/s"


@dataclass(frozen=True, slots=True)
class Comparison:
    """One row of the report: a measure divided by another."""

    name: str
    measured: str
    """Name of the measure above the line."""
    against: str
    """Name of the measure below it."""
    meaning: str
    """What is divided by what."""
    target: float
    """The largest ratio that is good; with `at_least` the smallest."""
    why: str
    """Why that is good."""
    goal: float | None = None
    """What is aimed at beyond that."""
    at_least: bool = False
    unit: Unit = Unit.SECONDS
    scale: float = 1.0
    """The ratio is multiplied by it, to compare one unit of each where the measures are of whole batches."""


@dataclass(frozen=True, slots=True)
class Bench:
    """Measures that are taken in turn, and the ratios of interest among them."""

    measures: Mapping[str, Measure]
    comparisons: Sequence[Comparison]
    rounds_for_one: float = 1
    """So many rounds for each that is asked for: short ones are more at the mercy of the machine's mood."""


@dataclass(frozen=True, slots=True)
class Result:
    """A comparison as it came out."""

    comparison: Comparison
    ratio: float
    """The median of the rounds."""
    lowest: float
    highest: float
    rounds: int
    """How many count; 0 = in none could both be done, and the ratio is infinite."""
    measured: float
    """The median of what was above the line: tells the size of things, and no more."""
    against: float

    @property
    def is_good(self) -> bool:
        wanted = self.comparison.target
        return self.ratio >= wanted if self.comparison.at_least else self.ratio <= wanted


def run_rounds(
    bench: Bench, rounds: int, until: float, done: Callable[[], None], *, warm_up: bool = True
) -> tuple[Result, ...]:
    """Take every measure once a round, in turn: A B C, C B A, ...; `done` is called after each.

    A first round only warms up and is not counted. No round but the first that counts begins after
    `until`, by the monotonic clock.
    """
    samples: dict[str, list[float]] = {name: [] for name in bench.measures}
    for number in range(0 if warm_up else 1, 1 + rounds):
        if number > 1 and time.monotonic() > until:
            break
        names = list(bench.measures)
        for name in names if number % 2 else reversed(names):
            seconds = bench.measures[name]()
            done()
            if number:
                samples[name].append(seconds)
    return tuple(result_of(comparison, samples) for comparison in bench.comparisons)


def result_of(comparison: Comparison, samples: Mapping[str, Sequence[float]]) -> Result:
    """The ratio of each round, then their median: a slow moment slows both sides of its round."""
    rounds = [
        (above, below)
        for above, below in zip(samples[comparison.measured], samples[comparison.against], strict=True)
        if not (math.isnan(above) or math.isnan(below))
    ]
    if not rounds:
        lost = -math.inf if comparison.at_least else math.inf
        return Result(comparison, lost, lost, lost, 0, math.inf, math.inf)
    ratios = [comparison.scale * above / below if below else math.inf for above, below in rounds]
    return Result(
        comparison,
        statistics.median(ratios),
        min(ratios),
        max(ratios),
        len(ratios),
        statistics.median(above for above, _ in rounds),
        statistics.median(below for _, below in rounds),
    )
