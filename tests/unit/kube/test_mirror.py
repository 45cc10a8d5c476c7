"""What a mirror shows, whatever the order in which an API server answers."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from trunkline.kube.mirror import Mirror, by_name


def thing(version: int, says: str = "so", name: str = "a") -> dict[str, Any]:
    return {"metadata": {"name": name, "resourceVersion": str(version)}, "says": says}


class Looked:
    """A mirror, and how often it woke somebody."""

    def __init__(self) -> None:
        self.wakes = 0
        self.mirror = Mirror(by_name, self._parse, self._woken)

    @staticmethod
    def _parse(found: Any) -> str | None:
        if found["says"] == "broken":
            raise RuntimeError
        return None if found["says"] == "" else str(found["says"])

    def _woken(self) -> None:
        self.wakes += 1


def test_what_says_the_same_wakes_nobody() -> None:
    looked = Looked()
    looked.mirror.replace([thing(1)])
    looked.mirror.change(thing(2))
    looked.mirror.replace([thing(3)])
    assert (looked.wakes, looked.mirror.revision) == (1, 1)
    looked.mirror.change(thing(4, "else"))
    assert (looked.wakes, looked.mirror.known) == (2, {"a": "else"})


def test_a_new_list_shows_what_went_while_nobody_watched() -> None:
    looked = Looked()
    looked.mirror.replace([thing(1), thing(1, name="b")])
    looked.mirror.replace([thing(1)])
    assert (looked.wakes, looked.mirror.known) == (2, {"a": "so"})


def test_an_object_that_cannot_be_read_costs_itself_alone() -> None:
    looked = Looked()
    looked.mirror.replace([thing(1, "broken"), thing(1, name="b")])
    looked.mirror.change(thing(2, "", name="b"))
    assert looked.mirror.known == {}
    looked.mirror.change(thing(3, "well"))
    assert looked.mirror.known == {"a": "well"}


def test_the_echo_of_an_own_write_is_no_news() -> None:
    looked = Looked()
    looked.mirror.wrote(thing(5, "mine"))
    looked.mirror.change(thing(4, "older"))
    looked.mirror.change(thing(5, "mine"))
    assert (looked.wakes, looked.mirror.known) == (0, {"a": "mine"})


@given(st.permutations(["change 1", "change 2", "wrote 3", "remove 4"]))
def test_the_newest_version_wins_in_any_order(told: list[str]) -> None:
    looked = Looked()
    for each in told:
        action, version = each.split()
        getattr(looked.mirror, action)(thing(int(version)))
    assert looked.mirror.known == {}
