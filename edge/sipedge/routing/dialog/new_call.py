"""What an edge keeps of a new call, and what the token of each of its attempts says. Pure."""

from __future__ import annotations

from typing import Final

from sipedge.routing.attempts import TO_B2BUA, Attempt, AttemptKind
from sipedge.routing.decision import Direction, Forward
from sipedge.routing.dialog.decisions import MemoryChanges
from sipedge.routing.dialog.hops import hop_of_attempt
from sipedge.routing.dialog.learned import learned_sdp
from sipedge.routing.dialog.memory import CallFacts, CallMemory, SideKind, SideMemory
from sipedge.routing.dialog.sides import Surroundings, caller_of, source_of
from sipedge.routing.dialog.tokens import DialogToken, TokenMedia, kinds_of
from sipedge.routing.failover import CallState
from sipedge.routing.identity import first_body
from sipedge.routing.media.sides import CODECS, MediaMemory, MediaPlan, MediaSide, ng_id_of
from sipedge.routing.message.messages import SipRequest
from sipedge.routing.number_formats import parties_shown
from sipedge.table import Table
from sipedge.uri import LONGEST_KEPT
from sipedge.values import replace

GRACE_SECONDS: Final = 60
"""How much longer than its call a dialog token holds: the last BYE may be repeated for half a minute."""


def facts_of(decision: Forward, state: CallState, call_sid: str) -> CallFacts:
    """The facts of a call that goes on, as its first attempt will have them."""
    parties, first = decision.parties, state.current
    facts = CallFacts(
        state.direction,
        state.trunk,
        state.account,
        decision.account_sid or "",
        call_sid,
        decision.carrier or (first.carrier if first is not None else None),
        state.secure,
        decision.calling,
        parties.anonymous,
        decision.is_emergency,
        decision.max_duration_seconds,
        parties.from_received,
        parties.from_sent,
        parties.to_received,
        parties.to_sent,
        "" if decision.shaped is None else decision.shaped.from_number,
    )
    if first is None or (first.carrier == facts.carrier and not first.headers):
        return facts
    return facts_with_carrier(facts, first)


def facts_with_carrier(facts: CallFacts, attempt: Attempt) -> CallFacts:
    """The facts once this attempt's carrier is called, by what it is shown of the two sides."""
    if attempt.carrier is None or facts.direction is not Direction.TERMINATION:
        return facts
    if attempt.headers:
        sender, receiver = parties_shown(attempt.headers)
        facts = replace(facts, from_sent=sender or facts.from_sent, to_sent=receiver or facts.to_sent)
    return facts if attempt.carrier == facts.carrier else replace(facts, carrier=attempt.carrier)


def beginning_of(
    table: Table,
    own_addresses: tuple[str, ...],
    request: SipRequest,
    facts: CallFacts,
    *,
    is_relayed: bool = False,
    is_placed: bool = False,
) -> tuple[SideMemory, MemoryChanges]:
    """The caller as its INVITE shows it, and the offer in it. ValueError if it came from no address.

    `is_relayed`: another edge has sent it, with proof; `is_placed`: the edge's own B2BUA has.
    """
    kind = SideKind.SIBLING if is_relayed else kinds_of(facts.direction)[0]
    if is_placed:
        kind = SideKind.B2BUA
    place = (
        kind,
        facts.trunk,
        facts.carrier,
        facts.secure,
        own_addresses,
        request.headers.get("contact"),
        request.headers.get("record-route"),
        request.source,
        request.source_port,
        request.transport,
    )
    # A telephone that calls again from where it called before has the same hop.
    shelf = table.plans
    caller: SideMemory | None = shelf.get(place) if request.connection is None else None
    if caller is None:
        source = source_of(request)
        if source is None:
            raise ValueError("the INVITE came from no address")
        around = Surroundings(table, own_addresses, kind, facts, facts.secure)
        caller = caller_of(around, request, source)
        written = sum(len(value) for name in _OF_HOP for value in request.headers.get(name, ()))
        if request.connection is None and not caller.behind_proxy and written <= LONGEST_KEPT:
            shelf[place] = caller
    shown = first_body(facts, caller.kind, request)
    return caller, learned_sdp(shown, None, other_offers=False)


_OF_HOP: Final = ("contact", "record-route")


