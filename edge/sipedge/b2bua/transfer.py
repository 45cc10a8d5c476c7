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

from sipedge.b2bua.moving import (
    NO_SUCH_CALL,
    PENDING,
    LeadBack,
    Moved,
    NotMoved,
    Reinvite,
    may_ask_again,
    may_lead_back_again,
)

RINGING_OVER: Final = 480
"""The target did not answer in time."""
GONE: Final = 487
"""The transferee hung up before it was connected."""
NOT_TAKEN: Final = 488
"""The transferee did not take the target's session."""
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


class Way(StrEnum):
    """Where the transferee's session is being moved."""

    NONE = "none"
    """Nowhere: no re-INVITE is under way."""
    TO_TARGET = "to target"
    BACK = "back"
    """To the transferor, from the target's session, which it had taken too late."""


class Timer(StrEnum):
    """What a transfer waits for."""

    BYE = "bye"
    """The transferor should have sent its BYE."""
    GLARE = "glare"
    """The re-INVITE may be sent again."""
    ANSWER = "answer"
    """The target should have answered."""


# ------------------------------------------------------------------------------------------------- Events


@dataclass(frozen=True, slots=True)
class Refer:
    """Another REFER of the transferor."""


@dataclass(frozen=True, slots=True)
class Progress:
    """The target rings, or is said to."""

    status: int


@dataclass(frozen=True, slots=True)
class Answered:
    """The target has sent a 200."""


@dataclass(frozen=True, slots=True)
class Failed:
    """The target has sent a final answer that is no 200."""

    status: int


@dataclass(frozen=True, slots=True)
class Bye:
    """A side has hung up. As an action: it gets a BYE."""

    leg: Leg


@dataclass(frozen=True, slots=True)
class Elapsed:
    """A timer has run out."""

    timer: Timer


@dataclass(frozen=True, slots=True)
class Restarted:
    """The process was ended in the middle, and has read the transfer in its journal."""


Event = Refer | Progress | Answered | Failed | Moved | NotMoved | Bye | Elapsed | Restarted

# ------------------------------------------------------------------------------------------------ Actions


@dataclass(frozen=True, slots=True)
class Accept:
    """Answer the REFER with 202."""


@dataclass(frozen=True, slots=True)
class Refuse:
    """Answer the REFER with this status."""

    status: int


@dataclass(frozen=True, slots=True)
class Notify:
    """Tell the transferor how it stands; `is_final` ends the subscription."""

    status: int
    is_final: bool


@dataclass(frozen=True, slots=True)
class Invite:
    """Send the target its INVITE, with the transferee's session."""


@dataclass(frozen=True, slots=True)
class Cancel:
    """Take that INVITE back."""


@dataclass(frozen=True, slots=True)
class Start:
    """Start a timer."""

    timer: Timer


Action = Accept | Refuse | Notify | Invite | Cancel | Reinvite | LeadBack | Bye | Start


@dataclass(frozen=True, slots=True)
class State:
    """All that a transfer remembers."""

    phase: Phase = Phase.DIALING
    has_transferor: bool = True
    """Its call is not over, whatever becomes of the transfer."""
    glares: int = 0
    is_canceled: bool = False
    """The target's INVITE was taken back. A 200 that crosses the CANCEL still counts while the phase is
    `DIALING`; later whoever answers an INVITE that no transfer has any more gets ACK and BYE from the
    dialog's layer."""
    way: Way = Way.NONE

    @property
    def is_settled(self) -> bool:
        """False while a session must not change under the machine's hands."""
        return self.phase is not Phase.CONNECTING and self.way is Way.NONE


Result = tuple[State, tuple[Action, ...]]

_CONNECTED: Final = (Phase.CLOSING, Phase.LINKED)


def begin() -> Result:
    """A REFER that is allowed has arrived."""
    return State(), (Accept(), Notify(100, is_final=False), Invite(), Start(Timer.ANSWER))


