"""The `trunkline` command as a process: what its start costs above Python's own."""

from __future__ import annotations

import resource
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from bench.comparison import Bench, Comparison, Measure
from bench.sizes import Sizes
from support.trunkline_command import COMMAND, ROOT, environment

REPEATS = 3


@contextmanager
def command_bench(sizes: Sizes) -> Iterator[Bench]:
    """`--help` imports no command's code; the size of anything does not matter to it."""
    yield Bench(
        {"help": process((*COMMAND, "--help")), "python": process((sys.executable, "-c", "pass"))},
        (
            Comparison(
                "trunkline --help",
                "help",
                "python",
                "`trunkline --help` / `python -c pass`",
                12.0,
                "a command's code is imported when that command runs",
            ),
        ),
        rounds_for_one=2,
    )


def process(command: tuple[str, ...]) -> Measure:
    """CPU seconds of the command from its start to its end."""

    def measure() -> float:
        begun = children_seconds()
        for _ in range(REPEATS):
            subprocess.run(command, cwd=ROOT, env=environment(), stdout=subprocess.DEVNULL, check=True)
        return (children_seconds() - begun) / REPEATS

    return measure


def children_seconds() -> float:
    """CPU seconds of all child processes that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
