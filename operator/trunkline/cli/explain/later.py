"""What becomes of what follows a call's first INVITE: requests in its dialog, and answers. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace

from sipedge.routing.authenticate import DigestCheck
from sipedge.routing.decision import Direction, Outcome, Step
from sipedge.routing.dialog.answers import judge_answer, tag_fault
from sipedge.routing.dialog.decisions import (
    AnswerDecision,
    DialogDecision,
    DropInDialog,
    Follow,
    MemoryChanges,
    RefuseInDialog,
)
from sipedge.routing.dialog.hops import Hop
from sipedge.routing.dialog.judge import within_dialog
from sipedge.routing.dialog.memory import CallMemory
from sipedge.routing.dialog.tokens import is_ours
from sipedge.routing.message.bounds import MOST_HEADERS_OF_ANSWER, excess_of
from sipedge.routing.message.messages import Message, SipAnswer, SipRequest
from sipedge.routing.message.nameless import nameless
from sipedge.routing.reasons import Reason
from sipedge.table import Table
from sipedge.uri import parse_uri, split_header, uri_of_header
from trunkline.cli.explain.message import SipText
from trunkline.cli.explain.passing import (
    Passing,
    Sent,
    bound_step,
    reply_travels,
    request_travels,
    unread_step,
)
from trunkline.cli.explain.stages import (
    NAMELESS,
    WITH_CALLER,
    Change,
    Circumstances,
    Kind,
    Stage,
    in_order,
)


@dataclass(frozen=True, slots=True)
class Call:
    """What an edge has when a later message of one of its calls comes."""

    table: Table
    memory: CallMemory
    by_caller: bool
    """True: the message is the caller's."""
    digest: DigestCheck
    own_addresses: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class LaterPassage:
    """The decision on a message of a call, and what it does to it."""

    decision: DialogDecision | AnswerDecision
    by_caller: bool
    message: SipText
    memory: CallMemory
    """Of the call, with what this message teaches."""
    changes: tuple[Change, ...] = ()
    """In the order of the stages."""
    sent: Sent | None = None
    """None: it does not go on."""


def request_in_dialog(call: Call, text: SipText, request: SipRequest) -> LaterPassage:
    """What an edge does with a request of this call. Total."""
    excess = excess_of(text.sizes)
    bound = unread_step(text) if text.unreadable else bound_step(text, excess)
    decision: DialogDecision
    if excess is not None or text.unreadable:
        is_silent = request.method == "ACK" or (text.unreadable and not text.can_be_refused)
        refuses = DropInDialog if is_silent else RefuseInDialog
        reason = excess.reason if excess is not None else Reason.MalformedRequest
        return LaterPassage(refuses((bound,), reason), call.by_caller, text, call.memory)
    decision = within_dialog(
        call.table,
        request,
        call.memory if _shows_token(text) else None,
        by_caller=call.by_caller,
        digest=call.digest,
        own_addresses=call.own_addresses,
        is_alive=lambda connection: True,
    )
    decision = replace(decision, steps=(bound, *decision.steps))
    if not isinstance(decision, Follow):
        return LaterPassage(decision, call.by_caller, text, call.memory)
    return _followed(call, text, request, decision)


def _shows_token(text: SipText) -> bool:
    """True if our Record-Route is the message's first Route, or its Request-URI: that alone tells a call.

    Of a message that is put together of parts it is assumed.
    """
    if not text.size:
        return True
    first = next((member for value in text.values.get("route", ()) for member in split_header(value)), "")
    return is_ours(uri_of_header(first)) or is_ours(parse_uri(text.request_uri))


def _followed(call: Call, text: SipText, request: SipRequest, follow: Follow) -> LaterPassage:
    passing = Passing(request.headers, _circumstances(call, request.method, is_answer=False))
    passing.count_hop()
    passing.keep(request_travels(request.method), f"does not travel in {request.method}")
    _leave_own_route(passing)
    passing.apply(follow.changes)
    uri = request.request_uri if follow.request_uri is None else follow.request_uri
    if uri != request.request_uri:
        side = "callee" if call.by_caller else "caller"
        because = f"the Contact of the {side}"
        passing.note(Change(Stage.PROXY, Kind.REPLACE, "Request-URI", uri, "RFC 3261 12.2", because))
    body = _body(passing, request, follow.body)
    headers = {name: tuple(values) for name, values in passing.values.items()}
    hop = follow.hop
    return LaterPassage(
        follow,
        call.by_caller,
        text,
        learned(call.memory, follow.learned, by_caller=call.by_caller),
        in_order(passing.changes),
        Sent(uri, hop.address, hop.port, hop.transport, headers, body),
    )


