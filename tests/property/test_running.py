"""Whatever changes in whatever order: the sum of all deltas is a cold compilation of everything."""

from __future__ import annotations

import os

import pytest

from support.changes import ChangingWorld, Sum
from trunkline.compiler import compile_resources, numbers
from trunkline.compiler.delta import InputChanges
from trunkline.compiler.running import RunningCompiler

SEQUENCES = 4000 if os.environ.get("SOAK") else 300
STEPS = 25
BLOCKS = 10
"""Sequences are told apart by their seed alone; a block of them is one test."""


@pytest.mark.parametrize("block", range(BLOCKS))
@pytest.mark.timeout(1200)
def test_at_rest_warm_is_cold_after_any_sequence_of_changes(
    block: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whether the Numbers of a change are judged all at once, or one after the other."""
    if block % 2:
        monkeypatch.setattr(numbers, "AT_ONCE", 1)
    for seed in range(block, SEQUENCES, BLOCKS):
        follow(seed)


def follow(seed: int) -> None:
    """One sequence, compared at its end and now and then before."""
    world, told = ChangingWorld(seed), Sum()
    running = RunningCompiler(world.surroundings)
    for number, step in enumerate(world.steps(STEPS)):
        told.add(running.update(step.changes))
        if number % 8 == 7:
            told.assert_is(compile_resources(world.resources()))
    try:
        told.assert_is(compile_resources(world.resources()))
    except AssertionError as error:
        raise AssertionError(f"sequence {seed}: {error}") from error
    assert running.update(world.everything()).is_empty, "the same once more changes nothing"
    assert running.update(InputChanges()).is_empty
