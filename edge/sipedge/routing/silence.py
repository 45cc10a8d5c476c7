"""Targets that give no answer at all: how often, and what that means for the order of attempts. Pure.

A silence costs a call 4 s (S65), so an address that was silent three times in a row is tried last for half a
minute, never left out. When that is over one call tries it in its place again; for the others it stays last
until it has answered. Any answer at all ends it. Targets that are probed are asked meanwhile
(`sipedge.routing.liveness`), and come last or in their place again by what they answer.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from sipedge.routing.attempts import Attempt

SILENCES: Final = 3
"""In a row; so many make an address dead."""
SILENCE_MILLISECONDS: Final = 4_000
"""S65: no response at all, not even a 100, for so long."""
LAST_SECONDS: Final = 30
"""For how long a dead address comes last, before one call tries whether it answers again."""


class Standing(StrEnum):
    """What is thought of an address."""

    ALIVE = "alive"
    DEAD = "dead"
    DUE = "due"
    """Dead, and one call should try it in its place; for all others it is still dead."""


@dataclass(frozen=True, slots=True)
class Silence:
    """What is remembered of an address."""

    count: int = 0
    """Silences since its last answer."""
    until: int = 0
    """Until when it comes last, seconds since the epoch; means nothing while it is alive."""


def silence_key(attempt: Attempt) -> str:
    """What silences are counted by: an address with port and transport, of one OriginationUri or Carrier.

    Who else names that address makes no difference: no tenant can put a carrier's gateway last.
    """
    return place_key(attempt.target, attempt.transport, attempt.address, attempt.port)


def place_key(target: str, transport: str, address: str, port: int) -> str:
    """`silence_key` of an attempt of this OriginationUri or Carrier at this place."""
    return f"{target}|{transport}:{address}:{port}"


def standing(silence: Silence, now: float) -> Standing:
    """What to think of an address at `now`, seconds since the epoch."""
    if silence.count < SILENCES:
        return Standing.ALIVE
    return Standing.DEAD if now < silence.until else Standing.DUE


def after_silence(count: int, now: float) -> int | None:
    """Until when an address comes last after its silence number `count`; None: it does not."""
    return int(now) + LAST_SECONDS if count >= SILENCES else None


def order(attempts: tuple[Attempt, ...], dead: frozenset[str]) -> tuple[Attempt, ...]:
    """The attempts with those at `dead` addresses (their keys) last; their order is kept on both sides."""
    if not dead:
        return attempts
    return tuple(sorted(attempts, key=lambda each: silence_key(each) in dead))
