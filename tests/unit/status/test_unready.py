"""Whose Pod is unready leaves at once; where most are at once, their Leases are asked as well."""

from __future__ import annotations

import pytest

from trunkline.status.unready import Unready, burst

FOUR = ("a", "b", "c", "d")


@pytest.mark.parametrize(
    ("since", "pods", "doubted"),
    (
        ({}, 4, ""),
        ({"a": 0}, 4, ""),
        ({"a": 0, "b": 1}, 4, ""),
        ({"a": 0, "b": 10, "c": 30}, 4, "abc"),
        ({"a": 0, "b": 10, "c": 31}, 4, ""),
        ({"a": 0, "b": 500, "c": 510, "d": 520}, 4, "bcd"),
        ({"a": 0}, 1, "a"),
        ({"a": 0}, 2, ""),
        ({"a": 0, "b": 0}, 2, "ab"),
        ({"a": 0, "b": 20, "c": 40, "d": 60}, 4, ""),
        ({"a": 0, "b": 0, "c": 0}, 5, "abc"),
    ),
)
def test_most_pods_lost_at_once_are_doubted(since: dict[str, float], pods: int, doubted: str) -> None:
    assert burst(since, pods) == frozenset(doubted)


def test_a_dead_node_is_believed_at_once() -> None:
    unready = Unready[str]()
    unready.look(dict.fromkeys(FOUR, True), 0)
    assert unready.believed() == frozenset()
    unready.look({**dict.fromkeys(FOUR, True), "a": False}, 100)
    assert unready.believed() == {"a"}


def test_an_api_server_that_lost_sight_of_all_nodes_is_not() -> None:
    """One after another; who comes back is well, and who does not is then believed to be gone."""
    unready = Unready[str]()
    for at, lost in enumerate(("", "a", "ab", "abc", "abcd")):
        unready.look({pod: pod not in lost for pod in FOUR}, 100 + 5 * at)
    assert unready.believed() == frozenset()
    unready.look({pod: pod != "b" for pod in FOUR}, 200)
    assert unready.believed() == {"b"}


def test_a_pod_of_which_nothing_was_said_yet_is_not_unready() -> None:
    unready = Unready[str]()
    unready.look({"a": None, "b": True, "c": True}, 0)
    assert unready.believed() == frozenset()
