"""Every order of events of a transfer, to a depth of eight: nobody is left alone in a call."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

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
    Timer,
)
from sipedge.b2bua.moving import Way
from sipedge.b2bua.transfer import (
    Action,
    Bye,
    Event,
    Leg,
    Notify,
    Phase,
    Progress,
    Refer,
    Restarted,
    State,
    begin,
    step,
)

DEPTH: Final = 8
EVENTS: Final[tuple[Event, ...]] = (
    Refer(), Progress(180), Answered(), Failed(486), Moved(), NotMoved(491), NotMoved(488), NotMoved(481),
    Restarted(),
    *(Bye(leg) for leg in Leg), *(Elapsed(timer) for timer in Timer),
)  # fmt: skip


@dataclass(frozen=True)
class World:
    """What really is: who has a call, and what the target has of its INVITE."""

    transferor: bool = True
    transferee: bool = True
    target: str = "none"
    asked: str = ""
    """Whose session the transferee has a re-INVITE with; "" = it has none."""
    has: frozenset[str] = frozenset({"transferor"})
    """Whose session it has, or may have."""
    finals: int = 0
    is_waiting: bool = False
    """For a glare to be over."""

    def can(self, event: Event, state: State) -> bool:
        match event:
            case Refer() | Bye(Leg.TRANSFEROR):
                return self.transferor
            case Progress():
                return self.target == "ringing"
            case Answered() | Failed():
                return self.target in ("ringing", "canceled")
            case Moved() | NotMoved():
                return self.asked != ""
            case Bye(Leg.TRANSFEREE):
                return self.transferee
            case Bye(Leg.TARGET):
                return self.target == "up"
            case Elapsed(Timer.GLARE):
                return self.is_waiting
            case Elapsed(Timer.ANSWER):
                return self.target in ("ringing", "canceled")
            case Elapsed(Timer.BYE):
                return state.phase in (Phase.CLOSING, Phase.LINKED)
        return True

    def after(self, event: Event) -> World:
        match event:
            case Answered():
                return replace(self, target="up")
            case Failed() | Bye(Leg.TARGET):
                return replace(self, target="gone")
            case Moved():
                return replace(self, asked="", has=frozenset({self.asked}))
            case NotMoved():
                return replace(self, asked="")
            case Bye(Leg.TRANSFEREE):
                return replace(self, transferee=False, asked="", is_waiting=False)
            case Bye(Leg.TRANSFEROR):
                return replace(self, transferor=False)
            case Elapsed(Timer.GLARE):
                return replace(self, is_waiting=False)
            case Restarted():
                maybe = frozenset({self.asked}) if self.asked else frozenset()
                return replace(self, asked="", is_waiting=False, has=self.has | maybe)
        return self

    def done(self, action: Action) -> World:
        match action:
            case Notify(_, True):
                return replace(self, finals=self.finals + 1)
            case Invite():
                return replace(self, target="ringing", finals=0, is_waiting=False)
            case Cancel():
                assert self.target == "ringing", "a CANCEL without a ringing INVITE"
                return replace(self, target="canceled")
            case Reinvite() | LeadBack():
                assert self.transferee
                assert not self.asked, "two re-INVITEs at a time"
                return replace(self, asked="target" if action == Reinvite() else "transferor")
            case Bye(Leg.TRANSFEROR):
                assert self.transferor, "a BYE to a leg that is gone"
                return replace(self, transferor=False)
            case Bye(Leg.TRANSFEREE):
                assert self.transferee, "a BYE to a leg that is gone"
                return replace(self, transferee=False)
            case Bye(Leg.TARGET):
                assert self.target == "up", "a BYE to a target that has no call"
                return replace(self, target="gone")
        return self if action != _glare() else replace(self, is_waiting=True)

    def let_go(self, state: State) -> World:
        """An INVITE that nobody waits for any more is the business of the dialog's layer: ACK and BYE."""
        lost = state.phase in (Phase.RESTORED, Phase.OVER) and self.target in ("ringing", "canceled")
        return replace(self, target="gone") if lost else self

    def check(self, state: State) -> None:
        assert self.finals <= 1, "two final NOTIFYs"
        if state.phase is Phase.OVER:
            assert not self.transferor, "the transferor is left alone"
            assert not self.transferee, "the transferee is left alone"
            assert self.target != "up", "the target is left alone"
        else:
            assert self.transferee
        if state.phase in (Phase.CLOSING, Phase.LINKED, Phase.RESTORED):
            assert self.finals == 1, "the transferor does not know how it ended"
        if state.phase in (Phase.CLOSING, Phase.LINKED):
            assert self.target == "up"
            assert self.has == {"target"}
        if state.phase is Phase.RESTORED and state.move.way is Way.NONE:
            assert self.has == {"transferor"}, "the transferee hears nobody"
            assert not self.asked


def _glare() -> Action:
    return Start(Timer.GLARE)


def walk(state: State, world: World, path: tuple[Event, ...]) -> Iterator[tuple[Phase, Way]]:
    """Each order of events that can happen, `DEPTH` at most."""
    yield state.phase, state.move.way
    if len(path) == DEPTH or state.phase is Phase.OVER:
        return
    for event in EVENTS:
        if not world.can(event, state):
            continue
        after, actions = step(state, event)
        world_after = world.after(event)
        if after == state and world_after == world:
            continue
        try:
            for action in actions:
                world_after = world_after.done(action)
            world_after = world_after.let_go(after)
            world_after.check(after)
        except AssertionError as error:
            raise AssertionError(
                f"{error}: {' '.join(map(str, (*path, event)))} -> {after} {world_after}"
            ) from None
        yield from walk(after, world_after, (*path, event))


def test_a_transferee_that_has_no_such_call_is_gone() -> None:
    """Its BYE has met the REFER: nobody would ever end the call that the transferor gets back."""
    state, actions = step(State(Phase.CONNECTING), NotMoved(481))
    assert state.phase is Phase.OVER
    assert {each.leg for each in actions if isinstance(each, Bye)} == set(Leg)


def test_no_order_of_events_leaves_anybody_alone() -> None:
    state, actions = begin()
    world = World()
    for action in actions:
        world = world.done(action)
    reached = set(walk(state, world, ()))
    assert {phase for phase, _ in reached} == set(Phase)
    assert {way for phase, way in reached if phase is Phase.RESTORED} == set(Way)
