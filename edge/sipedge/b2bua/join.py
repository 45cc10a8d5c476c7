"""How a caller who follows instructions is connected with somebody else, and comes back: `(state, event) ->
(state, actions)`. Pure.

The target gets an INVITE with the caller's own session, then the caller a re-INVITE with the target's. When
the target has gone, another re-INVITE brings the caller back to where it hears the edge. Until the caller has
taken the first one nothing is lost: it hears the edge all the time.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from sipedge.b2bua import moving
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
from sipedge.b2bua.moving import BACK, NOWHERE, TO_TARGET, Move


class Phase(StrEnum):
    """How far it is."""

    DIALING = "dialing"
    """The target has its INVITE and has not answered."""
    CONNECTING = "connecting"
    """The target has answered; the caller has a re-INVITE."""
    LINKED = "linked"
    """Both are connected."""
    RETURNING = "returning"
    """The target has gone; the caller has a re-INVITE."""
    OVER = "over"


class Status(StrEnum):
    """What has come of it, in the words of the reference's `DialCallStatus`."""

    COMPLETED = "completed"
    BUSY = "busy"
    NO_ANSWER = "no-answer"
    FAILED = "failed"
    CANCELED = "canceled"


# ------------------------------------------------------------------------------------------------- Events


@dataclass(frozen=True, slots=True)
class TargetGone:
    """The target has hung up."""


@dataclass(frozen=True, slots=True)
class CallerGone:
    """The caller has hung up."""


Event = Answered | Failed | Moved | NotMoved | TargetGone | CallerGone | Elapsed

# ------------------------------------------------------------------------------------------------ Actions


@dataclass(frozen=True, slots=True)
class Release:
    """The session by which the caller heard the edge is not needed any more."""


@dataclass(frozen=True, slots=True)
class ByeTarget:
    """The target gets a BYE."""


@dataclass(frozen=True, slots=True)
class Done:
    """It is over, and the caller hears the edge."""

    status: Status


@dataclass(frozen=True, slots=True)
class Lost:
    """It is over, and the caller hears nobody: it has not taken the session that leads back."""

    status: Status


Action = Invite | Cancel | Reinvite | Release | LeadBack | ByeTarget | Done | Lost | Start | Stop


@dataclass(frozen=True, slots=True)
class State:
    """All that is remembered."""

    phase: Phase = Phase.DIALING
    move: Move = NOWHERE
    """Of the caller; given up once the target has hung up."""


Result = tuple[State, tuple[Action, ...]]
_RETURNING: Final = State(Phase.RETURNING, BACK)
_OVER: Final = State(Phase.OVER)
_BUSY: Final = frozenset({486, 600})
_NO_ANSWER: Final = frozenset({408, 480, 487})


def begin() -> Result:
    """Instructions ask for a call."""
    return State(), (Invite(), Start(Timer.ANSWER))


def step(state: State, event: Event) -> Result:
    """What the event changes, and what is to be done. Total."""
    if isinstance(event, CallerGone):
        return _without_caller(state)
    if (again := moving.again(state.move, event)) is not None:
        move, action = again
        return replace(state, move=move), (action,)
    match state.phase, event:
        case Phase.DIALING, Answered():
            return State(Phase.CONNECTING, TO_TARGET), (Stop(Timer.ANSWER), Reinvite())
        case Phase.DIALING, Failed(status):
            return _OVER, (Stop(Timer.ANSWER), Done(_status_of(status)))
        case Phase.DIALING, Elapsed(Timer.ANSWER):
            return _OVER, (Cancel(), Done(Status.NO_ANSWER))
        case Phase.CONNECTING, _:
            return _connecting(state, event)
        case Phase.LINKED, TargetGone():
            return _RETURNING, (Stop(Timer.LONGEST), LeadBack())
        case Phase.LINKED, Elapsed(Timer.LONGEST):
            return _RETURNING, (ByeTarget(), LeadBack())
        case Phase.RETURNING, Moved():
            return _OVER, (Done(Status.COMPLETED),)
        case Phase.RETURNING, NotMoved():
            return _OVER, (Lost(Status.COMPLETED),)
    return state, ()


def _connecting(state: State, event: Event) -> Result:
    match event:
        case Moved() if state.move.is_given_up:
            return _RETURNING, (Release(), LeadBack())
        case Moved():
            return State(Phase.LINKED), (Release(), Start(Timer.LONGEST))
        case NotMoved():
            return _OVER, (*_to_target(state), Done(Status.FAILED))
        case Elapsed(Timer.GLARE) if state.move.is_waiting:
            return _OVER, (Done(Status.FAILED),)
        case TargetGone():
            # The answer to the re-INVITE says what the caller hears.
            return replace(state, move=state.move.given_up()), ()
    return state, ()


def _without_caller(state: State) -> Result:
    match state.phase:
        case Phase.DIALING:
            return _OVER, (Stop(Timer.ANSWER), Cancel())
        case Phase.CONNECTING:
            return _OVER, (Stop(Timer.GLARE), *_to_target(state))
        case Phase.LINKED:
            return _OVER, (Stop(Timer.LONGEST), ByeTarget())
        case Phase.RETURNING:
            return _OVER, (Stop(Timer.GLARE),)
    return state, ()


def _to_target(state: State) -> tuple[Action, ...]:
    return () if state.move.is_given_up else (ByeTarget(),)


def _status_of(status: int) -> Status:
    if status in _BUSY:
        return Status.BUSY
    return Status.NO_ANSWER if status in _NO_ANSWER else Status.FAILED
