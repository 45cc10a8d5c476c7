"""A leg that is moved: which re-INVITE is sent again, which stays, and what a journal tells of it."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sipedge.b2bua.events import Elapsed, LeadBack, Moved, NotMoved, Reinvite, Start, Timer
from sipedge.b2bua.moving import BACK, MOST_GLARES, NOWHERE, TO_TARGET, Move, Way, again

MOVES: Final = {"nowhere": NOWHERE, "to the target": TO_TARGET, "back": BACK}
REPEATED: Final[dict[str, set[int]]] = {
    "nowhere": set(),
    "to the target": {491},
    "back": {403, 488, 491, 500},
}
"""By which refusals what is sent again."""
REFUSALS: Final = (403, 408, 481, 488, 491, 500)
Event = Moved | NotMoved | Elapsed
EVENTS: Final[tuple[Event, ...]] = (Moved(), *map(NotMoved, REFUSALS), *map(Elapsed, Timer))


@pytest.mark.parametrize("status", REFUSALS)
@pytest.mark.parametrize("name", MOVES)
def test_what_is_refused_for_the_moment_is_sent_again_after_a_while(name: str, status: int) -> None:
    move = MOVES[name]
    if status not in REPEATED[name]:
        assert again(move, NotMoved(status)) is None
        return
    waiting = replace(move, is_waiting=True, glares=1)
    assert again(move, NotMoved(status)) == (waiting, Start(Timer.GLARE))
    sent = Reinvite() if move is TO_TARGET else LeadBack()
    assert again(waiting, Elapsed(Timer.GLARE)) == (replace(move, glares=1), sent)


@given(st.sampled_from((TO_TARGET, BACK)), st.lists(st.sampled_from(EVENTS), max_size=40))
def test_each_wait_is_followed_by_one_reinvite_and_there_are_so_many_and_no_more(
    move: Move, events: list[Event]
) -> None:
    done = []
    for event in events:
        if (found := again(move, event)) is not None:
            move, action = found
            done.append(action)
    assert done[::2] == [Start(Timer.GLARE)] * len(done[::2])
    assert not any(isinstance(action, Start) for action in done[1::2])
    assert len(done) <= 2 * MOST_GLARES
    assert move.is_waiting == bool(len(done) % 2)


@pytest.mark.parametrize("event", EVENTS, ids=repr)
@pytest.mark.parametrize("is_waiting", (True, False), ids=("waiting", "under way"))
@pytest.mark.parametrize("way", (Way.TO_TARGET, Way.BACK))
def test_what_is_given_up_is_not_sent_again(way: Way, is_waiting: bool, event: Event) -> None:
    assert again(Move(way, is_waiting).given_up(), event) is None


@pytest.mark.parametrize(
    ("move", "is_for_good", "led"),
    (
        (NOWHERE, False, Way.NONE),
        (TO_TARGET, True, Way.TO_TARGET),
        (Move(Way.TO_TARGET, is_waiting=True), True, Way.NONE),
        (TO_TARGET.given_up(), False, Way.TO_TARGET),
        (BACK, False, Way.BACK),
        (Move(Way.BACK, is_waiting=True), False, Way.BACK),
    ),
)
def test_whether_it_stays_and_where_it_may_be(move: Move, is_for_good: bool, led: Way) -> None:
    """One that goes to the target and waits is where it was; one that goes back is with the target still."""
    assert (move.is_for_good, move.led) == (is_for_good, led)
