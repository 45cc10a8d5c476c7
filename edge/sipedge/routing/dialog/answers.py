"""What becomes of answers in a call. Pure, total."""

from __future__ import annotations

from sipedge.routing import identity
from sipedge.routing.decision import Direction, HeaderChanges, Step
from sipedge.routing.dialog.cseq import CSEQ
from sipedge.routing.dialog.decisions import AnswerDecision, MemoryChanges, showing
from sipedge.routing.dialog.hops import Hop, answer_goes_to
from sipedge.routing.dialog.later_checks import around
from sipedge.routing.dialog.later_media import CARRIES_MEDIA, PASSES_AS_IT_IS, media_of_answer
from sipedge.routing.dialog.learned import learned_sdp, with_media
from sipedge.routing.dialog.memory import CallFacts, CallMemory, SideMemory
from sipedge.routing.dialog.sides import Surroundings, callee_of, refreshed, source_of, speaks_for
from sipedge.routing.dialog.tokens import is_ours
from sipedge.routing.message.messages import SipAnswer
from sipedge.routing.message.wellformed import is_fit_for_tag
from sipedge.table import Table


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
    asked_by_b2bua: bool = False,
) -> AnswerDecision:
    """What an answer to a request of this call looks like on its way back. Total, as `within_dialog` is.

    `to_caller` tells who asked. `attempt` is where the INVITE that sets the call up was sent; None for the
    answer to a later request. `cseq_of_sender` is the CSeq number that the asking side has used itself.
    `asked_with_sdp`: the request had an SDP, so that one here is its answer, or that answer again; None = by
    what the memory says of an open offer. `asked_by_b2bua`: the edge's own B2BUA has asked, with a session
    that is none of that side's.
    """
    steps: list[Step] = []
    came, answer = answer, identity.body_in_dialog(memory, answer, by_caller=not to_caller)
    side = memory.side(caller=not to_caller)
    surroundings = around(table, own_addresses, memory, side)
    is_reply = asked_with_sdp if asked_with_sdp is not None else memory.open_offer is to_caller
    media = PASSES_AS_IT_IS
    if not asked_by_b2bua:
        media = media_of_answer(
            table, memory, answer, to_caller=to_caller, asked_with_sdp=is_reply, sets_up=attempt is not None
        )
    finding = media.finding
    steps.append(Step("media", finding.outcome, finding.detail, "S20"))
    changes = _changes_of_answer(table, memory, answer, attempt, cseq_of_sender, to_caller=to_caller)
    learned = _learned_of_answer(surroundings, side, answer, attempt, is_reply, is_caller=not to_caller)
    decision = AnswerDecision(
        tuple(steps),
        changes,
        media.body,
        with_media(learned, memory, media),
        finding.reason if 200 <= answer.status < 300 else None,
        media=media.work,
    )
    return showing(decision, came, answer)


def tag_fault(from_tag: str, to_tag: str) -> str:
    """What is wrong with the tags of an answer, which is then dropped as if it had been lost; "" = nothing.

    With both the same no later message would tell its side (RFC 3261 section 19.3). With one that no header
    could hold again as it came, the caller would name another dialog than the callee.
    """
    if to_tag and from_tag == to_tag:
        return "tags that are the same"
    return "" if not to_tag or is_fit_for_tag(to_tag) else "a To-tag that is no token"


def judge_repeated_answer(
    table: Table, answer: SipAnswer, memory: CallMemory | None, cseq_shift: int
) -> AnswerDecision:
    """What becomes of an answer that no transaction waits for; `memory` is None without a valid token.

    A callee repeats its 2xx for longer than the transaction lasts (RFC 3261 13.3.1.4). It goes to the caller
    where the INVITE came from, and nowhere else; anything else is dropped.
    """
    if memory is None or answer.method != "INVITE" or not 200 <= answer.status < 300:
        return AnswerDecision((), drop=True)
    came, answer = answer, identity.body_in_dialog(memory, answer, by_caller=False)
    caller, vias = memory.caller, answer.headers.get("via", ())
    places = {hop for hop in (caller.source, caller.hop) if hop is not None}
    if not any(answer_goes_to(vias, hop, caller.connection) for hop in places):
        return AnswerDecision((), drop=True)
    # The offer of an INVITE without an SDP is open until the ACK.
    is_reply = memory.open_offer is not False
    media = media_of_answer(table, memory, answer, to_caller=True, asked_with_sdp=is_reply, sets_up=False)
    if media.finding.reason is not None:
        return AnswerDecision((), drop=True)  # its call is being ended, or another fork's never begins
    changes = identity.changes_in_dialog(table, memory, answer, by_caller=False)
    match = CSEQ.fullmatch(answer.header("cseq").strip())
    if cseq_shift and match is not None:
        original = ("CSeq", f"{max(int(match[1]) - cseq_shift, 0)} {match[2]}")
        changes += HeaderChanges(replace=(original,))
    return showing(AnswerDecision((), changes, media.body, media=media.work), came, answer)


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
    match = CSEQ.fullmatch(answer.header("cseq").strip())
    if cseq_of_sender is not None and match is not None and int(match[1]) != cseq_of_sender:
        changes += HeaderChanges(replace=(("CSeq", f"{cseq_of_sender} {match[2]}"),))
    facts = memory.facts
    if attempt is not None and facts is not None and 200 <= answer.status < 300:
        changes += HeaderChanges(append=ids_for_caller(facts))
    return changes


def ids_for_caller(facts: CallFacts) -> tuple[tuple[str, str], ...]:
    """What a 2xx tells a customer that calls, beside the target's own headers."""
    return facts.ids if facts.direction is Direction.TERMINATION else ()


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
    if answer.method not in CARRIES_MEDIA:
        return MemoryChanges(sender)
    if answer.status >= 300:
        return MemoryChanges(sender, open_offer=False)
    return learned_sdp(answer, sender, other_offers=is_reply)
