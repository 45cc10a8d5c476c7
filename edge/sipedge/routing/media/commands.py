"""What the relay is told because of a message of a call: commands as values; what its errors mean. Pure.

Commands are those of rtpengine's ng protocol. The shell sends them in order; the SDP in the answer to the one
that `gives_body` is the message's new body, and if that one fails the message does.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Final

from sipedge.routing.decision import Limit
from sipedge.routing.media.codecs import transcoding_of
from sipedge.routing.media.sides import AgreedPair, MediaMemory, MediaPlan, MediaSide, Transcoding
from sipedge.routing.message.messages import Message
from sipedge.routing.reasons import Reason
from sipedge.values import quickly_made, replace

NgValue = str | int | list[Any] | dict[str, Any]
"""What a field of a command may be."""
_OTHER_SUITES: Final = (
    "AES_CM_128_HMAC_SHA1_32",
    "AES_256_CM_HMAC_SHA1_80",
    "AES_256_CM_HMAC_SHA1_32",
    "AES_192_CM_HMAC_SHA1_80",
    "AES_192_CM_HMAC_SHA1_32",
    "F8_128_HMAC_SHA1_80",
    "F8_128_HMAC_SHA1_32",
    "NULL_HMAC_SHA1_80",
    "NULL_HMAC_SHA1_32",
    "AEAD_AES_128_GCM",
    "AEAD_AES_256_GCM",
)
"""All that rtpengine knows beside the one that is offered (S17). `only-` would say it in one word, but 10.5
passes over that in silence."""


CALLER_TAG: Final = "caller"
CALLEE_TAG: Final = "callee"
"""By which the relay knows the sides of a session, not the dialog's tags: where a target has several early
dialogs, each answer takes the place of the one before, and the port that the target was offered stays its."""
_TAGS: Final = {True: CALLER_TAG, False: CALLEE_TAG}


@quickly_made
@dataclass(frozen=True)
class Command:
    """One command to the relay."""

    name: ClassVar[str] = ""
    """The command, as ng calls it."""
    is_told_anyway: ClassVar[bool] = False
    """Sent to a relay that hangs as well, for when it goes on: what comes of it matters to nobody."""
    ng_id: str
    gives_body: bool = field(default=False, kw_only=True)
    """True: the answer's `sdp` is the message's new body. False: nothing of the answer matters."""

    def fields(self) -> Mapping[str, NgValue]:
        """All fields of the command, `command` and `call-id` among them."""
        return {"command": self.name, "call-id": self.ng_id}


@quickly_made
@dataclass(frozen=True)
class Exchange(Command):
    """An offer or an answer (RFC 3264) that the relay rewrites."""

    offered_by_caller: bool
    """Whose offer it is, also of an answer."""
    sdp: str = field(repr=False)
    """As judged and cleaned. It holds SRTP keys."""
    sender: MediaSide
    receiver: MediaSide
    transcoding: Transcoding | None = None
    record: bool = False

    def fields(self) -> Mapping[str, NgValue]:
        learning = "endpoint-learning-heuristic" if self.sender.symmetric else "endpoint-learning-off"
        told: dict[str, NgValue] = {
            "command": self.name,
            "call-id": self.ng_id,
            "from-tag": _TAGS[self.offered_by_caller],
            "to-tag": _TAGS[not self.offered_by_caller],
            "sdp": self.sdp,
            "ICE": "remove",
            "DTLS": "off",
            "rtcp-mux": ["demux"],
            "replace": ["origin", "session-connection"],
            "flags": ["trust-address", "strict-source", learning],
        }
        if self.receiver.secure:
            told["SDES"] = [f"no-{suite}" for suite in _OTHER_SUITES]
        if self.transcoding is not None:
            told["codec"] = {"mask": list(self.transcoding.hidden), "transcode": list(self.transcoding.to)}
        if self.record:
            told["record-call"] = "yes"
        return told


@quickly_made
@dataclass(frozen=True)
class Offer(Exchange):
    """An offer, or that offer again."""

    name: ClassVar[str] = "offer"

    def fields(self) -> Mapping[str, NgValue]:
        return {
            **super().fields(),
            "transport-protocol": "RTP/SAVP" if self.receiver.secure else "RTP/AVP",
        }


@quickly_made
@dataclass(frozen=True)
class Answer(Exchange):
    """The answer to an offer that the relay knows. Its profile is the offer's (RFC 3264 section 6.1), be that
    `RTP/AVPF`: the relay knows it."""

    name: ClassVar[str] = "answer"


@quickly_made
@dataclass(frozen=True)
class Query(Command):
    """Asks for packets and quality; before `Delete`, whose answer has none on rtpengine 10.5."""

    name: ClassVar[str] = "query"


@quickly_made
@dataclass(frozen=True)
class Delete(Command):
    """Ends the session, by its call id alone: with tags others of its early dialogs might stay."""

    name: ClassVar[str] = "delete"
    is_told_anyway: ClassVar[bool] = True


@quickly_made
@dataclass(frozen=True)
class StartRecording(Command):
    """Begins to record a session whose media were agreed upon before."""

    name = "start recording"


@quickly_made
@dataclass(frozen=True)
class MediaWork:
    """What one message means for the relay."""

    commands: tuple[Command, ...] = ()
    message: Message | None = field(default=None, repr=False)
    """What the commands are of: as the edge would send it on, if there were no relay."""
    limits: tuple[Limit, ...] = ()
    """What the call is to be counted in before the relay is told anything, if it is not yet."""


NO_WORK: Final = MediaWork()


@quickly_made
@dataclass(frozen=True)
class MediaEvent:
    """One message of a call, as far as its media are concerned."""

    method: str
    """Of the request, or of the request that is answered."""
    status: int
    """Of an answer; 0 = a request."""
    by_caller: bool
    """Who has sent this message."""
    sdp: str = field(default="", repr=False)
    """As judged and cleaned; "" = none, or none that the relay is asked about."""
    is_reply: bool = False
    """True: the SDP answers the receiver's open offer; False: it is an offer."""
    asked_with_sdp: bool = False
    """Of an answer: the request had an SDP."""
    sets_up: bool = False
    """True: the INVITE of an attempt, or an answer to it."""
    transcoding: Transcoding | None = None

    def with_sdp(self, sdp: str, transcoding: Transcoding | None) -> MediaEvent:
        """The same message, once its SDP was judged."""
        return replace(self, sdp=sdp, transcoding=transcoding)


