"""What a message of a call means for the relay of its media, once the call's first INVITE has left. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Final

from sipedge.routing.decision import Limit
from sipedge.routing.dialog.memory import CallMemory, SideKind
from sipedge.routing.findings import Finding, failed, skipped
from sipedge.routing.limits import transcoding_limits
from sipedge.routing.media.commands import NO_WORK, MediaEvent, MediaWork, commands, learned_pair
from sipedge.routing.media.judge import Judged, judge_answer, judge_offer, media_refused
from sipedge.routing.media.places import places_of
from sipedge.routing.media.sides import AgreedPair, MediaMemory
from sipedge.routing.message.messages import Message, SipAnswer, SipRequest
from sipedge.routing.message.sdp import body_with_media_refused, body_with_sdp, media_fault, only_sdp
from sipedge.routing.reasons import Reason
from sipedge.table import Table
from sipedge.values import quickly_made, replace

CARRIES_MEDIA: Final = frozenset({"INVITE", "UPDATE", "PRACK"})
"""Methods whose answers may carry an offer or an answer."""
_ORIGIN: Final = re.compile(r"^o=[^\r\n]*", re.MULTILINE)
_UNREADABLE: Final = failed(Reason.MediaNotServed, "the body cannot be read for sure")
_NO_SDP: Final = skipped("no session description")
_NOT_KNOWN: Final = skipped("a call of an earlier release")
_NO_ANSWER: Final = skipped("no answer with media")


@quickly_made
@dataclass(frozen=True)
class LaterMedia:
    """What becomes of a message's media."""

    finding: Finding
    """With a reason: the message is refused; one that cannot be goes on with `body`, and the call ends."""
    body: str | None = None
    """The body where the relay is not asked for it; None = the relay's, or as it came."""
    work: MediaWork = NO_WORK
    sdp: str = field(default="", repr=False)
    """What is remembered of the sender's SDP where media is relayed; "" = nothing new."""
    agreed: AgreedPair | None = None


PASSES_AS_IT_IS: Final = LaterMedia(skipped("a session that the edge's B2BUA passes on"))
"""Of what the B2BUA sends in a call that it has adopted, and of what answers it, but where that is `BACK`."""


def media_of_request(table: Table, memory: CallMemory, request: SipRequest, *, by_caller: bool) -> LaterMedia:
    """Of a request in the dialog. The SDP of an ACK is an answer, that of a PRACK where an offer is open."""
    if memory.media is None:
        return _direct(table, memory, request)
    method = request.method
    is_reply = method == "ACK" or (method == "PRACK" and memory.open_offer is (not by_caller))
    event = MediaEvent(method, 0, by_caller, is_reply=is_reply)
    return _relayed(table, memory, memory.media, request, event)


def led_back(memory: CallMemory, request: SipRequest, *, by_caller: bool) -> SipRequest:
    """The B2BUA's request with the session that its side has said last, where media are relayed: what the
    B2BUA knows of it may be what the relay has made of it.

    The `o=` stays: it goes on from what the other side was told meanwhile (RFC 3264 section 8).
    """
    said = memory.caller_sdp if by_caller else memory.callee_sdp
    origin = _ORIGIN.search(request.body)
    if memory.media is None or not said or origin is None:
        return request
    return replace(request, body=_ORIGIN.sub(lambda _: origin[0], said, count=1))


def media_of_answer(
    table: Table,
    memory: CallMemory,
    answer: SipAnswer,
    *,
    to_caller: bool,
    asked_with_sdp: bool,
    sets_up: bool,
) -> LaterMedia:
    """Of an answer on its way back: to an attempt's INVITE (`sets_up`), or to a request in the dialog."""
    if answer.method not in CARRIES_MEDIA:
        return LaterMedia(_NO_ANSWER)
    if memory.media is None:
        return LaterMedia(_NO_ANSWER) if answer.status >= 300 else _direct(table, memory, answer)
    event = MediaEvent(
        answer.method,
        answer.status,
        not to_caller,
        is_reply=asked_with_sdp,
        asked_with_sdp=asked_with_sdp,
        sets_up=sets_up,
    )
    if answer.status >= 300:
        return LaterMedia(_NO_ANSWER, work=MediaWork(commands(event, memory.media)))
    return _relayed(table, memory, memory.media, answer, event)


def _direct(table: Table, memory: CallMemory, message: Message) -> LaterMedia:
    """Of a call whose parties send each other their media; of one that was moved, the new call's rules
    hold."""
    if memory.is_adopted or _is_instructed(table, memory):
        return PASSES_AS_IT_IS
    if memory.secure is None:
        return LaterMedia(_NOT_KNOWN)
    finding = media_fault(memory.secure, message)
    return LaterMedia(finding, None if finding.reason is None else body_with_media_refused(message))


def _is_instructed(table: Table, memory: CallMemory) -> bool:
    """True for a call that follows instructions: the B2BUA has a session of the relay for it, as the caller
    wants it, and judges what it is offered."""
    if memory.callee.kind is not SideKind.B2BUA:
        return False
    site = table.site()
    return site is not None and bool(site.relay)


def _relayed(
    table: Table, memory: CallMemory, media: MediaMemory, message: Message, event: MediaEvent
) -> LaterMedia:
    if not message.body:
        return LaterMedia(_NO_SDP, work=MediaWork(commands(event, media)))
    sdp = only_sdp(message)
    if sdp is None:
        return LaterMedia(_UNREADABLE, body="")
    if not sdp:
        return LaterMedia(_NO_SDP)
    judged = _judged(table, memory, media, message.source, sdp, event)
    if judged.finding.reason is not None:
        return LaterMedia(judged.finding, _with_media_refused(message, sdp))
    if not judged.sdp:
        return LaterMedia(
            judged.finding, None if judged.body is None else body_with_sdp(message, judged.body)
        )
    event = event.with_sdp(judged.sdp, judged.transcoding)
    other = memory.callee_sdp if event.by_caller else memory.caller_sdp
    work = MediaWork(commands(event, media), message, _limits(table, memory, judged))
    return LaterMedia(judged.finding, None, work, judged.sdp, learned_pair(event, other))


def _limits(table: Table, memory: CallMemory, judged: Judged) -> tuple[Limit, ...]:
    """Of an offer that makes the call one whose sound is transcoded. A call that Kamailio has forgotten
    counts in nothing."""
    if judged.transcoding is None or memory.facts is None:
        return ()
    return transcoding_limits(table, is_emergency=memory.facts.emergency)


def refused_body(work: MediaWork) -> str:
    """The body of a message that cannot be refused, if the relay does not take its SDP; "" = none."""
    sdp = None if work.message is None else only_sdp(work.message)
    return "" if work.message is None or not sdp else _with_media_refused(work.message, sdp)


def _with_media_refused(message: Message, sdp: str) -> str:
    return body_with_sdp(message, media_refused(sdp))


def _judged(
    table: Table, memory: CallMemory, media: MediaMemory, source: str, sdp: str, event: MediaEvent
) -> Judged:
    account = memory.facts.account if memory.facts is not None else None
    is_customer = memory.side(caller=event.by_caller).kind is SideKind.CUSTOMER
    places = places_of(table, account, is_customer=is_customer, source=source)
    judge = judge_answer if event.is_reply else judge_offer
    return judge(sdp, media.plan, by_caller=event.by_caller, may_be_sent_to=places, source=source)
