"""`make bench`: how fast Trunkline is, as ratios of CPU times that one run compares.

    PYTHONPATH=tests:operator:edge python -m bench --help

Nothing fails for being slow, unless `--strict` is asked for; it fails for being wrong. What the rows mean:
docs/performance.md.
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

from bench.call import ROWS, row_bench
from bench.command import command_bench
from bench.comparison import Bench, Result, run_rounds
from bench.compilation import compilation_bench
from bench.decision import decision_bench
from bench.entries import entries_bench
from bench.flood import flood_bench
from bench.media import media_bench
from bench.overload import overload_bench
from bench.packing import packing_bench
from bench.recordings import recordings_bench
from bench.records import records_bench
from bench.relay import relay_bench
from bench.report import Progress, document, print_entries, print_results
from bench.revision import revision_bench
from bench.room import Room
from bench.scale import changes_bench, million_bench
from bench.sizes import FULL, Sizes
from bench.taken_over import taken_over_bench

CALL_ROWS: Final[Mapping[str, Callable[[Room], AbstractContextManager[Bench]]]] = {
    **{row.name: partial(row_bench, row) for row in ROWS},
    "entries": entries_bench,
    "million": million_bench,
    "changes": changes_bench,
    "overload": overload_bench,
    "media": media_bench,
    "taken-over": taken_over_bench,
    "records": records_bench,
    "flood": flood_bench,
    "relay": relay_bench,
}
BENCHES: Final[Mapping[str, Callable[[Room], AbstractContextManager[Bench]]]] = {
    "route": lambda room: decision_bench(room.sizes),
    "agent": lambda room: revision_bench(room.sizes),
    "command": lambda room: command_bench(room.sizes),
    "compile": lambda room: compilation_bench(room.sizes),
    "packing": lambda room: packing_bench(room.sizes),
    "recordings": lambda room: recordings_bench(room.sizes),
    **CALL_ROWS,
}
"""In this order: what one does not need of its share of the time is the next one's."""
GROUPS: Final = {"call": tuple(CALL_ROWS)}
"""Names for several rows at once."""

PAGE_WIDTH: Final = 110
"""Columns of the table where there is no terminal to say."""


def run(names: Sequence[str], room: Room, rounds: int, seconds: float, progress: Progress) -> list[Result]:
    """The results of these benches, in their order. Each may take its share of `seconds`."""
    deadline = time.monotonic() + seconds
    results: list[Result] = []
    for position, name in enumerate(names):
        begun = time.monotonic()
        until = begun + (deadline - begun) / (len(names) - position)
        progress.begin(name)
        with BENCHES[name](room) as bench:
            counted = max(1, round(rounds * bench.rounds_for_one))
            warm_up = room.sizes.warms_up
            progress.measure(len(bench.measures), counted + warm_up)
            results += run_rounds(bench, counted, until, progress.advance, warm_up=warm_up)
        progress.end()
    return results


def main(arguments: Sequence[str] | None = None, sizes: Sizes = FULL) -> int:
    """0, whatever the figures are; 1 with `--strict` if one misses its target.

    Raises if something that was measured did not do its work.
    """
    chosen = _arguments(arguments)
    room = Room(sizes, chosen.allocator)
    with room.stack, Progress(Console(stderr=True)) as progress:
        results = run(chosen.rows, room, chosen.rounds, chosen.seconds, progress)
    out = Console()
    out = out if out.is_terminal else Console(width=PAGE_WIDTH)
    print_entries(out, room.entries_seen)
    print_results(out, results)
    if chosen.json is not None:
        chosen.json.parent.mkdir(parents=True, exist_ok=True)
        text = json.dumps(document(results, room.entries_seen, chosen.allocator), indent=2)
        chosen.json.write_text(text + "\n", encoding="utf-8")
        print(f"written to {chosen.json}")
    return int(chosen.strict and not all(result.is_good for result in results))


def _arguments(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench", description="Ratios of CPU times, measured in turn.")
    parser.add_argument(
        "--rows",
        type=_rows,
        default=list(BENCHES),
        metavar="NAME,...",
        help=f"these alone, of {', '.join(BENCHES)}; call = all from {next(iter(CALL_ROWS))} on",
    )
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
        default=1800.0,
        help="no round begins after that; one round of each row is always finished (default: %(default)s)",
    )
    parser.add_argument(
        "--allocator",
        choices=("fm", "qm", "tlsf"),
        help="Kamailio's -x, its allocator for shared memory, for the edge and all that it is compared with",
    )
    parser.add_argument("--strict", action="store_true", help="exit with 1 if a target is missed")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the results to FILE as well")
    return parser.parse_args(arguments)


def _rows(text: str) -> list[str]:
    names = [each for name in text.split(",") for each in GROUPS.get(name, (name,))]
    unknown = [name for name in names if name not in BENCHES]
    if unknown:
        known = ", ".join((*BENCHES, *GROUPS))
        raise argparse.ArgumentTypeError(f"there is no row {unknown[0]!r}; there are {known}")
    return names


def _at_least_one(text: str) -> int:
    if (number := int(text)) < 1:
        raise argparse.ArgumentTypeError("at least one round must count")
    return number


if __name__ == "__main__":
    sys.exit(main())
