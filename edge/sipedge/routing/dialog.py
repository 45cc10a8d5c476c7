"""What becomes of what follows a call's first INVITE: requests in its dialog, and answers. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from sipedge.routing.decision import HeaderChanges, Step
from sipedge.routing.hops import Hop
from sipedge.routing.memory import SideMemory
from sipedge.routing.reasons import Reason


@dataclass(frozen=True, slots=True)
class MemoryChanges:
    """What the message at hand teaches of its call; None = nothing new."""

    sender: SideMemory | None = None
    sender_sdp: str | None = None
    open_offer: bool | None = None
    """True = the sender's offer is open now, False = it has been answered."""


_NOTHING: Final = HeaderChanges()
_NOTHING_LEARNED: Final = MemoryChanges()


@dataclass(frozen=True, slots=True)
class DialogDecision:
    """Common to all: the questions that were asked, in order."""

    steps: tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class Follow(DialogDecision):
    """Send the request on."""

    hop: Hop
    request_uri: str | None
    """None = as it came."""
    changes: HeaderChanges = _NOTHING
    body: str | None = None
    """None = as it came; "" = none."""
    learned: MemoryChanges = _NOTHING_LEARNED
    end_call: Reason | None = None
    """Send it on, then end the call on both sides: it may not go on like this, and cannot be refused."""


@dataclass(frozen=True, slots=True)
class RefuseInDialog(DialogDecision):
    """Answer with the reason's status; an ACK gets none."""

    reason: Reason
    headers: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class ChallengeInDialog(DialogDecision):
    """Answer 407: the request comes from elsewhere and the trunk has credentials."""

    reason: Reason
    realm: str


@dataclass(frozen=True, slots=True)
class DropInDialog(DialogDecision):
    """No answer at all."""

    reason: Reason


@dataclass(frozen=True, slots=True)
class AnswerDecision:
    """What an answer looks like on its way on."""

    steps: tuple[Step, ...]
    changes: HeaderChanges = _NOTHING
    body: str | None = None
    learned: MemoryChanges = _NOTHING_LEARNED
    end_call: Reason | None = None
    drop: bool = False
