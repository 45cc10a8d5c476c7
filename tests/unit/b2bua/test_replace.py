"""Every order of events of a call that is taken over, to a depth of seven: nobody is left alone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

from sipedge.b2bua.events import (
    Canceled,
    Elapsed,
    LeadBack,
    Moved,
    NotMoved,
    Refuse,
    Reinvite,
    Start,
    Timer,
)
from sipedge.b2bua.replace import (
    Accept,
    Action,
    Bye,
    Event,
    Phase,
    Role,
    State,
    TakeBack,
    begin,
    step,
)
from sipedge.routing.handover import NOT_TAKEN_OVER

DEPTH: Final = 7
EVENTS: Final[tuple[Event, ...]] = (
    Moved(), NotMoved(491), NotMoved(488), Elapsed(Timer.GLARE), Canceled(), *(Bye(role) for role in Role),
)  # fmt: skip


@dataclass(frozen=True)
class World:
    going: bool = True
    staying: bool = True
    new: str = "waiting"
    asked: str = ""
    """Whose session the staying side has a re-INVITE with; "" = it has none."""
    has: str = "going"
    """Whose session it has."""
    is_waiting: bool = False
    is_canceled: bool = False

    def can(self, event: Event) -> bool:
        match event:
            case Moved() | NotMoved():
                return self.asked != ""
            case Elapsed(Timer.GLARE):
                return self.is_waiting
            case Canceled():
                return self.new == "waiting" and not self.is_canceled
            case Bye(Role.GOING):
                return self.going
            case Bye(Role.STAYING):
                return self.staying
        return self.new == "up"

    def after(self, event: Event) -> World:
        match event:
            case Moved():
                return replace(self, asked="", has=self.asked)
            case NotMoved():
                return replace(self, asked="")
            case Elapsed(Timer.GLARE):
                return replace(self, is_waiting=False)
            case Canceled():
                return replace(self, is_canceled=True)
            case Bye(Role.GOING):
                return replace(self, going=False)
            case Bye(Role.STAYING):
                return replace(self, staying=False, asked="", is_waiting=False)
        return replace(self, new="gone")

    def done(self, action: Action) -> World:
        match action:
            case Accept():
                assert self.new == "waiting"
                return replace(self, new="up")
            case Refuse(status):
                assert self.new == "waiting"
                assert status in NOT_TAKEN_OVER
                return replace(self, new="gone", is_waiting=False)
            case TakeBack():
                assert self.asked
                return self
            case Reinvite() | LeadBack():
                assert self.staying
                assert not self.asked
                return replace(self, asked="new" if action == Reinvite() else "going")
            case Start(Timer.GLARE):
                return replace(self, is_waiting=True)
            case Bye(Role.GOING):
                assert self.going
                return replace(self, going=False)
            case Bye(Role.STAYING):
                assert self.staying
                return replace(self, staying=False)
        assert self.new == "up"
        return replace(self, new="gone")

    def check(self, state: State) -> None:
        match state.phase:
            case Phase.OVER:
                assert (self.going, self.staying) == (False, False)
                assert self.new == "gone"
            case Phase.LINKED:
                assert self.staying
                assert (self.new, self.has) == ("up", "new")
                assert not self.is_canceled
            case Phase.RESTORED:
                assert self.going
                assert self.staying
                assert (self.new, self.has, self.asked) == ("gone", "going", "")
            case Phase.RETURNING:
                assert self.going
                assert self.staying
                assert (self.new, self.is_canceled) == ("gone", True)
                assert self.asked or self.is_waiting
            case Phase.CONNECTING:
                assert self.asked or self.is_waiting
                assert not (self.is_canceled and self.is_waiting)


def walk(state: State, world: World, depth: int) -> Iterator[Phase]:
    yield state.phase
    if not depth or state.phase is Phase.OVER:
        return
    for event in EVENTS:
        if world.can(event):
            after, actions = step(state, event)
            changed = world.after(event)
            for action in actions:
                changed = changed.done(action)
            changed.check(after)
            yield from walk(after, changed, depth - 1)


def test_no_order_of_events_leaves_anybody_alone() -> None:
    state, actions = begin(State())
    world = World()
    for action in actions:
        world = world.done(action)
    assert set(walk(state, world, DEPTH)) == set(Phase)
