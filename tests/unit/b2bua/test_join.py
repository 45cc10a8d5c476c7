"""How a caller is connected with somebody else, and comes back: each way, then every order of events."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import pytest

from sipedge.b2bua.events import (
    Answered,
    Cancel,
    Elapsed,
    Failed,
    Invite,
    LeadBack,
    Moved,
    NotMoved,
    Reinvite,
    Start,
    Stop,
    Timer,
)
from sipedge.b2bua.join import (
    Action,
    ByeTarget,
    CallerGone,
    Done,
    Event,
    Lost,
    Phase,
    Release,
    State,
    Status,
    TargetGone,
    begin,
    step,
)

DEPTH: Final = 8


def run(*events: Event) -> tuple[State, list[Action]]:
    """The state and all that is done after the first INVITE."""
    state, _ = begin()
    done: list[Action] = []
    for event in events:
        state, actions = step(state, event)
        done += actions
    return state, done


def test_it_begins_with_an_invite() -> None:
    assert begin()[1] == (Invite(), Start(Timer.ANSWER))


def test_caller_and_target_are_connected_and_the_caller_comes_back() -> None:
    state, done = run(Answered(), Moved(), TargetGone(), Moved())
    assert state.phase is Phase.OVER
    assert done == [
        Stop(Timer.ANSWER),
        Reinvite(),
        Release(),
        Start(Timer.LONGEST),
        Stop(Timer.LONGEST),
        LeadBack(),
        Done(Status.COMPLETED),
    ]


@pytest.mark.parametrize(
    ("status", "said"),
    (
        (486, Status.BUSY),
        (600, Status.BUSY),
        (480, Status.NO_ANSWER),
        (408, Status.NO_ANSWER),
        (487, Status.NO_ANSWER),
        (403, Status.FAILED),
        (503, Status.FAILED),
        (603, Status.FAILED),
    ),
)
def test_a_target_that_refuses_costs_nothing(status: int, said: Status) -> None:
    state, done = run(Failed(status))
    assert (state.phase, done) == (Phase.OVER, [Stop(Timer.ANSWER), Done(said)])


def test_a_target_that_does_not_answer_is_taken_back() -> None:
    assert run(Elapsed(Timer.ANSWER))[1] == [Cancel(), Done(Status.NO_ANSWER)]


def test_a_caller_who_does_not_take_the_target_hears_the_edge_still() -> None:
    assert run(Answered(), NotMoved(488))[1][2:] == [ByeTarget(), Done(Status.FAILED)]


def test_a_reinvite_that_met_another_is_sent_again() -> None:
    once = (NotMoved(491), Elapsed(Timer.GLARE))
    assert run(Answered(), *once)[1][2:] == [Start(Timer.GLARE), Reinvite()]
    assert run(Answered(), *once, *once, *once, *once, NotMoved(491))[1][-2:] == [
        ByeTarget(),
        Done(Status.FAILED),
    ]
    assert run(Answered(), Moved(), TargetGone(), *once)[1][-2:] == [Start(Timer.GLARE), LeadBack()]


def test_they_are_connected_for_so_long_and_no_longer() -> None:
    assert run(Answered(), Moved(), Elapsed(Timer.LONGEST))[1][-2:] == [ByeTarget(), LeadBack()]


def test_a_target_that_hangs_up_too_soon_is_not_ended_twice() -> None:
    assert run(Answered(), TargetGone(), Moved())[1][2:] == [Release(), LeadBack()]
    assert run(Answered(), TargetGone(), NotMoved(488))[1][2:] == [Done(Status.FAILED)]


def test_a_caller_who_cannot_be_brought_back_is_told_so() -> None:
    assert run(Answered(), Moved(), TargetGone(), NotMoved(481))[1][-1] == Lost(Status.COMPLETED)


def test_a_caller_who_is_not_ready_yet_is_brought_back_later() -> None:
    """RFC 3261 section 14.2: who still has the INVITE before to answer says 500."""
    gone = (Answered(), Moved(), TargetGone())
    again = (NotMoved(500), Elapsed(Timer.GLARE))
    assert run(*gone, *again)[1][-2:] == [Start(Timer.GLARE), LeadBack()]
    assert run(*gone, *again * 4, NotMoved(500))[1][-1] == Lost(Status.COMPLETED)


@dataclass(frozen=True)
class World:
    """What is true outside: what the target and the caller know."""

    target: str = "invited"
    """`invited`, `up`, `gone`, or `canceled`."""
    asked: bool = False
    """The caller has a re-INVITE that he has not answered."""
    caller: bool = True
    timers: frozenset[Timer] = frozenset()
    ends: int = 0


EVENTS: Final[tuple[Event, ...]] = (
    Answered(), Failed(486), Moved(), NotMoved(488), NotMoved(491), TargetGone(), CallerGone(),
    *(Elapsed(timer) for timer in Timer),
)  # fmt: skip


def may_happen(world: World, event: Event) -> bool:
    match event:
        case Answered() | Failed():
            return world.target == "invited"
        case Moved() | NotMoved():
            return world.asked and world.caller
        case TargetGone():
            return world.target == "up"
        case CallerGone():
            return world.caller
        case Elapsed(timer):
            return timer in world.timers
    raise AssertionError(event)


def heard(world: World, event: Event) -> World:
    match event:
        case Answered():
            return replace(world, target="up")
        case Failed() | TargetGone():
            return replace(world, target="gone")
        case Moved() | NotMoved():
            return replace(world, asked=False)
        case CallerGone():
            return replace(world, caller=False, asked=False)
        case Elapsed(timer):
            return replace(world, timers=world.timers - {timer})
    raise AssertionError(event)


def acted(world: World, action: Action) -> World:
    match action:
        case Cancel():
            assert world.target == "invited"
            return replace(world, target="canceled")
        case ByeTarget():
            assert world.target == "up"
            return replace(world, target="gone")
        case Reinvite() | LeadBack():
            assert world.caller
            assert not world.asked
            return replace(world, asked=True)
        case Start(timer):
            return replace(world, timers=world.timers | {timer})
        case Stop(timer):
            return replace(world, timers=world.timers - {timer})
        case Done() | Lost():
            assert world.caller
            return replace(world, ends=world.ends + 1)
    return world


def test_in_every_order_of_events_nobody_is_left_and_the_end_is_told_once() -> None:
    state, actions = begin()
    world = World()
    for action in actions:
        world = acted(world, action)
    seen, front = 0, [(state, world)]
    for _ in range(DEPTH):
        after = []
        for state, world in front:
            for event in EVENTS:
                if not may_happen(world, event):
                    continue
                seen += 1
                known, actions = step(state, event)
                there = heard(world, event)
                for action in actions:
                    there = acted(there, action)
                if known.phase is Phase.OVER:
                    assert there.target in ("gone", "canceled")
                    assert not there.timers
                    assert there.ends == (1 if there.caller else 0)
                    assert step(known, CallerGone()) == (known, ())
                else:
                    assert there.ends == 0
                    assert there.target != "gone" or there.asked or there.timers
                    after.append((known, there))
        front = list(dict.fromkeys(after))
    assert seen > 50