def commands(event: MediaEvent, memory: MediaMemory) -> tuple[Command, ...]:
    """What the relay is told because of a message whose SDP was judged. Total."""
    if event.sdp:
        return (_exchange(event, memory),)
    if 200 <= event.status < 300 and _begins_recording(event, memory.plan):
        return (StartRecording(memory.ng_id),)
    if event.status >= 300 and event.asked_with_sdp and not event.sets_up:
        return _restored(event, memory)
    return ()


def begin_attempt(
    event: MediaEvent | None, memory: MediaMemory | None, former_ng_id: str = ""
) -> tuple[Command, ...]:
    """`commands` of an attempt's INVITE; the session of the attempt before ends. Without an event, that
    alone.

    Each attempt is a session of its own: under the same id a second target would get the first one's port,
    and the first, abandoned, would still be heard.
    """
    former = (Delete(former_ng_id),) if former_ng_id else ()
    return former if event is None or memory is None else (*former, *commands(event, memory))


def given_up(memory: MediaMemory | None, fault: Reason) -> tuple[Command, ...]:
    """What follows an attempt's offer that the relay did not take. One that has only not answered in time may
    have made the session, or do so yet."""
    return (Delete(memory.ng_id),) if memory is not None and fault is Reason.MediaUnavailable else ()


def end_session(ng_id: str) -> tuple[Command, ...]:
    """What ends a session, and tells before what it was like. For the end of a dialog, and nowhere else."""
    return Query(ng_id), Delete(ng_id)


def _exchange(event: MediaEvent, memory: MediaMemory) -> Command:
    plan = memory.plan
    return (Answer if event.is_reply else Offer)(
        memory.ng_id,
        event.by_caller is not event.is_reply,
        event.sdp,
        sender=plan.side(caller=event.by_caller),
        receiver=plan.side(caller=not event.by_caller),
        transcoding=event.transcoding,
        record=_begins_recording(event, plan),
        gives_body=True,
    )


def _begins_recording(event: MediaEvent, plan: MediaPlan) -> bool:
    if plan.recording is None or not event.sets_up:
        return False
    return plan.recording.mode.from_ringing or 200 <= event.status < 300


def _restored(event: MediaEvent, memory: MediaMemory) -> tuple[Command, ...]:
    """The relay acts on an offer at once: when it is refused, the last agreement is told again.

    The sender of the refusal is who was asked; the offer was the receiver's.
    """
    plan, agreed, asker = memory.plan, memory.agreed, not event.by_caller
    if not agreed.caller or not agreed.callee:
        return ()
    asking, asked = plan.side(caller=asker), plan.side(caller=not asker)
    offered, answered = agreed.of(caller=asker), agreed.of(caller=not asker)
    return (
        Offer(memory.ng_id, asker, offered, asking, asked, transcoding_of(offered, asking, asked)),
        Answer(memory.ng_id, asker, answered, asked, asking),
    )


def learned_pair(event: MediaEvent, open_offer: str) -> AgreedPair | None:
    """What is agreed with this message; None = nothing new. `open_offer`: the other side's, as cleaned."""
    if not event.is_reply or not event.sdp or not open_offer:
        return None
    return AgreedPair(event.sdp, open_offer) if event.by_caller else AgreedPair(open_offer, event.sdp)


_ERRORS: Final = (
    ("Ran out of ports", Reason.MediaFull),
    ("session limit", Reason.MediaFull),
    ("Load limit", Reason.MediaFull),
    ("Failed to parse SDP", Reason.MediaNotServed),
    ("Incomplete SDP", Reason.MediaNotServed),
)


def reason_of_error(error: str) -> Reason:
    """What an error text of the relay means for the message; "" = it has not answered at all."""
    lower = error.lower()
    return next((reason for text, reason in _ERRORS if text.lower() in lower), Reason.MediaUnavailable)
