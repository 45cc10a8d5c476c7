"""Which pod of an Edge must start anew because the Edge's list of addresses has changed."""

from __future__ import annotations

import pytest

from trunkline.plan.misplaced import Misplaced, PlacedPod, misplaced

A, B, C, D = "192.0.2.1", "192.0.2.2", "192.0.2.3", "192.0.2.4"


def pods(*addresses: str, begins: int | None = None) -> list[PlacedPod]:
    """Pods 0, 1, ... with these addresses."""
    return [PlacedPod(f"edge-x-{number}", each, number != begins) for number, each in enumerate(addresses)]


def test_an_address_that_replaces_another_moves_the_others_pod() -> None:
    """The pod with it goes on elsewhere."""
    assert misplaced([A, C], pods(A, B)) == Misplaced("edge-x-1", B, C)


def test_a_set_that_shrank_moves_the_pod_of_the_removed_address() -> None:
    """A StatefulSet ends its last pod, here that of C, which is listed still."""
    assert misplaced([B, C], pods(A, B)) == Misplaced("edge-x-0", A, C)


def test_one_pod_is_moved_at_a_time() -> None:
    """The next one once the first is steady again."""
    assert misplaced([C, D], pods(A, B)) == Misplaced("edge-x-0", A, C)
    assert misplaced([C, D], pods("", B, begins=0)) is None
    assert misplaced([C, D], pods(C, B)) == Misplaced("edge-x-1", B, D)


@pytest.mark.parametrize(
    ("listed", "found"),
    (
        ([A, B], pods(A, B)),
        ([A, B], pods(B, A)),
        ([A, B], pods(A, B, C)),
        ([A, B, C], pods(A, B)),
        ([A, C], pods(A, B, begins=0)),
        ([], pods(A, B)),
        ([A], []),
        ([C, D], pods(B)),
    ),
    ids=(
        *("as it should be", "in another order", "the last one ends soon", "one is to come"),
        *(
            "another pod begins",
            "an Edge that lists none",
            "no pods yet",
            "one was evicted and is not made again yet",
        ),
    ),
)
def test_no_pod_is_moved_without_need(listed: list[str], found: list[PlacedPod]) -> None:
    """A pod that moves ends calls that outlast the drain."""
    assert misplaced(listed, found) is None
