"""What becomes of what follows a call's first INVITE, as values: the shell carries them out. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, TypeVar

from sipedge.routing.decision import UNCHANGED, HeaderChanges, Step
from sipedge.routing.dialog.hops import Hop
from sipedge.routing.dialog.memory import SideMemory
from sipedge.routing.dialog.refer import Referral
from sipedge.routing.media.commands import NO_WORK, MediaWork
from sipedge.routing.media.sides import AgreedPair
from sipedge.routing.message.messages import Message
from sipedge.routing.reasons import Reason
from sipedge.values import quickly_made, replace


@quickly_made
@dataclass(frozen=True)
class MemoryChanges:
    """What the message at hand teaches of its call; None = nothing new."""

    sender: SideMemory | None = None
    sender_sdp: str | None = None
    open_offer: bool | None = None
    """True = the sender's offer is open now, False = it has been answered."""
    agreed: AgreedPair | None = None
    """Of media that are relayed."""


NOTHING_LEARNED: Final = MemoryChanges()


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
    changes: HeaderChanges = UNCHANGED
    body: str | None = None
    """None = as it came; "" = none."""
    learned: MemoryChanges = NOTHING_LEARNED
    end_call: Reason | None = None
    """Send it on, then end the call on both sides: it may not go on like this, and cannot be refused."""
    media: MediaWork = NO_WORK
    """What the relay is told first; what it answers may be the body."""
    ends_here: bool = False
    """As in `HandOver`: for the side that has asked for a transfer."""


@dataclass(frozen=True, slots=True)
class HandOver(DialogDecision):
    """Send the request to the edge's own B2BUA, as it came but for what hides its sender."""

    referral: Referral | None
    """Whom a REFER asks to call; None = a later request of a call that was adopted."""
    ends_here: bool
    """True: of the side that has asked for a transfer. It must not end the proxy's own dialog, which goes on
    for the other side."""
    learned: MemoryChanges = NOTHING_LEARNED
    body: str | None = None
    """This, `end_call` and `media` are as in `Follow`."""
    end_call: Reason | None = None
    media: MediaWork = NO_WORK
    changes: HeaderChanges = UNCHANGED


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


@quickly_made
@dataclass(frozen=True)
class AnswerDecision:
    """What an answer looks like on its way on."""

    steps: tuple[Step, ...]
    changes: HeaderChanges = UNCHANGED
    body: str | None = None
    learned: MemoryChanges = NOTHING_LEARNED
    end_call: Reason | None = None
    drop: bool = False
    media: MediaWork = NO_WORK
    """What the relay is told first; what it answers may be the body."""


Going = TypeVar("Going", Follow, HandOver, AnswerDecision)


def showing(decision: Going, came: Message, shown: Message) -> Going:
    """With the body of what is shown in place of the message that came, unless it has another."""
    if shown is came or decision.body is not None:
        return decision
    return replace(decision, body=shown.body)
