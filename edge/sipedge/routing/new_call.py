"""What an edge keeps of a new call, and what the token of each of its attempts says. Pure."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from sipedge.e164 import EMERGENCY_NUMBERS
from sipedge.routing.attempts import Attempt
from sipedge.routing.decision import Direction, Forward
from sipedge.routing.dialog import MemoryChanges, learned_sdp
from sipedge.routing.failover import CallState
from sipedge.routing.hops import hop_of_attempt
from sipedge.routing.memory import CallFacts, SideMemory
from sipedge.routing.message import SipRequest
from sipedge.routing.sides import Surroundings, caller_of, source_of
from sipedge.routing.tokens import DialogToken, kinds_of
from sipedge.table import Table

GRACE_SECONDS: Final = 60
"""How much longer than its call a dialog token holds: the last BYE may be repeated for half a minute."""


def facts_of(decision: Forward, state: CallState, call_sid: str) -> CallFacts:
    """The facts of a call that goes on, as its first attempt will have them."""
    parties, first = decision.parties, state.current
    return CallFacts(
        direction=state.direction,
        trunk=state.trunk,
        account=state.account,
        account_sid=decision.account_sid or "",
        call_sid=call_sid,
        carrier=decision.carrier or (first.carrier if first is not None else None),
        secure=state.secure,
        calling=decision.calling,
        anonymous=parties.anonymous,
        emergency=state.direction is Direction.TERMINATION and decision.called in EMERGENCY_NUMBERS,
        max_duration_seconds=decision.max_duration_seconds,
        from_received=parties.from_received,
        from_sent=parties.from_sent,
        to_received=parties.to_received,
        to_sent=parties.to_sent,
    )


def facts_with_carrier(facts: CallFacts, attempt: Attempt) -> CallFacts:
    """The facts once this attempt's carrier is called."""
    if attempt.carrier is None or attempt.carrier == facts.carrier:
        return facts
    return replace(facts, carrier=attempt.carrier)


def beginning_of(
    table: Table, own_addresses: tuple[str, ...], request: SipRequest, facts: CallFacts
) -> tuple[SideMemory, MemoryChanges]:
    """The caller as its INVITE shows it, and the offer in it. ValueError if it came from no address."""
    source = source_of(request)
    if source is None:
        raise ValueError("the INVITE came from no address")
    kind = kinds_of(facts.direction)[0]
    around = Surroundings(table, own_addresses, kind, facts, facts.secure)
    return caller_of(around, request, source), learned_sdp(request, None, other_offers=False)


def headers_of_attempt(facts: CallFacts, attempt: Attempt) -> tuple[tuple[str, str], ...]:
    """What only this attempt's INVITE has: the target's X- headers (S50); for a customer the call's id."""
    if facts.direction is Direction.TERMINATION:
        return attempt.headers
    return (*attempt.headers, ("X-Trunkline-CallSid", facts.call_sid))


def token_of(
    facts: CallFacts,
    caller: SideMemory,
    attempt: Attempt,
    *,
    number: int,
    cseq_shift: int,
    now: float,
    ring_seconds: int,
) -> DialogToken:
    """The token of one attempt; `now` in seconds since the epoch."""
    caller_kind, callee_kind = kinds_of(facts.direction)
    return DialogToken(
        direction=facts.direction,
        ends=int(now) + ring_seconds + facts.max_duration_seconds + GRACE_SECONDS,
        caller=caller.hop,
        callee=hop_of_attempt(attempt),
        caller_kind=caller_kind,
        callee_kind=callee_kind,
        secure=facts.secure,
        attempt=number,
        cseq_shift=cseq_shift,
    )