def headers_of_attempt(
    facts: CallFacts, attempt: Attempt, *, is_placed: bool = False
) -> tuple[tuple[str, str], ...]:
    """What only this attempt's INVITE has: the target's X- headers (S50), and `ids_of_attempt`."""
    return (*attempt.headers, *ids_of_attempt(facts, attempt, is_placed=is_placed))


def ids_of_attempt(
    facts: CallFacts, attempt: Attempt, *, is_placed: bool = False
) -> tuple[tuple[str, str], ...]:
    """What it tells a customer of whose call it is, and which.

    `is_placed`: by the edge's own B2BUA. Whomever a customer has that call, or names in a 302, may be
    anybody, and is told nothing of the customer.
    """
    return () if is_placed or attempt.kind is AttemptKind.REDIRECTED else ids_for_callee(facts)


def ids_for_callee(facts: CallFacts) -> tuple[tuple[str, str], ...]:
    """What the INVITE tells a customer who is called of itself: whose call it is, and which."""
    return facts.ids if facts.direction is Direction.ORIGINATION else ()


def token_of(
    facts: CallFacts,
    caller: SideMemory,
    attempt: Attempt,
    *,
    number: int,
    cseq_shift: int,
    now: float,
    ring_seconds: int,
    media: MediaPlan | None = None,
) -> DialogToken:
    """The token of one attempt; `now` in seconds since the epoch. `media`: None = they are not relayed.

    A number that a policy has put in place of a carrier's caller is not in it: after a restart that caller
    stays unknown, so that no true number takes its place.
    """
    callee_kind = kinds_of(facts.direction)[1] if attempt.relay is None else SideKind.SIBLING
    if attempt.kind in TO_B2BUA:
        callee_kind = SideKind.B2BUA
    replaced = facts.direction is Direction.ORIGINATION and facts.from_number != ""
    return DialogToken(
        facts.direction,
        end_of_token(facts, now, ring_seconds),
        caller.hop,
        hop_of_attempt(attempt),
        caller.kind,
        callee_kind,
        facts.secure,
        number,
        cseq_shift,
        facts.anonymous or replaced,
        caller.behind_proxy is True,
        None if media is None else _media_of(facts, media),
    )


def end_of_token(facts: CallFacts, now: float, ring_seconds: int) -> int:
    """When the token of an attempt that is made `now` ends, seconds since the epoch."""
    return int(now) + ring_seconds + facts.max_duration_seconds + GRACE_SECONDS


def _media_of(facts: CallFacts, plan: MediaPlan) -> TokenMedia:
    caller, callee = plan.caller, plan.callee
    return TokenMedia(facts.call_sid, caller.secure, caller.symmetric, callee.secure, callee.symmetric)


def token_again(memory: CallMemory) -> DialogToken:
    """A token of a call that is known by its memory alone, for whoever is to speak in it from now on."""
    return DialogToken(
        memory.direction,
        memory.ends,
        memory.caller.hop,
        memory.callee.hop,
        memory.caller.kind,
        memory.callee.kind,
        memory.secure,
        cseq_shift=memory.caller_shift,
        anonymous=memory.facts is None or memory.facts.anonymous,
        caller_behind_proxy=memory.caller.behind_proxy is True,
    )


def told_by_token(token: DialogToken) -> CallMemory:
    """What is known of a call by its token alone, after a restart."""
    return CallMemory(
        secure=token.secure,
        direction=token.direction,
        ends=token.ends,
        caller=SideMemory(token.caller_kind, token.caller, behind_proxy=token.caller_behind_proxy),
        callee=SideMemory(token.callee_kind, token.callee, behind_proxy=None),
        caller_shift=token.cseq_shift,
        anonymous=token.anonymous,
        media=None if token.media is None else _media_memory(token, token.media),
    )


def _media_memory(token: DialogToken, media: TokenMedia) -> MediaMemory:
    """Any codec may be agreed upon then: the token has no room for a trunk's."""
    caller = MediaSide(media.caller_secure, media.caller_symmetric, CODECS)
    callee = MediaSide(media.callee_secure, media.callee_symmetric, CODECS)
    plan = MediaPlan(token.direction, caller, callee)
    return MediaMemory(plan, ng_id_of(media.call_sid, token.attempt))
