"""The compiler's deltas, through the queue: in the end each edge has what a cold compilation gives it."""

from __future__ import annotations

import os
import random
import sys

import pytest

from sipedge.table.publication import SHARED, group_of_part
from support.changes import ChangingWorld, Sum
from support.revisions import drain, sections_of
from trunkline.compiler import compile_resources
from trunkline.compiler.running import RunningCompiler
from trunkline.publication.queue import Queue

SEQUENCES = 2000 if os.environ.get("SOAK") else 60
STEPS = 20
BLOCKS = 4


@pytest.mark.parametrize("block", range(BLOCKS))
@pytest.mark.timeout(1200)
def test_edges_have_what_a_cold_compilation_gives_them(block: int) -> None:
    grouped = 0
    for seed in range(block, SEQUENCES, BLOCKS):
        grouped += follow(seed)
    assert grouped, "no account was served by some edges alone"


def follow(seed: int) -> int:
    """One sequence, with publications between; how many parts of groups there are in the end."""
    dice, world, told = random.Random(seed), ChangingWorld(seed), Sum()
    running, queue = RunningCompiler(world.surroundings), Queue(bound=sys.maxsize, most=2)
    for step in world.steps(STEPS):
        delta = running.update(step.changes)
        told.add(delta)
        queue.take(delta)
        if dice.random() < 0.2:
            # An edge that is replaced by one of another version now and then.
            queue.set_schemas({edge: dice.choice((1, 2)) for edge in told.edges})
        for _ in range(dice.randint(0, 2)):
            queue.advance()
    queue.set_schemas({})
    revision = drain(queue)
    cold = compile_resources(world.resources()).tables
    for edge, table in cold.items():
        wanted = {section: dict(rows) for section, rows in table.sections.items() if rows}
        assert sections_of(queue, revision, edge) == wanted, f"sequence {seed}, {edge}"
    assert revision.heads.keys() == cold.keys()
    assert queue.left_out == {}
    assert queue.opinions == {}
    return sum(1 for _, name in revision.parts if group_of_part(name) not in ("", SHARED))
