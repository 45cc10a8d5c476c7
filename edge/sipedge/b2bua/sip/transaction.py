"""Transactions over UDP as pure machines `(state, event) -> (state, actions)` (RFC 3261 section 17, RFC
6026).

Times are seconds after now. The shell keeps one timer per transaction and name, sends what `Send` says, and
hands messages to the dialog's layer where an action `Tell` says so.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

T1: Final = 0.5
T2: Final = 4.0
ENDED: Final = 64 * T1
"""Timers B, F, H, L and M: after so long a transaction is over."""


class Phase(StrEnum):
    """Where a transaction stands."""

    WAITING = "waiting"
    """Client: nothing was answered. Server: nothing was said."""
    PROCEEDING = "proceeding"
    """A provisional answer was heard, or given."""
    COMPLETED = "completed"
    """A final answer was heard, or given; repetitions are still absorbed."""
    CONFIRMED = "confirmed"
    """Server: the ACK to its final answer has arrived."""
    OVER = "over"


class Timer(StrEnum):
    """What a transaction waits for."""

    AGAIN = "again"
    """The last message is sent again."""
    END = "end"
    """The transaction gives up, or is forgotten."""


@dataclass(frozen=True, slots=True)
class Heard:
    """The other side's message: an answer's status for a client; None for the request, sent again, or its
    ACK."""

    status: int | None = None
    is_ack: bool = False


@dataclass(frozen=True, slots=True)
class Said:
    """The user has an answer for the server transaction to send."""

    status: int


@dataclass(frozen=True, slots=True)
class Elapsed:
    timer: Timer


@dataclass(frozen=True, slots=True)
class CancelWanted:
    """The user takes the client's INVITE back."""


Event = Heard | Said | Elapsed | CancelWanted


class Send(StrEnum):
    """Send the transaction's message (request, or last answer), the ACK to a refusal, or a CANCEL."""

    LAST = "last"
    ACK = "ack"
    CANCEL = "cancel"


@dataclass(frozen=True, slots=True)
class Wait:
    """Set a timer anew."""

    timer: Timer
    seconds: float


@dataclass(frozen=True, slots=True)
class Stop:
    timer: Timer


class Tell(StrEnum):
    """Tell the user: the message just heard, that nothing was heard, or that no ACK came."""

    HEARD = "heard"
    SILENCE = "silence"


Action = Send | Wait | Stop | Tell


@dataclass(frozen=True, slots=True)
class Client:
    """What a client transaction remembers."""

    is_invite: bool
    phase: Phase = Phase.WAITING
    interval: float = T1
    is_cancel_wanted: bool = False
    """A CANCEL waits for a provisional answer (section 9.1)."""


@dataclass(frozen=True, slots=True)
class Server:
    """What a server transaction remembers."""

    is_invite: bool
    phase: Phase = Phase.WAITING
    interval: float = T1
    is_accepted: bool = False
    """Its final answer was a 2xx."""


def begin_client(*, is_invite: bool) -> tuple[Client, tuple[Action, ...]]:
    """The request leaves."""
    return Client(is_invite), (Send.LAST, Wait(Timer.AGAIN, T1), Wait(Timer.END, ENDED))


def client_step(state: Client, event: Event) -> tuple[Client, tuple[Action, ...]]:
    """What the event changes. Total."""
    match event:
        case Heard(status) if status is not None:
            return _client_heard(state, status)
        case CancelWanted() if state.is_invite and state.phase is Phase.PROCEEDING:
            # Section 9.1: who has no final answer by then will send none.
            return state, (Send.CANCEL, Wait(Timer.END, ENDED))
        case CancelWanted() if state.is_invite and state.phase is Phase.WAITING:
            return replace(state, is_cancel_wanted=True), ()
        case Elapsed(Timer.AGAIN) if state.phase is Phase.WAITING or (
            state.phase is Phase.PROCEEDING and not state.is_invite
        ):
            return _again(state)
        case Elapsed(Timer.END) if state.phase in (Phase.WAITING, Phase.PROCEEDING):
            return replace(state, phase=Phase.OVER), (Stop(Timer.AGAIN), Tell.SILENCE)
        case Elapsed(Timer.END):
            return replace(state, phase=Phase.OVER), ()
    return state, ()


def _again(state: Client) -> tuple[Client, tuple[Action, ...]]:
    doubled = state.interval * 2
    interval = doubled if state.is_invite else min(T2, doubled)
    return replace(state, interval=interval), (Send.LAST, Wait(Timer.AGAIN, interval))


def _client_heard(state: Client, status: int) -> tuple[Client, tuple[Action, ...]]:
    if state.phase is Phase.OVER:
        return state, ()
    refused = status >= 300 and state.is_invite
    if state.phase is Phase.COMPLETED:
        # Each repetition of a refusal gets the same ACK; a 2xx may be of another fork, or want its ACK again.
        return state, (Send.ACK,) if refused else (
            Tell.HEARD,
        ) if state.is_invite and 200 <= status < 300 else ()
    if status < 200:
        first = () if state.phase is Phase.PROCEEDING else (Stop(Timer.AGAIN), Stop(Timer.END))
        actions: tuple[Action, ...] = (*(first if state.is_invite else ()), Tell.HEARD)
        if state.is_cancel_wanted:
            actions = (*actions, Send.CANCEL, Wait(Timer.END, ENDED))
        return replace(state, phase=Phase.PROCEEDING, is_cancel_wanted=False), actions
    acked = (Send.ACK,) if refused else ()
    return replace(state, phase=Phase.COMPLETED), (
        *acked, Stop(Timer.AGAIN), Wait(Timer.END, ENDED), Tell.HEARD,
    )  # fmt: skip


def begin_server(*, is_invite: bool) -> tuple[Server, tuple[Action, ...]]:
    """A request has arrived that no transaction has seen."""
    return Server(is_invite), (Tell.HEARD,)


def server_step(state: Server, event: Event) -> tuple[Server, tuple[Action, ...]]:
    """What the event changes. Total."""
    match event:
        case Heard(is_ack=True):
            return _acknowledged(state)
        case Heard() if state.phase in (Phase.PROCEEDING, Phase.COMPLETED):
            return state, (Send.LAST,)
        case Said(status) if state.phase in (Phase.WAITING, Phase.PROCEEDING):
            return _said(state, status)
        case Elapsed(Timer.AGAIN) if state.phase is Phase.COMPLETED and state.is_invite:
            interval = min(T2, state.interval * 2)
            return replace(state, interval=interval), (Send.LAST, Wait(Timer.AGAIN, interval))
        case Elapsed(Timer.END):
            over = replace(state, phase=Phase.OVER)
            unheard = state.phase is Phase.COMPLETED and state.is_invite
            return over, (Stop(Timer.AGAIN), Tell.SILENCE) if unheard else ()
    return state, ()


def _said(state: Server, status: int) -> tuple[Server, tuple[Action, ...]]:
    if status < 200:
        return replace(state, phase=Phase.PROCEEDING), (Send.LAST,)
    done = replace(state, phase=Phase.COMPLETED, is_accepted=status < 300)
    again = (Wait(Timer.AGAIN, T1),) if state.is_invite else ()
    return done, (Send.LAST, *again, Wait(Timer.END, ENDED))


def _acknowledged(state: Server) -> tuple[Server, tuple[Action, ...]]:
    if state.phase is not Phase.COMPLETED or not state.is_invite:
        return state, ()
    told = (Tell.HEARD,) if state.is_accepted else ()
    return replace(state, phase=Phase.CONFIRMED), (Stop(Timer.AGAIN), *told)
