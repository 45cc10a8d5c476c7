"""What becomes of a call that an INVITE with Replaces (RFC 3891) takes over: `(state, event) -> (state,
actions)`.

One side of the call goes, the other stays and gets a re-INVITE with the session of the new leg. Until it has
taken that nothing is lost: the INVITE is refused, and the call goes on between the two. Where it takes it
though the INVITE was taken back, it is led back.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from sipedge.b2bua import moving
from sipedge.b2bua.events import (
    Canceled,
    Elapsed,
    LeadBack,
    Moved,
    NotMoved,
    Refuse,
    Reinvite,
    Start,
)
from sipedge.b2bua.moving import BACK, NOT_TAKEN, NOWHERE, TO_TARGET, Move, Way


class Role(StrEnum):
    """Who takes part."""

    NEW = "new"
    """Who has sent the INVITE."""
    GOING = "going"
    STAYING = "staying"


class Phase(StrEnum):
    """How far it is."""

    CONNECTING = "connecting"
    """The staying side has its re-INVITE."""
    LINKED = "linked"
    """The new leg and the staying side are connected."""
    RETURNING = "returning"
    """The INVITE was taken back, and the staying side, which has taken its session, has a re-INVITE with the
    one before."""
    RESTORED = "restored"
    """The call is as before: no INVITE has arrived yet, or the staying side did not take it."""
    OVER = "over"


@dataclass(frozen=True, slots=True)
class Bye:
    """A side has hung up. As an action: it gets a BYE."""

    role: Role


@dataclass(frozen=True, slots=True)
class Accept:
    """Answer the INVITE with 200 and the session of the staying side."""


@dataclass(frozen=True, slots=True)
class TakeBack:
    """Take the re-INVITE back, if that is still possible."""


Event = Moved | NotMoved | Bye | Elapsed | Canceled
Action = Accept | Refuse | Reinvite | LeadBack | TakeBack | Bye | Start
GONE: Final = 480
CANCELED: Final = 487


@dataclass(frozen=True, slots=True)
class State:
    """All that is remembered."""

    phase: Phase = Phase.RESTORED
    has_going: bool = True
    move: Move = NOWHERE
    """Of the staying side; given up once the INVITE was taken back."""

    @property
    def is_settled(self) -> bool:
        """False while a session must not change under the machine's hands."""
        return self.move.way is Way.NONE


Result = tuple[State, tuple[Action, ...]]
_OVER: Final = State(Phase.OVER, has_going=False)


def begin(state: State) -> Result:
    """The INVITE has arrived; for a call that is over, or another's already, it changes nothing."""
    if state.phase is not Phase.RESTORED:
        return state, ()
    return State(Phase.CONNECTING, state.has_going, TO_TARGET), (Reinvite(),)


def step(state: State, event: Event) -> Result:
    """What the event changes, and what is to be done. Total."""
    if state.phase is Phase.OVER:
        return state, ()
    if (again := moving.again(state.move, event)) is not None:
        move, action = again
        return replace(state, move=move), (action,)
    match state.phase, event:
        case _, Bye(role):
            return _hung_up(state, role)
        case Phase.CONNECTING, _:
            return _connecting(state, event)
        case Phase.RETURNING, Moved():
            return State(), ()
        case Phase.RETURNING, NotMoved():
            # It would hear nobody, and nobody it.
            return _OVER, (Bye(Role.STAYING), Bye(Role.GOING))
    return state, ()


def _connecting(state: State, event: Event) -> Result:
    match event:
        case Moved() if state.move.is_given_up:
            return _led_back(state)
        case Moved():
            return State(Phase.LINKED, has_going=False), (Accept(), *_to_going(state))
        case NotMoved():
            return _refused(state, CANCELED if state.move.is_given_up else NOT_TAKEN)
        case Canceled() if state.move.is_waiting:
            return _refused(state, CANCELED)
        case Canceled():
            return replace(state, move=state.move.given_up()), (TakeBack(),)
    return state, ()


def _led_back(state: State) -> Result:
    """Who has sent the INVITE does not wait for it any more; those whose call it is have it again."""
    if state.has_going:
        return State(Phase.RETURNING, move=BACK), (Refuse(CANCELED), LeadBack())
    return _refused(state, CANCELED)


def _refused(state: State, status: int) -> Result:
    """The call goes on between its two sides; where the one that was to go has gone, it ends."""
    if state.has_going:
        return State(), (Refuse(status),)
    return _OVER, (Refuse(status), Bye(Role.STAYING))


def _hung_up(state: State, role: Role) -> Result:
    match state.phase, role:
        case Phase.RESTORED | Phase.RETURNING, Role.GOING:
            return _OVER, (Bye(Role.STAYING),)
        case _, Role.GOING:
            return replace(state, has_going=False), ()
        case Phase.CONNECTING, Role.STAYING:
            return _OVER, (Refuse(GONE), *_to_going(state))
        case Phase.LINKED, Role.STAYING:
            return _OVER, (Bye(Role.NEW), *_to_going(state))
        case Phase.LINKED, Role.NEW:
            return _OVER, (Bye(Role.STAYING), *_to_going(state))
        case Phase.RESTORED | Phase.RETURNING, Role.STAYING:
            return _OVER, _to_going(state)
    return state, ()


def _to_going(state: State) -> tuple[Action, ...]:
    return (Bye(Role.GOING),) if state.has_going else ()
