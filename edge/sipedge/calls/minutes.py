"""How long an account's calls were up today (UTC), for its spending cap. Pure: the time is an argument.

Calls towards the PSTN count, each by what of it lies in the day. One that was up when Kamailio was lost goes
on by its token, and counts as long as it may; afterwards it counts what is certain: until its BYE, should one
have come, else until it was lost.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from sipedge.calls.book import OpenCall
from sipedge.calls.record import Record, seconds_of

_DAY_SECONDS: Final = 86_400
TOLD_AT: Final = (80, 100)
"""Percent of a cap that are told when they are reached."""


@dataclass(frozen=True, slots=True)
class _Lost:
    """A call that Kamailio has lost."""

    account: str
    first: float
    """Its seconds of today when that was seen."""
    last: float
    """And when it was last looked at."""
    ends: float
    """When it is over at the latest, seconds since the epoch."""


class DailyMinutes:
    """What the finished calls of one day have used, by account; another day begins with nothing."""

    def __init__(self) -> None:
        self._day = -1.0
        self._seconds: defaultdict[str, float] = defaultdict(float)
        self._lost: dict[str, _Lost] = {}

    def note(self, record: Record, now: float) -> None:
        """A call has ended. One of an earlier day, or of a later than `now`'s, counts nothing."""
        self._pass_to(now)
        if record.account is not None:
            self._seconds[record.account] += seconds_today(record, now)

    def follow_lost(self, lost: Iterable[OpenCall], now: float) -> None:
        """These are all that were up when Kamailio was lost, and may still be."""
        self._pass_to(now)
        found = {call.record.call_sid: call for call in lost if call.record.account is not None}
        for sid in self._lost.keys() - found.keys():
            gone = self._lost.pop(sid)
            self._seconds[gone.account] += gone.first if now >= gone.ends else gone.last
        for sid, call in found.items():
            seconds, known = seconds_today(call.record, now), self._lost.get(sid)
            first = seconds if known is None else known.first
            self._lost[sid] = _Lost(str(call.record.account), first, seconds, call.ends)

    def used(self, account: str, up: Iterable[Record], now: float) -> int:
        """Whole minutes that the account has used today, those of its calls `up` included."""
        self._pass_to(now)
        running = sum(seconds_today(record, now) for record in up if record.account == account)
        return int((self._seconds.get(account, 0.0) + running) // 60)

    def _pass_to(self, now: float) -> None:
        day = now // _DAY_SECONDS
        if day != self._day:
            self._day = day
            self._seconds.clear()
            self._lost.clear()


def seconds_today(record: Record, now: float) -> float:
    """How long a call of termination was up in the day of `now`, in seconds; until `now`, if it still is."""
    if record.direction != "termination" or record.answered_at is None:
        return 0.0
    if record.ended_at is None and record.result is not None:
        return 0.0
    start_of_day = now // _DAY_SECONDS * _DAY_SECONDS
    try:
        start = seconds_of(record.answered_at)
        end = now if record.ended_at is None else seconds_of(record.ended_at)
    except ValueError:
        return 0.0
    return max(0.0, min(end, start_of_day + _DAY_SECONDS) - max(start, start_of_day))


def levels_reached(used: int, most: int) -> tuple[int, ...]:
    """Which of `TOLD_AT` are reached."""
    return tuple(percent for percent in TOLD_AT if used * 100 >= percent * most)
