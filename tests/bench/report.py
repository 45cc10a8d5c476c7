"""Results as a table for people, and as JSON for programs."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from bench.comparison import Result


def print_results(console: Console, results: Sequence[Result]) -> None:
    """A row per ratio, with what it means and why its bound is good."""
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 1, 1), pad_edge=False)
    table.add_column("ratio of CPU times", style="bold")
    table.add_column("", justify="right")
    table.add_column("good", justify="right")
    table.add_column("what by what, and why the bound is good", ratio=1)
    for result in results:
        comparison = result.comparison
        table.add_row(
            Text(comparison.name),
            Text(figure(result.ratio), "green" if result.is_good else "red"),
            Text(f"≤ {figure(comparison.at_most)}"),
            Text(f"{comparison.meaning}\n{details(result)}\n{comparison.why}"),
        )
    console.print(table)


def details(result: Result) -> str:
    """What a ratio was made of."""
    rounds = "1 round" if result.rounds == 1 else f"{result.rounds} rounds"
    return (
        f"{duration(result.measured_seconds)} / {duration(result.against_seconds)}; "
        f"{figure(result.lowest)} to {figure(result.highest)} in {rounds}"
    )


def document(results: Sequence[Result]) -> dict[str, Any]:
    """The same as plain values."""
    return {
        "unit": "ratio of CPU times",
        "results": [
            {
                "name": result.comparison.name,
                "meaning": result.comparison.meaning,
                "goodBecause": result.comparison.why,
                "atMost": result.comparison.at_most,
                **{
                    camel(name): value
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
    """Three digits that count, and at least two decimals below ten."""
    if ratio < 0.1:
        return f"{ratio:.3f}"
    return f"{ratio:.2f}" if ratio < 10 else f"{ratio:.1f}"


def duration(seconds: float) -> str:
    """With a unit in which it is between 1 and 1000, as far as there is one."""
    for unit, size in (("s", 1.0), ("ms", 1e-3)):
        if seconds >= size:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds / 1e-6:.3g} µs"
