"""What becomes of what follows a call's first INVITE: requests in its dialog, and answers. Pure, total."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from sipedge.routing import headers, identity, privacy, sdp
from sipedge.routing.authenticate import DigestCheck
from sipedge.routing.call import Finding, Steps, run_checks, skipped
from sipedge.routing.decision import Direction, HeaderChanges, Step
from sipedge.routing.hops import Hop, answer_goes_to
from sipedge.routing.later_checks import (
    BODY_STAGES,
    METHODS,
    STAGES,
    LaterRequest,
    around,
)
from sipedge.routing.memory import LONGEST_SDP, CallMemory, SideMemory
from sipedge.routing.message import Message, SipAnswer, SipRequest
from sipedge.routing.reasons import Reason
from sipedge.routing.sides import (
    Surroundings,
    callee_of,
    next_hop,
    refreshed,
    source_of,
    speaks_for,
)
from sipedge.routing.tokens import is_ours
from sipedge.table import Table
from sipedge.uri import parse_uri, split_header, uri_of_header

_LARGEST_CSEQ: Final = 2**31 - 1
_CARRIES_OFFER: Final = frozenset({"INVITE", "UPDATE", "PRACK"})
_CSEQ: Final = re.compile(r"([0-9]{1,10})\s+(\S+)", re.ASCII)
_RACK: Final = re.compile(r"([0-9]{1,10})\s+([0-9]{1,10})\s+(\S+)", re.ASCII)


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


def within_dialog(
    table: Table,
    request: SipRequest,
    memory: CallMemory | None,
    *,
    by_caller: bool,
    digest: DigestCheck,
    requests_lately: int = 1,
    own_addresses: tuple[str, ...] = (),
    is_alive: Callable[[int], bool] = lambda connection: False,
) -> DialogDecision:
    """What to do with a request that has a To-tag. Total: any text in any field gives a decision.

    `memory` is None where no valid token tells whose call it is.
    """
    if memory is None:
        return _stranger(request, ())
    later = LaterRequest(table, request, memory, by_caller, digest, requests_lately, own_addresses, is_alive)
    steps = Steps()
    reason = run_checks(STAGES, later, steps)
    if reason is not None:
        return _refused(later, reason, tuple(steps.found))
    fault = run_checks(BODY_STAGES, later, steps)
    if fault is not None and request.method not in headers.MUST_ARRIVE:
        return _refused(later, fault, tuple(steps.found))
    hop = next_hop(later.around(later.receiver), later.receiver, connected=_is_connected(later))
    if hop is None:
        return _refused(later, Reason.PeerNotReachable, tuple(steps.found))
    return _followed(later, hop, fault, tuple(steps.found))


def judge_answer(
    table: Table,
    answer: SipAnswer,
    memory: CallMemory,
    *,
    to_caller: bool,
    attempt: Hop | None = None,
    cseq_of_sender: int | None = None,
    own_addresses: tuple[str, ...] = (),
    asked_with_sdp: bool | None = None,
) -> AnswerDecision:
    """What an answer to a request of this call looks like on its way back. Total, as `within_dialog` is.

    `to_caller` tells who asked. `attempt` is where the INVITE that sets the call up was sent; None for the
    answer to a later request. `cseq_of_sender` is the CSeq number that the asking side has used itself.
    `asked_with_sdp`: the request had an SDP, so that one here is its answer, or that answer again; None = by
    what the memory says of an open offer.
    """
    steps: list[Step] = []
    side = memory.side(caller=not to_caller)
    surroundings = around(table, own_addresses, memory, side)
    finding = _answered_media(memory, answer)
    steps.append(Step("media", finding.outcome, finding.detail, "S20"))
    changes = _changes_of_answer(table, memory, answer, attempt, cseq_of_sender, to_caller=to_caller)
    is_reply = asked_with_sdp if asked_with_sdp is not None else memory.open_offer is to_caller
    learned = _learned_of_answer(surroundings, side, answer, attempt, is_reply, is_caller=not to_caller)
    if finding.reason is None:
        return AnswerDecision(tuple(steps), changes, learned=learned)
    return AnswerDecision(
        tuple(steps),
        changes,
        body=sdp.body_with_media_refused(answer),
        learned=learned,
        end_call=finding.reason if 200 <= answer.status < 300 else None,
    )


def is_ambiguous(from_tag: str, to_tag: str) -> bool:
    """True for an answer whose tags are the same: no later message would tell its side (RFC 3261 19.3).

    It is dropped, as if it had been lost.
    """
    return bool(to_tag) and from_tag == to_tag


def judge_repeated_answer(
    table: Table, answer: SipAnswer, memory: CallMemory | None, cseq_shift: int
) -> AnswerDecision:
    """What becomes of an answer that no transaction waits for; `memory` is None without a valid token.

    A callee repeats its 2xx for longer than the transaction lasts (RFC 3261 13.3.1.4). It goes to the caller
    where the INVITE came from, and nowhere else; anything else is dropped.
    """
    if memory is None or answer.method != "INVITE" or not 200 <= answer.status < 300:
        return AnswerDecision((), drop=True)
    caller, vias = memory.caller, answer.headers.get("via", ())
    places = {hop for hop in (caller.source, caller.hop) if hop is not None}
    if not any(answer_goes_to(vias, hop, caller.connection) for hop in places):
        return AnswerDecision((), drop=True)
    if _answered_media(memory, answer).reason is not None:
        return AnswerDecision((), drop=True)  # its call is being ended, or another fork's never begins
    changes = identity.changes_in_dialog(table, memory, answer, by_caller=False)
    match = _CSEQ.fullmatch(answer.header("cseq").strip())
    if cseq_shift and match is not None:
        original = ("CSeq", f"{max(int(match[1]) - cseq_shift, 0)} {match[2]}")
        changes += HeaderChanges(replace=(original,))
    return AnswerDecision((), changes)


def _is_connected(later: LaterRequest) -> bool:
    connection = later.receiver.connection
    return connection is not None and later.is_alive(connection)


def _stranger(request: SipRequest, steps: tuple[Step, ...]) -> DialogDecision:
    """No call of this edge, or not of this sender: 481, and silence to an INVITE and an ACK."""
    if request.method in ("INVITE", "ACK", "CANCEL"):
        return DropInDialog(steps, Reason.NoDialog)
    return RefuseInDialog(steps, Reason.NoDialog)


def _refused(later: LaterRequest, reason: Reason, steps: tuple[Step, ...]) -> DialogDecision:
    if reason is Reason.NoDialog:
        return _stranger(later.request, steps)
    if later.request.method == "ACK":
        return DropInDialog(steps, reason)
    if reason in (Reason.CredentialsRequired, Reason.CredentialsStale):
        site = later.table.site()
        return ChallengeInDialog(steps, reason, site.realm if site is not None else "")
    extra = _ALLOW if reason is Reason.MethodNotAllowed else headers.refusal_headers(reason, later.request)
    return RefuseInDialog(steps, reason, extra)


_ALLOW: Final = (("Allow", ", ".join(sorted(METHODS - {"NOTIFY"} | {"CANCEL"}))),)


def _followed(later: LaterRequest, hop: Hop, fault: Reason | None, steps: tuple[Step, ...]) -> Follow:
    request, memory = later.request, later.memory
    shift = memory.caller_shift if later.by_caller else memory.callee_shift
    sender = refreshed(later.around(later.sender), later.sender, request, is_caller=later.by_caller)
    learned = learned_sdp(request, sender, other_offers=memory.open_offer is (not later.by_caller))
    contact, foreign = later.receiver.contact, HeaderChanges()
    if _has_further_route(request):
        if _has_no_proxy(later.receiver):
            foreign = HeaderChanges(remove=("Route",))
        else:
            contact = privacy.true_contact(request.request_uri, contact)
    changes = foreign + identity.changes_in_dialog(later.table, memory, request, by_caller=later.by_caller)
    return Follow(
        steps,
        hop,
        request_uri=contact or None,
        changes=changes + _shifted(request, shift),
        body=_mended_body(request, fault),
        learned=learned,
        end_call=fault if fault in _MEDIA_FAULTS and request.method == "ACK" else None,
    )


_MEDIA_FAULTS: Final = frozenset({Reason.MediaNotSecure, Reason.MediaSecureRefused})


def _mended_body(request: SipRequest, fault: Reason | None) -> str | None:
    """The body of a request that goes on in spite of it; None = as it came."""
    if fault is None:
        return None
    return sdp.body_with_media_refused(request) if fault in _MEDIA_FAULTS else ""


def _has_further_route(request: SipRequest) -> bool:
    """True if a Route is left beside ours: the Request-URI is then the remote side's business.

    A strict router before us has our Route in the Request-URI, the target in the last Route (RFC 3261 16.4).
    """
    members = [member for value in request.headers.get("route", ()) for member in split_header(value)]
    foreign = [member for member in members if not is_ours(uri_of_header(member))]
    if is_ours(parse_uri(request.request_uri)):
        foreign = foreign[:-1]
    return bool(foreign)


def _has_no_proxy(receiver: SideMemory) -> bool:
    """True if the side has shown itself, and no Record-Route of its own: a Route beyond ours is made up then.

    At a peer that trusts the edge's address it would lead anywhere, and with it any Request-URI.
    """
    return receiver.source is not None and bool(receiver.contact) and not receiver.behind_proxy


def _shifted(request: SipRequest, shift: int) -> HeaderChanges:
    """CSeq and RAck as the other side must see them, after challenges that the edge has answered."""
    if not shift:
        return _NOTHING
    changes = []
    if match := _CSEQ.fullmatch(request.header("cseq").strip()):
        changes.append(("CSeq", f"{min(int(match[1]) + shift, _LARGEST_CSEQ)} {match[2]}"))
    if match := _RACK.fullmatch(request.header("rack").strip()):
        changes.append(("RAck", f"{match[1]} {min(int(match[2]) + shift, _LARGEST_CSEQ)} {match[3]}"))
    return HeaderChanges(replace=tuple(changes))


# --- answers


def _answered_media(memory: CallMemory, answer: SipAnswer) -> Finding:
    if answer.method not in _CARRIES_OFFER or answer.status >= 300 or memory.secure is None:
        return skipped("no answer with media")
    return sdp.media_fault(memory.secure, answer)


def _changes_of_answer(
    table: Table,
    memory: CallMemory,
    answer: SipAnswer,
    attempt: Hop | None,
    cseq_of_sender: int | None,
    *,
    to_caller: bool,
) -> HeaderChanges:
    changes = identity.changes_in_dialog(table, memory, answer, by_caller=not to_caller)
    match = _CSEQ.fullmatch(answer.header("cseq").strip())
    if cseq_of_sender is not None and match is not None and int(match[1]) != cseq_of_sender:
        changes += HeaderChanges(replace=(("CSeq", f"{cseq_of_sender} {match[2]}"),))
    facts = memory.facts
    if attempt is not None and facts is not None and 200 <= answer.status < 300:
        changes += ids_for_customer(memory.direction, facts.account_sid, facts.call_sid)
    return changes


def ids_for_customer(direction: Direction, account_sid: str, call_sid: str) -> HeaderChanges:
    """What a 2xx tells a customer that calls, beside the target's own headers."""
    if direction is not Direction.TERMINATION:
        return _NOTHING
    account = (("X-Trunkline-AccountSid", account_sid),) if account_sid else ()
    return HeaderChanges(append=(*account, ("X-Trunkline-CallSid", call_sid)))


