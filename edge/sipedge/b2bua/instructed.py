"""What becomes of a call that follows instructions (S67): `(state, event) -> (state, actions)`. Pure.

The instructions themselves are followed by `twiml.step`, a `Dial` among them by `join.step`; here is what the
caller's own end does to both, and what both do to the caller.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from sipedge.b2bua import join
from sipedge.b2bua.events import (
    Answered,
    Cancel,
    Canceled,
    Elapsed,
    Failed,
    Invite,
    LeadBack,
    Moved,
    NotMoved,
    Reinvite,
    Start,
    Stop,
)
from sipedge.b2bua.twiml import events as told
from sipedge.b2bua.twiml import step as story
from sipedge.b2bua.twiml.verbs import Dial

CANCELED: Final = 487
UNAVAILABLE: Final = 503


class Phase(StrEnum):
    """How far the call is, for people and for the journal."""

    RINGING = "ringing"
    """Its INVITE is not answered."""
    UP = "up"
    """It is answered: the caller hears the edge."""
    DIALLING = "dialling"
    """It is answered, and somebody else is called, or connected."""
    OVER = "over"


# ------------------------------------------------------------------------------------------------- Events


@dataclass(frozen=True, slots=True)
class Bye:
    """The caller has hung up."""


@dataclass(frozen=True, slots=True)
class Unanswerable:
    """The INVITE cannot be answered: there are no media to be had for it."""


Event = told.Event | join.Event | Canceled | Bye | Unanswerable

# ------------------------------------------------------------------------------------------------ Actions


@dataclass(frozen=True, slots=True)
class ByeCaller:
    """The caller gets a BYE."""


@dataclass(frozen=True, slots=True)
class TellDialled:
    """Tell by `Dialled` what has come of the call to somebody else."""

    status: join.Status


Action = (
    told.Refuse
    | told.Answer
    | told.Prompting
    | told.StopPrompt
    | told.StartRecording
    | told.StopRecording
    | told.Fetch
    | told.Start
    | told.Stop
    | Invite
    | Cancel
    | Reinvite
    | join.Release
    | LeadBack
    | join.ByeTarget
    | Start
    | Stop
    | ByeCaller
    | TellDialled
)


_NOBODY: Final = join.State(join.Phase.OVER)


@dataclass(frozen=True, slots=True)
class State:
    """All that is remembered."""

    story: story.State
    """Where it is in its instructions."""
    dial: Dial | None = None
    """Whom they have asked for last."""
    join: join.State = _NOBODY
    """How far the call to them is."""

    @property
    def phase(self) -> Phase:
        if self.story.doing is story.Doing.OVER:
            return Phase.OVER
        if not self.story.is_answered:
            return Phase.RINGING
        return Phase.UP if self.join.phase is join.Phase.OVER else Phase.DIALLING


Result = tuple[State, tuple[Action, ...]]


def begin(url: str, method: str) -> Result:
    """The INVITE has arrived."""
    begun, actions = story.begin(url, method)
    return _told(State(begun), actions)


def step(state: State, event: Event) -> Result:
    """What the event changes, and what is to be done. Total."""
    if state.phase is Phase.OVER:
        return state, ()
    match event:
        case Canceled():
            # Even where an answer is on its way: it was not sent.
            return _gone(state, told.Refuse(CANCELED))
        case Bye():
            return _gone(state)
        case Unanswerable():
            return _gone(state, told.Refuse(UNAVAILABLE))
        case Answered() | Failed() | Moved() | NotMoved() | join.TargetGone() | join.CallerGone() | Elapsed():
            return _joined(state, *join.step(state.join, event))
        case told.Dialled() if state.join.phase is not join.Phase.OVER:
            return state, ()
    after, actions = story.step(state.story, event)
    return _told(replace(state, story=after), actions)


def _gone(state: State, *last: Action) -> Result:
    """The caller has gone; what was recorded is kept, and whoever was called is let go."""
    after, actions = story.step(state.story, told.HungUp())
    over, done = _told(replace(state, story=after), actions)
    return over, (*done, *last)


def _told(state: State, actions: tuple[told.Action, ...]) -> Result:
    """What the instructions ask for."""
    done: list[Action] = []
    for action in actions:
        match action:
            case told.Call(dial):
                begun, more = join.begin()
                state, joined = _joined(replace(state, dial=dial), begun, more)
            case told.StopCall():
                state, joined = _joined(state, *join.step(state.join, join.CallerGone()))
            case told.HangUp():
                joined = (ByeCaller(),)
            case _:
                joined = (action,)
        done += joined
    return state, tuple(done)


def _joined(state: State, after: join.State, actions: tuple[join.Action, ...]) -> Result:
    """What comes of the call to somebody else."""
    state = replace(state, join=after)
    done: list[Action] = []
    for action in actions:
        match action:
            case join.Done(status):
                done.append(TellDialled(status))
            case join.Lost():
                over, _ = story.step(state.story, told.HungUp())
                state = replace(state, story=over)
                done.append(ByeCaller())
            case _:
                done.append(action)
    return state, tuple(done)
