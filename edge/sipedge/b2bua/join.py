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

from sipedge.b2bua.moving import Moved, NotMoved, may_ask_again, may_lead_back_again


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


class Timer(StrEnum):
    """What it waits for."""

    ANSWER = "answer"
    """The target should have answered."""
    LONGEST = "longest of dial"
    """They are connected for as long as they may be."""
    GLARE = "glare"
    """The re-INVITE may be sent again."""


# ------------------------------------------------------------------------------------------------- Events


@dataclass(frozen=True, slots=True)
class Answered:
    """The target has sent a 2xx, which was acknowledged."""


@dataclass(frozen=True, slots=True)
class Failed:
    """The target has sent a final answer that is no 2xx, or none in time."""

    status: int


@dataclass(frozen=True, slots=True)
class TargetGone:
    """The target has hung up."""


@dataclass(frozen=True, slots=True)
class CallerGone:
    """The caller has hung up."""


@dataclass(frozen=True, slots=True)
class Elapsed:
    timer: Timer


Event = Answered | Failed | Moved | NotMoved | TargetGone | CallerGone | Elapsed

# ------------------------------------------------------------------------------------------------ Actions


@dataclass(frozen=True, slots=True)
class Invite:
    """Call the target."""


@dataclass(frozen=True, slots=True)
class Cancel:
    """Take that back. Should the target answer all the same, it gets ACK and BYE."""


@dataclass(frozen=True, slots=True)
class Connect:
    """Send the caller a re-INVITE with the target's session."""


@dataclass(frozen=True, slots=True)
class Release:
    """The session by which the caller heard the edge is not needed any more."""


@dataclass(frozen=True, slots=True)
class Return:
    """Send the caller a re-INVITE with a session by which it hears the edge."""


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


@dataclass(frozen=True, slots=True)
class Start:
    timer: Timer


@dataclass(frozen=True, slots=True)
class Stop:
    timer: Timer


Action = Invite | Cancel | Connect | Release | Return | ByeTarget | Done | Lost | Start | Stop


@dataclass(frozen=True, slots=True)
class State:
    """All that is remembered."""

    phase: Phase = Phase.DIALING
    has_target: bool = True
    """False once it has hung up, or was told to."""
    glares: int = 0


Result = tuple[State, tuple[Action, ...]]
_BUSY: Final = frozenset({486, 600})
_NO_ANSWER: Final = frozenset({408, 480, 487})


def begin() -> Result:
    """Instructions ask for a call."""
    return State(), (Invite(), Start(Timer.ANSWER))


def step(state: State, event: Event) -> Result:
    """What the event changes, and what is to be done. Total."""
    if isinstance(event, CallerGone):
        return _without_caller(state)
    match state.phase, event:
        case Phase.DIALING, Answered():
            return replace(state, phase=Phase.CONNECTING), (Stop(Timer.ANSWER), Connect())
        case Phase.DIALING, Failed(status):
            return _over(state), (Stop(Timer.ANSWER), Done(_status_of(status)))
        case Phase.DIALING, Elapsed(Timer.ANSWER):
            return _over(state), (Cancel(), Done(Status.NO_ANSWER))
        case Phase.CONNECTING, _:
            return _connecting(state, event)
        case Phase.LINKED, TargetGone():
            return _returning(state), (Stop(Timer.LONGEST), Return())
        case Phase.LINKED, Elapsed(Timer.LONGEST):
            return _returning(state), (ByeTarget(), Return())
        case Phase.RETURNING, _:
            return _coming_back(state, event)
    return state, ()


def _connecting(state: State, event: Event) -> Result:
    match event:
        case Moved() if state.has_target:
            return replace(state, phase=Phase.LINKED, glares=0), (Release(), Start(Timer.LONGEST))
        case Moved():
            return _returning(state), (Release(), Return())
        case NotMoved(status) if state.has_target and may_ask_again(status, state.glares):
            return replace(state, glares=state.glares + 1), (Start(Timer.GLARE),)
        case NotMoved():
            return _over(state), (*_to_target(state), Done(Status.FAILED))
        case Elapsed(Timer.GLARE) if state.has_target:
            return state, (Connect(),)
        case Elapsed(Timer.GLARE):
            return _over(state), (Done(Status.FAILED),)
        case TargetGone():
            # The answer to the re-INVITE says what the caller hears.
            return replace(state, has_target=False), ()
    return state, ()


def _coming_back(state: State, event: Event) -> Result:
    match event:
        case Moved():
            return _over(state), (Done(Status.COMPLETED),)
        case NotMoved(status) if may_lead_back_again(status, state.glares):
            return replace(state, glares=state.glares + 1), (Start(Timer.GLARE),)
        case NotMoved():
            return _over(state), (Lost(Status.COMPLETED),)
        case Elapsed(Timer.GLARE):
            return state, (Return(),)
    return state, ()


def _without_caller(state: State) -> Result:
    match state.phase:
        case Phase.DIALING:
            return _over(state), (Stop(Timer.ANSWER), Cancel())
        case Phase.CONNECTING:
            return _over(state), (Stop(Timer.GLARE), *_to_target(state))
        case Phase.LINKED:
            return _over(state), (Stop(Timer.LONGEST), ByeTarget())
        case Phase.RETURNING:
            return _over(state), (Stop(Timer.GLARE),)
    return state, ()


def _over(state: State) -> State:
    return replace(state, phase=Phase.OVER, has_target=False)


def _returning(state: State) -> State:
    return replace(state, phase=Phase.RETURNING, has_target=False, glares=0)


def _to_target(state: State) -> tuple[Action, ...]:
    return (ByeTarget(),) if state.has_target else ()


def _status_of(status: int) -> Status:
    if status in _BUSY:
        return Status.BUSY
    return Status.NO_ANSWER if status in _NO_ANSWER else Status.FAILED
