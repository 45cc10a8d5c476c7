"""What the machines that join calls hear and do alike: the words that `transfer`, `replace`, `join` and
`moving` share. Words of its own each declares itself."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Timer(StrEnum):
    """What a machine waits for."""

    ANSWER = "answer"
    """The target should have answered."""
    GLARE = "glare"
    """A re-INVITE may be sent again."""
    BYE = "bye"
    """A transferor should have sent its BYE."""
    LONGEST = "longest of dial"
    """Caller and target are connected for as long as they may be."""


# ------------------------------------------------------------------------------------------------- Events


@dataclass(frozen=True, slots=True)
class Answered:
    """The target has sent a 2xx, which was acknowledged."""


@dataclass(frozen=True, slots=True)
class Failed:
    """The target cannot be had: its final answer is no 2xx, or has no session."""

    status: int


@dataclass(frozen=True, slots=True)
class Moved:
    """The leg has taken the session of its re-INVITE."""


@dataclass(frozen=True, slots=True)
class NotMoved:
    """The leg has refused the re-INVITE with this status, or there was nothing to send it: 500."""

    status: int


@dataclass(frozen=True, slots=True)
class Canceled:
    """Who has sent the INVITE takes it back."""


@dataclass(frozen=True, slots=True)
class Elapsed:
    """A timer has run out."""

    timer: Timer


# ------------------------------------------------------------------------------------------------ Actions


@dataclass(frozen=True, slots=True)
class Refuse:
    """Answer the request that it all began with by this status."""

    status: int


@dataclass(frozen=True, slots=True)
class Invite:
    """Send the target its INVITE, with the session of the one that it shall be connected with."""


@dataclass(frozen=True, slots=True)
class Cancel:
    """Take that INVITE back."""


@dataclass(frozen=True, slots=True)
class Reinvite:
    """Send the leg a re-INVITE, with the session of the one that it shall be connected with."""


@dataclass(frozen=True, slots=True)
class LeadBack:
    """Send the leg a re-INVITE by which it has again what it had before: the other session came to nothing,
    or to its end."""


@dataclass(frozen=True, slots=True)
class Start:
    """Start a timer."""

    timer: Timer


@dataclass(frozen=True, slots=True)
class Stop:
    """Stop a timer, if it runs."""

    timer: Timer