def answer_in_call(call: Call, text: SipText, answer: SipAnswer, attempt: Hop | None) -> LaterPassage:
    """What an edge does with an answer of this call.

    `attempt` is where the first INVITE was sent, for an answer to that one; None for any later answer.
    """
    excess = excess_of(text.sizes, MOST_HEADERS_OF_ANSWER)
    bound = unread_step(text) if text.unreadable else bound_step(text, excess)
    if excess is not None or text.unreadable:
        dropped = AnswerDecision((bound,), drop=True)
        return LaterPassage(dropped, call.by_caller, text, call.memory)
    if fault := tag_fault(answer.from_tag, answer.to_tag):
        step = Step("tags", Outcome.FAIL, fault, "RFC 3261 19.3")
        return LaterPassage(AnswerDecision((bound, step), drop=True), call.by_caller, text, call.memory)
    decision = judge_answer(
        call.table,
        answer,
        call.memory,
        to_caller=not call.by_caller,
        attempt=attempt,
        cseq_of_sender=_cseq_of_asker(call, answer),
        own_addresses=call.own_addresses,
    )
    decision = replace(decision, steps=(bound, *decision.steps))
    if decision.drop:
        return LaterPassage(decision, call.by_caller, text, call.memory)
    passing = Passing(answer.headers, _circumstances(call, answer.method, is_answer=True))
    passing.keep(reply_travels(answer.method), f"does not travel in an answer to {answer.method}")
    passing.apply(decision.changes)
    body = _body(passing, answer, decision.body)
    headers = {name: tuple(values) for name, values in passing.values.items()}
    hop = call.memory.side(caller=not call.by_caller).hop
    return LaterPassage(
        decision,
        call.by_caller,
        text,
        learned(call.memory, decision.learned, by_caller=call.by_caller),
        in_order(passing.changes),
        Sent("", hop.address, hop.port, hop.transport, headers, body),
    )


def learned(memory: CallMemory, changes: MemoryChanges, *, by_caller: bool) -> CallMemory:
    """The memory with what one message has taught."""
    if changes.sender is not None:
        sender = changes.sender
        memory = replace(memory, caller=sender) if by_caller else replace(memory, callee=sender)
    if changes.sender_sdp is not None:
        sdp = changes.sender_sdp
        memory = replace(memory, caller_sdp=sdp) if by_caller else replace(memory, callee_sdp=sdp)
    if changes.agreed is not None and memory.media is not None:
        memory = replace(memory, media=replace(memory.media, agreed=changes.agreed))
    if changes.open_offer is not None:
        memory = replace(memory, open_offer=by_caller if changes.open_offer else None)
    return memory


def _cseq_of_asker(call: Call, answer: SipAnswer) -> int | None:
    """The number that the asking side has used itself: the edge added its shift on the way there."""
    number = answer.header("cseq").split(" ")[0]
    shift = call.memory.callee_shift if call.by_caller else call.memory.caller_shift
    return int(number) - shift if number.isascii() and number.isdecimal() and len(number) <= 10 else None


def _circumstances(call: Call, method: str, *, is_answer: bool) -> Circumstances:
    facts = call.memory.facts
    return Circumstances(
        call.memory.direction,
        facts.calling if facts is not None else "",
        "",
        method,
        is_answer=is_answer,
        hides_caller=facts is not None and facts.anonymous,
        in_call=True,
        policed=_policed(call),
    )


def _policed(call: Call) -> frozenset[str]:
    facts = call.memory.facts
    if facts is None or not facts.from_number or not call.by_caller:
        return frozenset()
    return frozenset({"contact"}) if facts.direction is Direction.TERMINATION else WITH_CALLER


def _leave_own_route(passing: Passing) -> None:
    """The edge's own Route has done its work; those beyond it are the next hops' business."""
    routes = passing.values.pop("route", [])
    members = [member for value in routes for member in split_header(value)]
    left = [member for member in members if not is_ours(uri_of_header(member))]
    if left:
        passing.values["route"] = left


def _body(passing: Passing, message: Message, body: str | None) -> str:
    if body is None or body == message.body:
        return message.body
    if body == nameless(message).body:
        passing.note(NAMELESS)
        return body
    shown = "refused: every m= line has port 0" if body else "none"
    passing.note(
        Change(Stage.ALLOW, Kind.REPLACE, "body", shown, "S20", "media that the trunk does not take")
    )
    if not body:
        passing.values.pop("content-type", None)
    return body
