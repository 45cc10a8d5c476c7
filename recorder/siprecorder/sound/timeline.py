"""Where on the recording a packet's sound belongs.

Within a stream (an SSRC) RTP timestamps say it, for what the network did to a packet does not count. Where a
stream lies as a whole, the arrival of its packets says: the earliest one, since none comes before its time. A
packet that is further off than `JUMP_SECONDS` may begin the stream anew: timestamps stood still in a
hold, or jumped, or the network became slower for good. Or the network stood still, and what it held comes all
at once. So the packets of the next `JUMP_SECONDS` wait, and the earliest of them tells which it was.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import Any, Final, Generic, TypeVar

Sound = TypeVar("Sound")

RATE: Final = 8_000
"""Samples a second of every recording."""
JUMP_SECONDS: Final = 0.3
REMEMBERED: Final = 128
"""Sequence numbers of a stream by which a repeated packet is known."""
MOST_WAITING: Final = 512
"""Packets of a stream: ten seconds of sound that come at once keep their order."""
MOST_STREAMS: Final = 64
"""Of one party; of more the oldest is forgotten."""
STEP_SECONDS: Final = 1.0
"""Arrivals go back by more than that only if the clock was set back."""
GAP_SECONDS: Final = 86_400.0
"""No packet of a call comes so much later than the one before it, unless the clock was set."""
_JUMP: Final = int(RATE * JUMP_SECONDS)
_DRIFT: Final = RATE // 1000
"""How far one early packet may move its stream at most, unless it is more than `_SUDDEN` early."""
_SUDDEN: Final = RATE // 20
_HALF: Final = 1 << 31
_WHOLE: Final = (1 << 32) - 1


@dataclass(slots=True)
class Clock:
    """Arrivals as times that never go back or leap, though the clock may have been set among them."""

    offset: float = 0.0
    """Seconds that are added."""
    _last: float | None = None

    def steady(self, at: float) -> float:
        """The time of an arrival; in the order in which packets were written down."""
        time = at + self.offset
        if self._last is not None and not -STEP_SECONDS < time - self._last < GAP_SECONDS:
            self.offset += self._last - time
            time = self._last
        if self._last is None or time > self._last:
            self._last = time
        return time


@dataclass(slots=True)
class _Waiting(Generic[Sound]):
    """Packets since a stream began, or began anew: the earliest of them will tell where it lies."""

    since: float
    """Arrival of the first."""
    packets: list[tuple[int, int, Sound]] = field(default_factory=list)
    """Of each: samples since the first packet of the stream, where that tells it begins, and its sound."""


@dataclass(slots=True)
class _Stream(Generic[Sound]):
    timestamp: int
    run: int = 0
    """Timestamps since the stream's first packet, without their wrap."""
    begin: int | None = None
    """The sample where the first packet lies, as far as the arrivals have told."""
    seen: deque[int] = field(default_factory=lambda: deque(maxlen=REMEMBERED))
    waiting: _Waiting[Sound] | None = None


@dataclass(slots=True)
class Counts:
    """What came of a party's packets."""

    placed: int = 0
    repeated: int = 0
    begun_anew: int = 0


@dataclass(slots=True)
class Timeline(Generic[Sound]):
    """Of one party. A packet's sound may be anything: it comes back with its place."""

    counts: Counts = field(default_factory=Counts)
    _streams: dict[int, _Stream[Sound]] = field(default_factory=dict)
    _waiting: int = 0
    """How many streams have packets that wait."""

    def place(
        self, at: float, ssrc: int, sequence: int, timestamp: int, clock: int, sound: Sound
    ) -> list[tuple[int, Sound]] | None:
        """Sounds whose places are known by this packet, in the order they came in; None = it is repeated.

        A place is the sample at which the sound begins, 0 = where `at` is 0; it may be below 0.
        `at`: the packet's arrival in seconds; `clock`: timestamps a second.
        """
        placed = self._room_for(ssrc)
        stream = self._streams.get(ssrc)
        if stream is None:
            stream = self._streams[ssrc] = _Stream(timestamp)
        elif sequence in stream.seen:
            self.counts.repeated += 1
            return None
        stream.seen.append(sequence)
        self.counts.placed += 1
        stream.run += ((timestamp - stream.timestamp + _HALF) & _WHOLE) - _HALF
        stream.timestamp = timestamp
        within = stream.run * RATE // clock
        told = round(at * RATE) - within
        waiting = stream.waiting
        if waiting is not None and _belongs(waiting, told):
            waiting.packets.append((within, told, sound))
            return placed
        if waiting is not None:
            placed += self._settle(stream, waiting)
        if stream.begin is None or abs(told - stream.begin) > _JUMP:
            stream.waiting = _Waiting(at, [(within, told, sound)])
            self._waiting += 1
            return placed
        stream.begin -= _moved(stream.begin - told)
        placed.append((within + stream.begin, sound))
        return placed

    def due(self, at: float) -> list[tuple[int, Sound]]:
        """Sounds that have waited for long enough by then, with their places."""
        if not self._waiting:
            return []
        waiting = [(each, each.waiting) for each in self._streams.values() if each.waiting is not None]
        due = [each for each in waiting if at - each[1].since > JUMP_SECONDS]
        return [placed for each in due for placed in self._settle(*each)]

    def _settle(self, stream: _Stream[Sound], waiting: _Waiting[Sound]) -> list[tuple[int, Sound]]:
        stream.waiting = None
        self._waiting -= 1
        told = min(told for _, told, _ in waiting.packets)
        if stream.begin is None:
            stream.begin = told
        elif abs(told - stream.begin) > _JUMP:
            self.counts.begun_anew += 1
            stream.begin = told
        else:
            stream.begin -= _moved(stream.begin - told)
        return [(within + stream.begin, sound) for within, _, sound in waiting.packets]

    def _room_for(self, ssrc: int) -> list[tuple[int, Sound]]:
        if ssrc in self._streams or len(self._streams) < MOST_STREAMS:
            return []
        oldest = self._streams.pop(next(iter(self._streams)))
        return self._settle(oldest, oldest.waiting) if oldest.waiting is not None else []


def _belongs(waiting: _Waiting[Any], told: int) -> bool:
    """Whether a packet goes on where those that wait left off; if not, timestamps jumped among them."""
    return len(waiting.packets) < MOST_WAITING and abs(told - waiting.packets[-1][1]) <= _JUMP


def _moved(early: int) -> int:
    """How far a packet that is this much early moves its stream to the front."""
    return max(0, early if early >= _SUDDEN else min(early, _DRIFT))
