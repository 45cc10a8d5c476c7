"""Results as a table for people, and as JSON for programs; and a line now and then while they are made."""

from __future__ import annotations

import dataclasses
import math
import time
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any, Final

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from bench.comparison import Result, Unit

SAY_SECONDS: Final = 20.0
"""At most so often there is a line of progress within one bench."""

EntriesSeen = Mapping[str, Mapping[str, tuple[float, float]]]
"""By direction and entry point: entries of Python and microseconds of CPU in them, per call."""


class Progress:
    """One line when a bench begins and ends, and now and then in between."""

    def __init__(self, console: Console) -> None:
        self._console, self._name = console, ""
        self._begun = self._said = time.monotonic()
        self._measures = self._rounds = self._done = 0

    def __enter__(self) -> Progress:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        pass

    def begin(self, name: str) -> None:
        self._name, self._begun, self._done = name, time.monotonic(), 0
        self._say("making ready")

    def measure(self, measures: int, rounds: int) -> None:
        self._measures, self._rounds = measures, rounds
        self._say(f"{rounds} rounds of {measures} measures")

    def advance(self) -> None:
        self._done += 1
        if time.monotonic() - self._said >= SAY_SECONDS:
            self._say(f"round {1 + (self._done - 1) // self._measures} of {self._rounds}")

    def end(self) -> None:
        self._say(f"done, {time.monotonic() - self._begun:.0f} s")

    def _say(self, text: str) -> None:
        self._said = time.monotonic()
        self._console.print(f"{self._name}: {text}", highlight=False)


def print_results(console: Console, results: Sequence[Result]) -> None:
    """A row per figure with its target, what it means and why its target is good; then which are missed."""
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 1, 1), pad_edge=False)
    table.add_column("what is compared", style="bold")
    table.add_column("", justify="right")
    table.add_column("target", justify="right")
    table.add_column("goal", justify="right")
    table.add_column("what by what, and why the target is good", ratio=1)
    for result in results:
        comparison = result.comparison
        table.add_row(
            Text(comparison.name),
            Text(figure(result.ratio), "green" if result.is_good else "red"),
            Text(target(result)),
            Text("" if comparison.goal is None else figure(comparison.goal)),
            Text(f"{comparison.meaning}\n{details(result)}\n{comparison.why}"),
        )
    console.print(table)
    missed = [result for result in results if not result.is_good]
    if not missed:
        console.print(f"All {len(results)} targets are met.")
        return
    console.print(f"{len(missed)} of {len(results)} targets are missed:")
    for result in missed:
        console.print(Text(f"  {result.comparison.name}: {figure(result.ratio)}, {target(result)}"))


def print_entries(console: Console, seen: EntriesSeen) -> None:
    """Where Python was entered, if that was measured."""
    if not seen:
        return
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, title="Python entries of one call")
    table.add_column("entry point", style="bold")
    for direction in seen:
        table.add_column(f"{direction}: times", justify="right")
        table.add_column("CPU", justify="right")
    for name in sorted({name for entries in seen.values() for name in entries}):
        cells = [entries.get(name, (0.0, 0.0)) for entries in seen.values()]
        table.add_row(
            name,
            *(cell for times, micro in cells for cell in (f"{times:.2f}", duration(micro / 1e6))),
        )
    console.print(table)


def target(result: Result) -> str:
    sign = "≥" if result.comparison.at_least else "≤"
    return f"{sign} {figure(result.comparison.target)}"


def details(result: Result) -> str:
    """What a figure was made of."""
    rounds = "1 round" if result.rounds == 1 else f"{result.rounds} rounds"
    unit = result.comparison.unit
    if not result.rounds:
        return "calls were lost in every round"
    if unit is Unit.ENTRIES:
        return f"{figure(result.lowest)} to {figure(result.highest)} in {rounds}"
    made_of = f"{amount(result.measured, unit)} / {amount(result.against, unit)}"
    return f"{made_of}; {figure(result.lowest)} to {figure(result.highest)} in {rounds}"


def document(results: Sequence[Result], seen: EntriesSeen, allocator: str | None) -> dict[str, Any]:
    """The same as plain values."""
    return {
        "allocator": allocator,
        "entries": {
            direction: {
                name: {"times": times, "microseconds": micro} for name, (times, micro) in entries.items()
            }
            for direction, entries in seen.items()
        },
        "results": [
            {
                "name": result.comparison.name,
                "meaning": result.comparison.meaning,
                "goodBecause": result.comparison.why,
                "atLeast" if result.comparison.at_least else "atMost": result.comparison.target,
                "goal": result.comparison.goal,
                "unit": result.comparison.unit.value,
                "isGood": result.is_good,
                **{
                    camel(name): value if name == "rounds" or math.isfinite(value) else None
                    for name, value in dataclasses.asdict(result).items()
                    if name != "comparison"
                },
            }
            for result in results
        ],
    }


def camel(name: str) -> str:
    first, *others = name.split("_")
    return first + "".join(each.capitalize() for each in others)


def figure(ratio: float) -> str:
    """Three digits that count, and at least two decimals below ten; `lost` for what could not be measured."""
    if not math.isfinite(ratio):
        return "lost"
    if ratio < 0.1:
        return f"{ratio:.3f}"
    return f"{ratio:.2f}" if ratio < 10 else f"{ratio:.1f}"


def amount(value: float, unit: Unit) -> str:
    return duration(value) if unit is Unit.SECONDS else f"{value:.0f} {unit.value}"


def duration(seconds: float) -> str:
    """With a unit in which it is between 1 and 1000, as far as there is one."""
    for unit, size in (("s", 1.0), ("ms", 1e-3)):
        if seconds >= size:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds / 1e-6:.3g} µs"
