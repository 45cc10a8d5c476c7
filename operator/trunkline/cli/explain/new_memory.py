"""What an edge would remember of a call once its first target has answered. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Final

from sipedge.routing.attempts import Attempt
from sipedge.routing.decision import Forward
from sipedge.routing.dialog.memory import CallFacts, CallMemory, SideMemory
from sipedge.routing.dialog.new_call import beginning_of, facts_of, facts_with_carrier, token_of
from sipedge.routing.failover import begin_call
from sipedge.routing.media.new_attempt import AttemptMedia, media_of_attempt
from sipedge.routing.message.messages import SipRequest
from sipedge.routing.message.sdp import only_sdp
from sipedge.table import Table
from trunkline.cli.explain.later import learned

CALL_SID_MADE_AT_THE_EDGE: Final = "(made by the edge: CA and 32 hexadecimal digits)"
"""The value of X-Trunkline-CallSid here: it is made with the platform's secret."""
_RING_SECONDS: Final = 120
"""How long a target may ring, unless an instance's settings say otherwise."""


def facts_of_call(forward: Forward, attempts: tuple[Attempt, ...]) -> CallFacts:
    """What never changes while the call lasts."""
    state = begin_call(forward, attempts)
    return facts_of(forward, state, CALL_SID_MADE_AT_THE_EDGE)


def media_of_call(
    table: Table, request: SipRequest, facts: CallFacts, attempts: Sequence[Attempt]
) -> Iterator[AttemptMedia]:
    """The media of each attempt."""
    sdp = only_sdp(request) or ""
    own = (request.received_on,) if request.received_on else ()
    caller, _ = beginning_of(table, own, request, facts)
    for number, attempt in enumerate(attempts):
        told = facts_with_carrier(facts, attempt)
        yield media_of_attempt(table, told, caller, attempt, sdp=sdp, number=number)


def memory_of_call(
    table: Table,
    request: SipRequest,
    facts: CallFacts,
    attempts: Sequence[Attempt],
    media: Sequence[AttemptMedia],
    now: float,
) -> CallMemory | None:
    """As the callee's Contact its address is taken. None if no address of a target is known here.

    `now` is in seconds since the epoch.
    """
    if not attempts:
        return None
    first = attempts[0]
    own = (request.received_on,) if request.received_on else ()
    facts = facts_with_carrier(facts, first)
    caller, changes = beginning_of(table, own, request, facts)
    token = token_of(facts, caller, first, number=0, cseq_shift=0, now=now, ring_seconds=_RING_SECONDS)
    callee = SideMemory(token.callee_kind, token.callee, contact=token.callee.uri)
    memory = CallMemory(facts.secure, facts.direction, token.ends, caller, callee, facts)
    if media[0].memory is not None:
        memory = replace(memory, media=media[0].memory)
        changes = replace(changes, sender_sdp=media[0].offer)
    # The 2xx has answered the offer, if there was one.
    return replace(learned(memory, changes, by_caller=True), open_offer=None)