def _learned_of_answer(
    around: Surroundings,
    side: SideMemory,
    answer: SipAnswer,
    attempt: Hop | None,
    is_reply: bool,
    *,
    is_caller: bool,
) -> MemoryChanges:
    if attempt is not None:
        forms = bool(answer.to_tag) and 100 < answer.status < 300
        sender = callee_of(around, attempt, answer, is_ours) if forms else None
    else:
        source = source_of(answer)
        known = source is not None and speaks_for(around, side, source.address)
        sender = refreshed(around, side, answer, is_caller=is_caller) if known else None
    if answer.method not in _CARRIES_OFFER:
        return MemoryChanges(sender)
    if answer.status >= 300:
        return MemoryChanges(sender, open_offer=False)
    return learned_sdp(answer, sender, other_offers=is_reply)


def learned_sdp(message: Message, sender: SideMemory | None, *, other_offers: bool) -> MemoryChanges:
    """What the message's SDP is: the answer to the other side's open offer, or an offer of its own."""
    text = sdp.sdp_of(message) if message.body else ""
    if not text:
        return MemoryChanges(sender)
    return MemoryChanges(sender, text if len(text) <= LONGEST_SDP else "", open_offer=not other_offers)


def invite_changes(headers: tuple[tuple[str, str], ...], cseq_shift: int, cseq: int) -> HeaderChanges:
    """What one attempt's INVITE has of its own. `cseq` is the number that the caller has used."""
    shifted = (("CSeq", f"{min(cseq + cseq_shift, _LARGEST_CSEQ)} INVITE"),) if cseq_shift else ()
    return HeaderChanges(append=headers, replace=shifted)
