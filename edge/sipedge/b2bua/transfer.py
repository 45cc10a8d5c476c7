"""What becomes of a call after a REFER, as a pure function `(state, event) -> (state, actions)`.

The roles are those of RFC 5589: the transferor sent the REFER, the transferee is the other side of its call,
the target is who the transferee shall be connected with. The target gets an INVITE, then the transferee a
re-INVITE with the target's session; the transferor is told by NOTIFYs (RFC 3515 section 2.4.5). Until the
transferee has taken that session nothing is lost: the transfer fails, and the first call goes on. Where it
takes it too late, since the transfer has failed meanwhile, it is led back.
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
    Refuse,
    Reinvite,
    Start,
    Timer,
)
from sipedge.b2bua.moving import BACK, NO_SUCH_CALL, NOT_TAKEN, NOWHERE, PENDING, TO_TARGET, Move, Way

RINGING_OVER: Final = 480
"""The target did not answer in time."""
GONE: Final = 487
"""The transferee hung up before it was connected."""
CRASHED: Final = 500
"""The process was restarted in the middle of the transfer."""


class Leg(StrEnum):
    """Who takes part."""

    TRANSFEROR = "transferor"
    TRANSFEREE = "transferee"
    TARGET = "target"


class Phase(StrEnum):
    """How far a transfer is."""

    DIALING = "dialing"
    """The target has its INVITE and has not answered."""
    CONNECTING = "connecting"
    """The target has answered; the transferee has a re-INVITE."""
    CLOSING = "closing"
    """Transferee and target are connected; the transferor has not sent its BYE."""
    LINKED = "linked"
    """Transferee and target are connected; the transferor is gone."""
    RESTORED = "restored"
    """The transfer failed; transferor and transferee have their call again."""
    OVER = "over"
    """Nobody is left."""


# ------------------------------------------------------------------------------------------------- Events


@dataclass(frozen=True, slots=True)
class Refer:
    """Another REFER of the transferor."""


@dataclass(frozen=True, slots=True)
class Progress:
    """The target rings, or is said to."""

    status: int


@dataclass(frozen=True, slots=True)
class Bye:
    """A side has hung up. As an action: it gets a BYE."""

    leg: Leg


@dataclass(frozen=True, slots=True)
class Restarted:
    """The process was ended in the middle, and has read the transfer in its journal."""


Event = Refer | Progress | Answered | Failed | Moved | NotMoved | Bye | Elapsed | Restarted

# ------------------------------------------------------------------------------------------------ Actions


@dataclass(frozen=True, slots=True)
class Accept:
    """Answer the REFER with 202."""


@dataclass(frozen=True, slots=True)
class Notify:
    """Tell the transferor how it stands; `is_final` ends the subscription."""

    status: int
    is_final: bool


Action = Accept | Refuse | Notify | Invite | Cancel | Reinvite | LeadBack | Bye | Start


@dataclass(frozen=True, slots=True)
class State:
    """All that a transfer remembers."""

    phase: Phase = Phase.DIALING
    has_transferor: bool = True
    """Its call is not over, whatever becomes of the transfer."""
    is_canceled: bool = False
    """The target's INVITE was taken back. A 200 that crosses the CANCEL still counts while the phase is
    `DIALING`; later whoever answers an INVITE that no transfer has any more gets ACK and BYE from the
    dialog's layer."""
    move: Move = NOWHERE
    """Of the transferee."""

    @property
    def is_settled(self) -> bool:
        """False while a session must not change under the machine's hands."""
        return self.move.way is Way.NONE

    @property
    def may_begin(self) -> bool:
        """True if another REFER may begin: the call is its two parties' own again."""
        return self.phase is Phase.RESTORED and self.is_settled


Result = tuple[State, tuple[Action, ...]]
_OVER: Final = State(Phase.OVER, has_transferor=False)
_CONNECTED: Final = (Phase.CLOSING, Phase.LINKED)


def begin() -> Result:
    """A REFER that is allowed has arrived."""
    return State(), (Accept(), Notify(100, is_final=False), Invite(), Start(Timer.ANSWER))


def step(state: State, event: Event) -> Result:
    """What the event changes, and what is to be done. Total: an event that means nothing here changes
    nothing."""
    match event:
        case Refer():
            return begin() if state.may_begin else (state, (Refuse(PENDING),))
        case Bye(leg):
            return _hung_up(state, leg)
        case Restarted():
            return _crashed(state)
    if (again := moving.again(state.move, event)) is not None:
        move, action = again
        return replace(state, move=move), (action,)
    match state.phase:
        case Phase.DIALING:
            return _dialing(state, event)
        case Phase.CONNECTING:
            return _connecting(state, event)
        case Phase.RESTORED:
            return _leading_back(state, event)
        case Phase.CLOSING if event == Elapsed(Timer.BYE):
            return replace(state, phase=Phase.LINKED, has_transferor=False), (Bye(Leg.TRANSFEROR),)
    return state, ()