def step(state: State, event: Event) -> Result:
    """What the event changes, and what is to be done. Total: an event that means nothing here changes
    nothing."""
    match event:
        case Refer():
            may_begin = state.phase is Phase.RESTORED and state.is_settled
            return begin() if may_begin else (state, (Refuse(PENDING),))
        case Bye(leg):
            return _hung_up(state, leg)
        case Restarted():
            return _crashed(state)
    match state.phase:
        case Phase.DIALING:
            return _dialing(state, event)
        case Phase.CONNECTING:
            return _connecting(state, event)
        case Phase.RESTORED if state.way is not Way.NONE:
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
            connecting = replace(state, phase=Phase.CONNECTING, is_canceled=False, way=Way.TO_TARGET)
            return connecting, (Reinvite(),)
    return state, ()


def _connecting(state: State, event: Event) -> Result:
    match event:
        case Moved():
            told = Notify(200, is_final=True)
            if not state.has_transferor:
                return replace(state, phase=Phase.LINKED, way=Way.NONE), (told,)
            return replace(state, phase=Phase.CLOSING, way=Way.NONE), (told, Start(Timer.BYE))
        case NotMoved(status) if may_ask_again(status, state.glares):
            return replace(state, glares=state.glares + 1, way=Way.NONE), (Start(Timer.GLARE),)
        case NotMoved(status) if status == NO_SUCH_CALL:
            return _without_either(state)
        case NotMoved():
            return _failed(replace(state, way=Way.NONE), NOT_TAKEN, Bye(Leg.TARGET))
        case Elapsed(Timer.GLARE) if state.way is Way.NONE:
            return replace(state, way=Way.TO_TARGET), (Reinvite(),)
    return state, ()


def _leading_back(state: State, event: Event) -> Result:
    match state.way, event:
        case Way.TO_TARGET, Moved():
            return replace(state, way=Way.BACK), (LeadBack(),)
        case Way.TO_TARGET, NotMoved(status) if status == NO_SUCH_CALL:
            return _without_either(state)
        case Way.BACK, NotMoved(status) if may_lead_back_again(status, state.glares):
            return replace(state, glares=state.glares + 1), (Start(Timer.GLARE),)
        case Way.BACK, NotMoved():
            # It would hear nobody, and nobody it.
            return _without_either(state)
        case Way.BACK, Elapsed(Timer.GLARE):
            return state, (LeadBack(),)
        case _, Moved() | NotMoved():
            return replace(state, way=Way.NONE, glares=0), ()
    return state, ()


def _failed(state: State, status: int, *first: Action) -> Result:
    """The transferor has its call again, or, where it hung up meanwhile, the transferee's ends too."""
    told = (*first, Notify(status, is_final=True))
    if state.has_transferor:
        return replace(state, phase=Phase.RESTORED, glares=0, is_canceled=False), told
    return replace(state, phase=Phase.OVER, is_canceled=False), (*told, Bye(Leg.TRANSFEREE))


def _crashed(state: State) -> Result:
    """A transfer that was under way has failed: what its INVITE and re-INVITE came to, nobody heard."""
    match state.phase:
        case Phase.DIALING:
            return _failed(state, CRASHED)
        case Phase.CONNECTING:
            failed, actions = _failed(state, CRASHED, Bye(Leg.TARGET))
        case _:
            failed, actions = state, ()
    if failed.phase is not Phase.RESTORED or failed.way is Way.NONE:
        return failed, actions
    return replace(failed, way=Way.BACK), (*actions, LeadBack())


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
            return replace(state, phase=Phase.OVER), (Bye(Leg.TRANSFEREE), *_to_transferor(state))
    return state, ()


def _without_transferee(state: State) -> Result:
    over = replace(state, phase=Phase.OVER)
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
    return over, (*first, *_to_transferor(state))


def _without_either(state: State) -> Result:
    """The transferee's call is over, or of no use to it any more."""
    over, actions = _without_transferee(state)
    return over, (*actions, Bye(Leg.TRANSFEREE))


def _without_transferor(state: State) -> Result:
    gone = replace(state, has_transferor=False)
    match state.phase:
        case Phase.RESTORED:
            return replace(gone, phase=Phase.OVER), (Bye(Leg.TRANSFEREE),)
        case Phase.CLOSING:
            return replace(gone, phase=Phase.LINKED), ()
    return gone, ()


def _to_transferor(state: State) -> tuple[Action, ...]:
    return (Bye(Leg.TRANSFEROR),) if state.has_transferor else ()
