"""`make bench`: how fast Trunkline is, as ratios of CPU times that one run compares.

    PYTHONPATH=tests:operator:edge python -m bench --help

Nothing fails for being slow; it fails for being wrong. What the rows mean: docs/performance.md.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from bench.call import call_bench
from bench.command import command_bench
from bench.comparison import Bench, Result, run_rounds
from bench.compilation import compilation_bench
from bench.decision import decision_bench
from bench.report import document, print_results
from bench.revision import revision_bench
from bench.sizes import FULL, Sizes

BENCHES: Final[Mapping[str, Callable[[Sizes], AbstractContextManager[Bench]]]] = {
    "route": decision_bench,
    "agent": revision_bench,
    "command": command_bench,
    "compile": compilation_bench,
    "call": call_bench,
}
"""In this order: what one does not need of its share of the time is the next one's; the last need most."""

PAGE_WIDTH: Final = 110
"""Columns of the table where there is no terminal to say."""


def run(names: Sequence[str], sizes: Sizes, rounds: int, seconds: float, progress: Progress) -> list[Result]:
    """The results of these benches, in their order. Each may take its share of `seconds`."""
    deadline = time.monotonic() + seconds
    results: list[Result] = []
    for position, name in enumerate(names):
        begun = time.monotonic()
        until = begun + (deadline - begun) / (len(names) - position)
        task = progress.add_task(f"{name}: making ready", total=None)
        with BENCHES[name](sizes) as bench:
            count = rounds * bench.rounds_for_one
            measures = (1 + count) * len(bench.measures)
            progress.update(task, description=name, total=measures)
            results += run_rounds(bench, count, until, partial(progress.advance, task))
        progress.update(task, completed=measures)
    return results


def main(arguments: Sequence[str] | None = None, sizes: Sizes = FULL) -> int:
    """0, whatever the ratios are. Raises if something that was measured did not do its work."""
    chosen = _arguments(arguments)
    progress = Progress(
        TextColumn("{task.description:<22}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=Console(stderr=True),
    )
    with progress:
        results = run(chosen.only or list(BENCHES), sizes, chosen.rounds, chosen.seconds, progress)
    out = Console()
    print_results(out if out.is_terminal else Console(width=PAGE_WIDTH), results)
    if chosen.json is not None:
        chosen.json.parent.mkdir(parents=True, exist_ok=True)
        chosen.json.write_text(json.dumps(document(results), indent=2) + "\n", encoding="utf-8")
        print(f"written to {chosen.json}")
    return 0


def _arguments(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench", description="Ratios of CPU times, measured in turn.")
    parser.add_argument("--only", nargs="+", choices=tuple(BENCHES), help="these benches alone")
    parser.add_argument(
        "--rounds",
        type=_at_least_one,
        default=5,
        metavar="N",
        help="rounds that count, more where they are short (default: %(default)s)",
    )
    parser.add_argument(
        "--seconds",
        type=float,
        default=150.0,
        help="no round begins after that; one round of each bench is always finished (default: %(default)s)",
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the results to FILE as well")
    return parser.parse_args(arguments)


def _at_least_one(text: str) -> int:
    if (number := int(text)) < 1:
        raise argparse.ArgumentTypeError("at least one round must count")
    return number


if __name__ == "__main__":
    sys.exit(main())
