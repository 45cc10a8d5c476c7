"""Who asks a media relay that hangs: for a while nobody, then one alone, and all once it answers. Pure.

Workers share a mark, the second of a clock that all of them read alike: until then nobody asks. None or 0:
it does not hang.
"""

from __future__ import annotations

from enum import Enum, auto
from typing import Final

from sipedge.ng.client import NgError, NgUnreachableError

UNASKED_SECONDS: Final = 2
"""For so long, or up to one less, nobody asks after somebody has begun to. Whole seconds."""
REMEMBERED_SECONDS: Final = 10
"""Whole seconds after which its silence is forgotten, where no call has asked again."""


class Event(Enum):
    """What moves the mark."""

    ASKED = auto()
    """A command is about to be sent and waited for."""
    ANSWERED = auto()
    """Whatever the answer: a relay that refuses a command does not hang."""
    SILENT = auto()
    """Somebody listens and has not answered any try."""
    GONE = auto()
    """Nobody listens. That is known at once, so all may ask."""


def may_ask(mark: int | None, now: float) -> bool:
    """True if a command may be sent and its answer waited for."""
    return not mark or now >= mark


def mark_after(mark: int | None, event: Event, now: float) -> int | None:
    """The mark that the event leaves; None: none is left."""
    match event:
        case Event.SILENT:
            return next_time(now)
        case Event.ASKED:  # who asks one that hangs tells the others before its own wait begins
            return next_time(now) if mark else None
        case Event.ANSWERED | Event.GONE:
            return None


def event_of(error: NgError) -> Event:
    """What a command that was not carried out says of the relay."""
    if not isinstance(error, NgUnreachableError):
        return Event.ANSWERED
    return Event.SILENT if error.hangs else Event.GONE


def next_time(now: float) -> int:
    """When others may ask, if this one gets no answer: never 0."""
    return int(now) + UNASKED_SECONDS
