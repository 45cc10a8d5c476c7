"""What Edges say while a roll-out is halted."""

from __future__ import annotations

import pytest

from trunkline.plan.rollout import Rollout
from trunkline.status.rollout import rollout_halted

HALTED = Rollout("ashburn", waits=frozenset({"dublin"}), halted=True)


@pytest.mark.parametrize(
    ("rollout", "edge"),
    (
        (HALTED, "ashburn"),
        (HALTED, "tokyo"),
        (Rollout("ashburn", waits=frozenset({"dublin"})), "dublin"),
        (Rollout(), "dublin"),
    ),
)
def test_only_who_waits_in_a_halted_one_says_so(rollout: Rollout, edge: str) -> None:
    """The one that halts it has conditions of its own, and before it is halted there is nothing to tell."""
    assert rollout_halted(edge, rollout) is None


def test_who_waits_names_the_edge_that_halts_it() -> None:
    found = rollout_halted("dublin", HALTED)
    assert found is not None
    assert (found.type, found.status, found.reason) == ("Deployed", "False", "RolloutHalted")
    assert found.message.startswith("Edge ashburn has its new pods and does not become ready")
