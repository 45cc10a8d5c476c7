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

from sipedge.b2bua.moving import LeadBack, Moved, NotMoved, Reinvite, may_ask_again, may_lead_back_again
from sipedge.b2bua.transfer import NOT_TAKEN


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
class GlareOver:
    """The re-INVITE may be sent again."""


@dataclass(frozen=True, slots=True)
class Accept:
    """Answer the INVITE with 200 and the session of the staying side."""


@dataclass(frozen=True, slots=True)
class Refuse:
    """Answer the INVITE with this status."""

    status: int


@dataclass(frozen=True, slots=True)
class WaitForGlare:
    """Send the re-INVITE again later."""


@dataclass(frozen=True, slots=True)
class Canceled:
    """Who has sent the INVITE takes it back."""


@dataclass(frozen=True, slots=True)
class TakeBack:
    """Take the re-INVITE back, if that is still possible."""


Event = Moved | NotMoved | Bye | GlareOver | Canceled
Action = Accept | Refuse | Reinvite | LeadBack | TakeBack | Bye | WaitForGlare
GONE: Final = 480
CANCELED: Final = 487


@dataclass(frozen=True, slots=True)
class State:
    """All that is remembered."""

    phase: Phase = Phase.RESTORED
    has_going: bool = True
    glares: int = 0
    is_waiting: bool = False
    """True while no re-INVITE is under way: it met another one, and follows later."""
    is_canceled: bool = False

    @property
    def is_settled(self) -> bool:
        """False while a session must not change under the machine's hands."""
        return self.phase not in (Phase.CONNECTING, Phase.RETURNING)


Result = tuple[State, tuple[Action, ...]]


def begin(state: State) -> Result:
    """The INVITE has arrived; for a call that is over, or another's already, it changes nothing."""
    if state.phase is not Phase.RESTORED:
        return state, ()
    return State(Phase.CONNECTING, state.has_going), (Reinvite(),)


def step(state: State, event: Event) -> Result:
    """What the event changes, and what is to be done. Total."""
    if state.phase is Phase.OVER:
        return state, ()
    match event:
        case Bye(role):
            return _hung_up(state, role)
        case Moved() if state.phase is Phase.CONNECTING and state.is_canceled:
            return _led_back(state)
        case Moved() if state.phase is Phase.CONNECTING:
            return State(Phase.LINKED, has_going=False), (Accept(), *_to_going(state))
        case Moved() if state.phase is Phase.RETURNING:
            return State(), ()
        case NotMoved(status) if state.phase is Phase.CONNECTING:
            return _not_moved(state, status)
        case NotMoved(status) if state.phase is Phase.RETURNING:
            return _not_led_back(state, status)
        case GlareOver() if state.is_waiting:
            again = Reinvite() if state.phase is Phase.CONNECTING else LeadBack()
            return replace(state, is_waiting=False), (again,)
        case Canceled() if state.phase is Phase.CONNECTING:
            if state.is_waiting:
                return _refused(state, CANCELED)
            return replace(state, is_canceled=True), (TakeBack(),)
    return state, ()


def _not_moved(state: State, status: int) -> Result:
    if state.is_canceled:
        return _refused(state, CANCELED)
    if may_ask_again(status, state.glares):
        return replace(state, glares=state.glares + 1, is_waiting=True), (WaitForGlare(),)
    return _refused(state, NOT_TAKEN)


def _led_back(state: State) -> Result:
    """Who has sent the INVITE does not wait for it any more; those whose call it is have it again."""
    if state.has_going:
        return State(Phase.RETURNING), (Refuse(CANCELED), LeadBack())
    return _refused(state, CANCELED)


def _not_led_back(state: State, status: int) -> Result:
    if may_lead_back_again(status, state.glares):
        return replace(state, glares=state.glares + 1, is_waiting=True), (WaitForGlare(),)
    # It would hear nobody, and nobody it.
    return State(Phase.OVER, has_going=False), (Bye(Role.STAYING), Bye(Role.GOING))


def _refused(state: State, status: int) -> Result:
    """The call goes on between its two sides; where the one that was to go has gone, it ends."""
    if state.has_going:
        return State(), (Refuse(status),)
    return State(Phase.OVER, has_going=False), (Refuse(status), Bye(Role.STAYING))


def _hung_up(state: State, role: Role) -> Result:
    over = replace(state, phase=Phase.OVER, has_going=False)
    match state.phase, role:
        case Phase.RESTORED | Phase.RETURNING, Role.GOING:
            return over, (Bye(Role.STAYING),)
        case _, Role.GOING:
            return replace(state, has_going=False), ()
        case Phase.CONNECTING, Role.STAYING:
            return over, (Refuse(GONE), *_to_going(state))
        case Phase.LINKED, Role.STAYING:
            return over, (Bye(Role.NEW), *_to_going(state))
        case Phase.LINKED, Role.NEW:
            return over, (Bye(Role.STAYING), *_to_going(state))
        case Phase.RESTORED | Phase.RETURNING, Role.STAYING:
            return over, _to_going(state)
    return state, ()


def _to_going(state: State) -> tuple[Action, ...]:
    return (Bye(Role.GOING),) if state.has_going else ()
