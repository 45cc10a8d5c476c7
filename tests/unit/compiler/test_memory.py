"""What a hundred thousand Numbers would cost in memory, measured on a few."""

from __future__ import annotations

import gc
import tracemalloc

from support.objects import make_number, make_trunk
from trunkline.api import Platform
from trunkline.compiler.delta import InputChanges, Surroundings
from trunkline.compiler.running import RunningCompiler

NUMBERS = 1500
BYTES = 700
"""Of a Number in the compiler, its name and its texts included."""


def test_a_number_costs_less_than_seven_hundred_bytes() -> None:
    compiler = RunningCompiler(Surroundings(Platform("trunkline.test", open_account=True)))
    compiler.update(InputChanges({trunk.ref: trunk for trunk in (make_trunk(), make_trunk("lab"))}))
    tell(compiler, 0, 100)
    gc.collect()
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    tell(compiler, 100, 100 + NUMBERS)
    gc.collect()
    grown = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    assert grown / NUMBERS < BYTES


def tell(compiler: RunningCompiler, first: int, end: int) -> None:
    """Models and deltas are forgotten here, as the operator forgets them."""
    for position in range(first, end):
        number = make_number(
            f"n-{position}",
            created="2026-01-01T00:00:00Z",
            number=f"+{12_122_000_000 + position}",
            trunkRef={"name": "hq" if position % 2 else "lab"},
        )
        compiler.update(InputChanges({number.ref: number}))
