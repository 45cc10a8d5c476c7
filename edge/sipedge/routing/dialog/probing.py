"""Whether the two sides of a call that is up still have it: when each is asked, what its silence means. Pure.

A BYE that is lost leaves a call that nobody has and that holds its places in all limits. So the edge asks
each side by a request in the dialog. Only 481 says that a side has no such call, and only a long silence that
it is gone: whatever else it answers, it is there.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from heapq import heappop, heappush
from typing import Final

PROBE_SECONDS: Final = 120
"""A side is asked so often, first so long after the call was answered."""
NAT_SECONDS: Final = 25
"""A side that is reached through a NAT's UDP port: a NAT may forget one that is silent for 30 s."""
SILENCES: Final = 2
"""A side that answers nothing for so many times `PROBE_SECONDS`, and so many probes, is gone."""
MOST_AT_ONCE: Final = 100
"""Calls that are asked in one second; the others wait. As many as are due while there are 12,000 calls."""
LATE_SECONDS: Final = 5
"""A probe that leaves so late proves nothing by its silence at a NAT, which may have forgotten meanwhile."""
_NO_SUCH_CALL: Final = 481
_TIMEOUT: Final = 408


class Sign(Enum):
    """What an answer to a probe says of who gave it."""

    ALIVE = "alive"
    GONE = "gone"
    SILENT = "silent"


def sign_of(status: int) -> Sign:
    """What a final answer with this status says. 408 is a proxy's word for silence."""
    if status == _NO_SUCH_CALL:
        return Sign.GONE
    return Sign.SILENT if status == _TIMEOUT else Sign.ALIVE


@dataclass(frozen=True, slots=True)
class CallName:
    """By what a dialog is found again."""

    call_id: str
    caller_tag: str
    callee_tag: str

    def reversed(self) -> CallName:
        """The same call as a message names it whose From is the callee."""
        return CallName(self.call_id, self.callee_tag, self.caller_tag)


@dataclass(frozen=True, slots=True)
class Gone:
    """A side says that it does not have the call."""

    call: CallName
    is_caller: bool


def call_name(text: str) -> CallName | None:
    """The name in three words of hexadecimal digits, as kamailio.cfg writes it; None if it is none.

    Nor is one whose bytes are no UTF-8: Kamailio could not be asked for it.
    """
    words = text.split()
    try:
        parts = [bytes.fromhex(word).decode() for word in words]
    except ValueError:
        return None
    return CallName(*parts) if len(parts) == 3 and all(parts) else None


def call_id_of(text: str) -> str:
    """The Call-ID alone of what `call_name` reads, "" if it is none: an answer may lack a To-tag."""
    word, _, _ = text.partition(" ")
    try:
        return bytes.fromhex(word).decode()
    except ValueError:
        return ""


@dataclass(slots=True)
class _Side:
    unanswered: int = 0
    """Probes in a row."""
    since: float = 0.0
    """When the first of those left; means nothing while there is none."""


@dataclass(slots=True)
class _Watched:
    due: float
    turn: int = 0
    """Of several times in the book's list only that with the last number counts."""
    caller: _Side = field(default_factory=_Side)
    callee: _Side = field(default_factory=_Side)

    def side(self, *, caller: bool) -> _Side:
        return self.caller if caller else self.callee


class ProbeBook:
    """The calls that are up. Times are seconds of any one clock."""

    def __init__(self, seconds: int = PROBE_SECONDS) -> None:
        self._seconds = seconds
        self._calls: dict[CallName, _Watched] = {}
        self._times: list[tuple[float, int, CallName]] = []
        self._turns = 0

    def begin(self, call: CallName, now: float) -> None:
        """The call was answered. One that was told already is not told again."""
        if call not in self._calls:
            self._calls[call] = _Watched(now)
            # Too soon for a NAT costs one probe; too late, the call.
            self._ask_again(call, now + min(self._seconds, NAT_SECONDS))

    def answered(self, named: CallName, status: int) -> Gone | None:
        """A probe got this final answer, which names the call so; who gave it, if it has no such call."""
        by_caller = named not in self._calls
        call = named.reversed() if by_caller else named
        watched, sign = self._calls.get(call), sign_of(status)
        if watched is None or sign is Sign.SILENT:
            return None
        watched.side(caller=by_caller).unanswered = 0
        return Gone(call, by_caller) if sign is Sign.GONE else None

    def due(self, now: float) -> list[CallName]:
        """The calls whose time has come, the longest waiting first; `MOST_AT_ONCE` at most."""
        found: list[CallName] = []
        while self._times and self._times[0][0] <= now and len(found) < MOST_AT_ONCE:
            _, turn, call = heappop(self._times)
            watched = self._calls.get(call)
            if watched is not None and watched.turn == turn:
                found.append(call)
        return found

    def is_gone(self, call: CallName, now: float) -> bool:
        """True if a side has been silent for too long."""
        watched = self._calls[call]
        return any(
            side.unanswered >= SILENCES and now - side.since >= SILENCES * self._seconds
            for side in (watched.caller, watched.callee)
        )

    def asked(self, call: CallName, asked: dict[bool, bool], now: float) -> None:
        """Probes have left: to the caller (True) and to the callee, each with whether a NAT is in its way."""
        watched = self._calls[call]
        is_late = now - watched.due > LATE_SECONDS
        for caller, through_nat in asked.items():
            side = watched.side(caller=caller)
            if side.unanswered == 0 or (through_nat and is_late):
                side.unanswered, side.since = 0, now
            side.unanswered += 1
        soon = any(asked.values())
        self._ask_again(call, now + (min(self._seconds, NAT_SECONDS) if soon else self._seconds))

    def forget(self, call: CallName) -> None:
        """The call is over."""
        self._calls.pop(call, None)

    def __len__(self) -> int:
        return len(self._calls)

    def _ask_again(self, call: CallName, due: float) -> None:
        self._turns += 1
        watched = self._calls[call]
        watched.due, watched.turn = due, self._turns
        heappush(self._times, (due, self._turns, call))
