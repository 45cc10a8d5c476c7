"""A watch that is slow is told from one that is deaf."""

from __future__ import annotations

from collections.abc import Mapping

from trunkline.api import ObjectRef
from trunkline.controllers.hearing import DEAF_SECONDS, LOST_SECONDS, Hearing

AUDIT = 30


def number(position: int) -> ObjectRef:
    return ObjectRef("Number", "acme", f"n-{position}")


class Listener:
    """What a watch has told so far."""

    def __init__(self) -> None:
        self.hearing, self.told = Hearing(), dict[ObjectRef, int]()

    def tell(self, ref: ObjectRef, version: int) -> None:
        self.told[ref] = version
        self.hearing.hear()

    def look(self, listed: Mapping[ObjectRef, int], now: float) -> bool:
        """True if the watch is deaf."""
        self.hearing.look(listed, lambda ref, version: self.told.get(ref, 0) >= version, now)
        return self.hearing.is_deaf(now)


def test_a_watch_that_tells_nothing_is_deaf_after_its_time() -> None:
    watch = Listener()
    assert not watch.look({number(0): 1}, 1000)
    assert not watch.look({number(0): 1}, 1000 + DEAF_SECONDS - 1)
    assert watch.look({number(0): 1}, 1000 + DEAF_SECONDS)
    assert watch.hearing.oldest == number(0)
    assert watch.hearing.owed_seconds(1000 + DEAF_SECONDS) == DEAF_SECONDS


def test_beside_a_stream_of_changes_a_watch_is_never_deaf() -> None:
    """Each list shows one change more than was told; all those before were."""
    watch, listed = Listener(), dict[ObjectRef, int]()
    for turn in range(100):
        listed[number(turn)] = turn + 1
        assert not watch.look(listed, AUDIT * turn)
        assert watch.hearing.owed_seconds(AUDIT * turn) == 0
        watch.tell(number(turn), turn + 1)


def test_an_object_that_changes_all_the_time_is_told_by_any_newer_version() -> None:
    watch = Listener()
    for turn in range(100):
        assert not watch.look({number(0): 10 * turn + 10}, AUDIT * turn)
        watch.tell(number(0), 10 * turn + 11)
        assert not watch.look({number(0): 10 * turn + 15}, AUDIT * turn + 1)


def test_an_object_that_changes_all_the_time_and_is_never_told_makes_a_watch_deaf() -> None:
    watch = Listener()
    assert [watch.look({number(0): turn + 1}, AUDIT * turn) for turn in range(4)] == [
        False,
        False,
        False,
        True,
    ]


def test_a_long_list_that_is_told_object_by_object_is_slow_and_not_deaf() -> None:
    """As after a restart of an API server, on a machine with little time."""
    watch, listed = Listener(), {number(position): position + 1 for position in range(20)}
    for turn in range(20):
        assert not watch.look(listed, AUDIT * turn)
        watch.tell(number(turn), turn + 1)
    assert not watch.look(listed, AUDIT * 20)
    assert watch.hearing.oldest is None


def test_a_watch_that_tells_all_that_is_known_before_what_is_not_is_slow_and_not_deaf() -> None:
    """It begins anew with a list, once or twice: what is new comes last."""
    watch = Listener()
    known = {number(position): position + 1 for position in range(20)}
    watch.told.update(known)
    for turn in range(20):
        assert not watch.look({**known, number(99): 99}, AUDIT * turn)
        watch.tell(number(turn), turn + 1)
    assert watch.hearing.oldest == number(99)


def test_answers_to_own_writes_are_no_words_of_the_watch() -> None:
    watch, deaf = Listener(), list[bool]()
    for turn in range(5):
        watch.told[number(turn)] = 1
        deaf.append(watch.look({number(99): 1, number(turn): 1}, AUDIT * turn))
    assert deaf == [False, False, False, True, True]


def test_what_is_never_told_is_lost_whatever_else_is() -> None:
    watch, listed, deaf = Listener(), {number(-1): 1}, list[float]()
    for now in range(0, int(LOST_SECONDS) + 2 * AUDIT, AUDIT):
        listed[number(now)] = now + 2
        if watch.look(listed, now):
            deaf.append(now)
        watch.tell(number(now), now + 2)
    assert deaf[0] == LOST_SECONDS


def test_what_is_deleted_is_owed_no_more() -> None:
    watch = Listener()
    watch.look({number(0): 1}, 0)
    assert not watch.look({}, DEAF_SECONDS)
    assert watch.hearing.oldest is None


def test_without_a_list_nothing_is_said_of_the_watch() -> None:
    watch = Listener()
    watch.look({number(0): 1}, 0)
    watch.hearing.forget()
    assert not watch.look({number(0): 1}, DEAF_SECONDS)
