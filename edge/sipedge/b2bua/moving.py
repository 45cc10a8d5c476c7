"""A leg that is moved to another session by a re-INVITE, and led back: the step that every machine has which
moves one. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from sipedge.b2bua.events import Elapsed, LeadBack, NotMoved, Reinvite, Start, Timer

PENDING: Final = 491
"""A re-INVITE met one of the other side (RFC 3261 section 14.1)."""
MOST_GLARES: Final = 4
"""So often it is sent again."""
NO_SUCH_CALL: Final = 481
"""Its call is over, though nobody has heard a BYE (RFC 3261 section 12.2.1.2)."""
SILENT: Final = 408
"""The same of one that does not answer at all."""
NOT_TAKEN: Final = 488
"""What is told where the leg did not take the session: the call goes on without it."""


class Way(StrEnum):
    """Where a leg's session is being moved."""

    NONE = "none"
    """Nowhere."""
    TO_TARGET = "to target"
    BACK = "back"
    """To what it had before."""


@dataclass(frozen=True, slots=True)
class Move:
    """How far it is."""

    way: Way = Way.NONE
    is_waiting: bool = False
    """True while no re-INVITE is under way: it met another one, and follows later."""
    is_given_up: bool = False
    """True: what the leg is led to has come to nothing. No re-INVITE follows; one that is taken all the same
    is to be undone."""
    glares: int = 0

    @property
    def is_under_way(self) -> bool:
        """True while the leg has a re-INVITE to answer."""
        return self.way is not Way.NONE and not self.is_waiting

    @property
    def is_for_good(self) -> bool:
        """True if the leg keeps the session that it takes now: the media of its own call end then."""
        return self.way is Way.TO_TARGET and not self.is_given_up

    @property
    def led(self) -> Way:
        """Where the leg may have been led by now: for the journal, since whoever reads that has not heard its
        answer. On its way back it may be with the target still."""
        return self.way if self.is_under_way or self.way is Way.BACK else Way.NONE

    def given_up(self) -> Move:
        """The same, once what the leg is led to has come to nothing."""
        return replace(self, is_given_up=True)


NOWHERE: Final = Move()
TO_TARGET: Final = Move(Way.TO_TARGET)
BACK: Final = Move(Way.BACK)


def again(move: Move, event: object) -> tuple[Move, Start | Reinvite | LeadBack] | None:
    """What a re-INVITE that was refused for the moment comes to: a while, then another one.

    None: the event says nothing of that. Then `Moved` and `NotMoved` are what has come of the move.
    """
    match event:
        case NotMoved(status) if move.is_under_way and _may_be_repeated(move, status):
            return replace(move, is_waiting=True, glares=move.glares + 1), Start(Timer.GLARE)
        case Elapsed(Timer.GLARE) if move.is_waiting and not move.is_given_up:
            return replace(move, is_waiting=False), Reinvite() if move.way is Way.TO_TARGET else LeadBack()
    return None


def _may_be_repeated(move: Move, status: int) -> bool:
    if move.is_given_up or move.glares >= MOST_GLARES:
        return False
    if move.way is Way.BACK:
        # What the leg had a moment ago it may have once it is ready for it, as one that still has the INVITE
        # before this to answer (500, RFC 3261 section 14.2).
        return status not in (NO_SUCH_CALL, SILENT)
    return status == PENDING
