"""A leg that is moved to another session by a re-INVITE: what can come of that, for every machine that moves
one. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

PENDING: Final = 491
"""A re-INVITE met one of the other side (RFC 3261 section 14.1)."""
MOST_GLARES: Final = 4
"""So often it is sent again."""
NO_SUCH_CALL: Final = 481
"""Its call is over, though nobody has heard a BYE (RFC 3261 section 12.2.1.2)."""
SILENT: Final = 408
"""The same of one that does not answer at all."""


@dataclass(frozen=True, slots=True)
class Reinvite:
    """Send the leg a re-INVITE, with the session of the one that it shall be connected with."""


@dataclass(frozen=True, slots=True)
class LeadBack:
    """Send the leg a re-INVITE with the session that it had before: the other one came to nothing."""


@dataclass(frozen=True, slots=True)
class Moved:
    """The leg has taken the session of its re-INVITE."""


@dataclass(frozen=True, slots=True)
class NotMoved:
    """The leg has refused the re-INVITE with this status, or there was nothing to send it: 500."""

    status: int


def may_ask_again(status: int, glares: int) -> bool:
    """True if a re-INVITE that was refused so is sent again; `glares` of it were before."""
    return status == PENDING and glares < MOST_GLARES


def may_lead_back_again(status: int, glares: int) -> bool:
    """The same of one that leads back: what the leg had a moment ago it may have once it is ready for it, as
    one that still has the INVITE before this to answer (500, RFC 3261 section 14.2)."""
    return status not in (NO_SUCH_CALL, SILENT) and glares < MOST_GLARES