def _dialing(state: State, event: Event) -> Result:
    match event:
        case Progress(status):
            return state, (Notify(status, is_final=False),)
        case Failed(status):
            return _failed(state, RINGING_OVER if state.is_canceled else status)
        case Elapsed(Timer.ANSWER) if not state.is_canceled:
            return replace(state, is_canceled=True), (Cancel(),)
        case Answered():
            connecting = replace(state, phase=Phase.CONNECTING, is_canceled=False, move=TO_TARGET)
            return connecting, (Reinvite(),)
    return state, ()


def _connecting(state: State, event: Event) -> Result:
    match event:
        case Moved():
            told = Notify(200, is_final=True)
            if not state.has_transferor:
                return replace(state, phase=Phase.LINKED, move=NOWHERE), (told,)
            return replace(state, phase=Phase.CLOSING, move=NOWHERE), (told, Start(Timer.BYE))
        case NotMoved(status) if status == NO_SUCH_CALL:
            return _without_either(state)
        case NotMoved():
            return _failed(replace(state, move=NOWHERE), NOT_TAKEN, Bye(Leg.TARGET))
    return state, ()


def _leading_back(state: State, event: Event) -> Result:
    match state.move.way, event:
        case Way.TO_TARGET, Moved():
            return replace(state, move=BACK), (LeadBack(),)
        case Way.TO_TARGET, NotMoved(status) if status == NO_SUCH_CALL:
            return _without_either(state)
        case Way.BACK, NotMoved():
            # It would hear nobody, and nobody it.
            return _without_either(state)
        case _, Moved() | NotMoved():
            return replace(state, move=NOWHERE), ()
    return state, ()


def _failed(state: State, status: int, *first: Action) -> Result:
    """The transferor has its call again, or, where it hung up meanwhile, the transferee's ends too."""
    told = (*first, Notify(status, is_final=True))
    if state.has_transferor:
        move = state.move.given_up() if state.move.is_under_way else NOWHERE
        return replace(state, phase=Phase.RESTORED, move=move, is_canceled=False), told
    return _OVER, (*told, Bye(Leg.TRANSFEREE))


def _crashed(state: State) -> Result:
    """A transfer that was under way has failed: what its INVITE and re-INVITE came to, nobody heard."""
    match state.phase:
        case Phase.DIALING:
            return _failed(state, CRASHED)
        case Phase.CONNECTING:
            failed, actions = _failed(state, CRASHED, Bye(Leg.TARGET))
        case _:
            failed, actions = state, ()
    if failed.phase is not Phase.RESTORED or failed.is_settled:
        return failed, actions
    return replace(failed, move=BACK), (*actions, LeadBack())


def _hung_up(state: State, leg: Leg) -> Result:
    if state.phase is Phase.OVER:
        return state, ()
    match leg:
        case Leg.TRANSFEREE:
            return _without_transferee(state)
        case Leg.TRANSFEROR:
            return _without_transferor(state)
        case Leg.TARGET if state.phase is Phase.CONNECTING:
            return _failed(state, RINGING_OVER)
        case Leg.TARGET if state.phase in _CONNECTED:
            return _OVER, (Bye(Leg.TRANSFEREE), *_to_transferor(state))
    return state, ()


def _without_transferee(state: State) -> Result:
    told = Notify(GONE, is_final=True)
    match state.phase:
        case Phase.DIALING:
            first: tuple[Action, ...] = (told,) if state.is_canceled else (Cancel(), told)
        case Phase.CONNECTING:
            first = (Bye(Leg.TARGET), told)
        case Phase.CLOSING | Phase.LINKED:
            first = (Bye(Leg.TARGET),)
        case _:
            first = ()
    return _OVER, (*first, *_to_transferor(state))


def _without_either(state: State) -> Result:
    """The transferee's call is over, or of no use to it any more."""
    over, actions = _without_transferee(state)
    return over, (*actions, Bye(Leg.TRANSFEREE))


def _without_transferor(state: State) -> Result:
    gone = replace(state, has_transferor=False)
    match state.phase:
        case Phase.RESTORED:
            return _OVER, (Bye(Leg.TRANSFEREE),)
        case Phase.CLOSING:
            return replace(gone, phase=Phase.LINKED), ()
    return gone, ()


def _to_transferor(state: State) -> tuple[Action, ...]:
    return (Bye(Leg.TRANSFEROR),) if state.has_transferor else ()
