"""What follows a failed attempt: the next one, a redirect's, or the final answer. Pure.

The state of a call lives in the SIP stack's transaction, as text: a failure may be handled by any
process of the edge.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields
from enum import StrEnum
from itertools import starmap
from operator import attrgetter
from typing import Any, Final

from sipedge.routing.attempts import ATTEMPTS_PER_CALL, Attempt, AttemptKind
from sipedge.routing.decision import Direction, Forward, Limit
from sipedge.routing.handover import NOT_TAKEN_OVER
from sipedge.routing.lookups import Lookups
from sipedge.routing.message.headers import LONGEST_PHRASE
from sipedge.routing.reasons import Reason
from sipedge.routing.redirects import attempts_of_redirect, is_blocked_forward, lookups_before
from sipedge.table import Table
from sipedge.uri import split_header
from sipedge.values import json_writer, quickly_made, read_json, replace

_encode = json_writer(ascii_only=True)
FINAL_AT_CUSTOMER: Final = frozenset({400, 404, 405, 410, 416, 482, 484, 486})
"""The customer's PBX did answer: no other URI is tried (S64; 6xx as well)."""
POST_DIAL_DELAY_SECONDS: Final = 60
CAUSES: Final = ("Reason", "Warning")
"""Headers by which an answer tells its cause: RFC 3326, with Q.850 causes too; RFC 3261 section 20.43."""
_MOST_CAUSES: Final = 4


class FailureKind(StrEnum):
    """How an attempt ended without a call."""

    RESPONSE = "response"
    NO_RESPONSE = "no_response"
    """Not even a 100 in 4 s (S65)."""
    RING_TIMEOUT = "ring_timeout"
    """A provisional answer, then nothing until the ring limit."""
    SEND_ERROR = "send_error"
    OVER_LIMIT = "over_limit"
    """Not sent: the carrier's limit is reached, or it has none of the codecs that the caller offers."""


@quickly_made
@dataclass(frozen=True)
class Failure:
    """One attempt's end. `status` and `text` are those of a RESPONSE, `contact` its Contact header."""

    kind: FailureKind
    status: int = 0
    text: str = ""
    contact: str = ""
    why: tuple[tuple[str, str], ...] = ()
    """The answer's own words on its cause, by `told_causes`."""
    over: Reason | None = None
    """Of OVER_LIMIT: what is answered if no other target is left."""
    elapsed: float = 0.0
    """Seconds since the call came in."""

    def to_text(self) -> str:
        """One line of JSON, of a RESPONSE; `from_text` gives an equal failure."""
        return _encode((self.status, self.text, self.contact, self.why, self.elapsed))

    @staticmethod
    def from_text(text: str) -> Failure:
        """Raises ValueError for text that no `to_text` wrote."""
        status, phrase, contact, why, elapsed = read_json(text)
        causes = tuple((name, value) for name, value in why)
        return Failure(FailureKind.RESPONSE, status, phrase, contact, causes, elapsed=elapsed)


@quickly_made
@dataclass(frozen=True)
class NextAttempt:
    attempt: Attempt


@dataclass(frozen=True, slots=True)
class Instructions:
    """No target takes the call: the edge's own B2BUA asks the trunk's application what to do (S67)."""


@dataclass(frozen=True, slots=True)
class FinalReply:
    """Answer the caller with this. `reason` is None where a target's own answer is passed on."""

    status: int
    text: str
    reason: Reason | None = None
    headers: tuple[tuple[str, str], ...] = ()
    """What the target said of the cause, where the answer stands for the target's."""


@quickly_made
@dataclass(frozen=True)
class CallState:
    """What a call must remember between its attempts."""

    direction: Direction
    trunk: str
    account: str
    secure: bool
    attempts: tuple[Attempt, ...]
    position: int = 0
    """The attempt under way."""
    redirected: bool = False
    last: tuple[int, str] | None = None
    """Status and text of the last answer any target gave."""
    why: tuple[tuple[str, str], ...] = ()
    """What that answer said of its cause."""
    over: Reason | None = None

    @property
    def current(self) -> Attempt | None:
        return self.attempts[self.position] if self.position < len(self.attempts) else None

    def to_text(self) -> str:
        """One line of JSON; `from_text` gives an equal state."""
        return _encode(
            (
                self.direction,
                self.trunk,
                self.account,
                self.secure,
                list(map(_plain, self.attempts)),
                self.position,
                self.redirected,
                self.last,
                self.why,
                self.over and self.over.name,
            )
        )

    @staticmethod
    def from_text(text: str) -> CallState:
        """Raises ValueError or KeyError for text that no `to_text` wrote."""
        direction, trunk, account, secure, attempts, position, redirected, last, why, over = read_json(text)
        return CallState(
            direction=_DIRECTIONS[direction],
            trunk=trunk,
            account=account,
            secure=secure,
            attempts=tuple(starmap(_attempt, attempts)),
            position=position,
            redirected=redirected,
            last=tuple(last) if last else None,
            why=tuple(map(tuple, why)),
            over=Reason[over] if over else None,
        )


def begin_call(forward: Forward, attempts: tuple[Attempt, ...]) -> CallState:
    """The state before the first attempt."""
    return CallState(
        forward.direction or Direction.ORIGINATION,
        forward.trunk or "",
        forward.account or "",
        forward.secure,
        attempts,
    )


def first_step(
    table: Table, state: CallState, *, is_relayed: bool = False, is_placed: bool = False
) -> NextAttempt | Instructions | FinalReply:
    """The first attempt; without any address to call the call has failed before it began.

    `is_relayed`: another edge has handed the call over, and asks for instructions itself. `is_placed`: the
    edge's own B2BUA has placed it, by instructions or for a transfer.
    """
    if state.position < len(state.attempts):
        return NextAttempt(state.attempts[state.position])
    if not is_relayed and not is_placed and has_instructions(table, state):
        return Instructions()
    return _exhausted(state) if state.attempts else reply_for(Reason.NoReachableTarget)


def has_instructions(table: Table, state: CallState) -> bool:
    """True if the trunk has call instructions for what no target takes, and the edge a relay to play them
    by."""
    trunk, site = table.trunk(state.trunk), table.site()
    if trunk is None or trunk.disaster_recovery is None or state.direction is not Direction.ORIGINATION:
        return False
    return site is not None and bool(site.relay)


def handed_over(state: CallState, attempt: Attempt | None) -> tuple[CallState, NextAttempt | FinalReply]:
    """The state whose next attempt, and last, is the one that the B2BUA takes; None: there is none."""
    if attempt is None:
        return state, reply_for(Reason.InstructionsUnavailable, state.why)
    return replace(state, attempts=(*state.attempts[: state.position], attempt)), NextAttempt(attempt)


def after_failure(
    table: Table,
    state: CallState,
    failure: Failure,
    *,
    looked_up: bool = False,
    is_relayed: bool = False,
    is_placed: bool = False,
) -> tuple[CallState, NextAttempt | Instructions | FinalReply | Lookups]:
    """The state and what to do now. A cancelled call never comes here: its caller has hung up.

    `Lookups`: ask that, then this again, with the same state; they are not given once they were `looked_up`.
    `is_relayed`: another edge has handed the call over, and follows redirects itself (S77). `is_placed`: as
    of `first_step`.
    """
    here = state.current
    if here is not None and here.kind is AttemptKind.INSTRUCTIONS:
        return state, _uninstructed(state, failure)
    if is_relayed and failure.kind is FailureKind.RESPONSE and failure.status == 302:
        return state, FinalReply(failure.status, failure.text)
    is_redirect = state.direction is Direction.ORIGINATION and failure.status == 302
    if is_redirect and not state.redirected and not looked_up:
        asked = lookups_before(table, state, failure.contact)
        if asked is not None:
            return state, asked
    if failure.kind is FailureKind.RESPONSE:
        state = replace(state, last=(failure.status, failure.text), why=failure.why)
    if failure.kind is FailureKind.OVER_LIMIT:
        state = replace(state, over=failure.over)
    if failure.kind is FailureKind.RING_TIMEOUT:
        return state, reply_for(Reason.RingTimeout)
    if is_redirect:
        if state.redirected:
            return state, reply_for(Reason.RedirectFailed, state.why)  # S73
        if is_blocked_forward(table, state, failure.contact):
            return state, reply_for(Reason.ForwardedCallBlocked, state.why)
        state = _with_redirect(table, state, failure)
    elif _is_final(state, here, failure):
        return state, _passed_on(state, failure.status, failure.text)
    elif state.direction is Direction.TERMINATION and failure.elapsed >= POST_DIAL_DELAY_SECONDS:
        return state, reply_for(Reason.PostDialDelayExceeded, state.why)
    state = replace(state, position=_next_position(state, here, failure))
    return state, first_step(table, state, is_relayed=is_relayed, is_placed=is_placed)


def _uninstructed(state: CallState, failure: Failure) -> FinalReply:
    """What instructions refuse a call with; nobody is asked after them."""
    if failure.kind is FailureKind.RESPONSE:
        return FinalReply(failure.status, failure.text)
    return reply_for(Reason.InstructionsUnavailable, state.why)


def _next_position(state: CallState, here: Attempt | None, failure: Failure) -> int:
    """Of the attempt after `here`. An edge that has answered for a target has tried all that there is of it.

    But for 503, which may be that of the edge's own address alone: it drains, or has too much to do.
    """
    position = state.position + 1
    has_answered = failure.kind is FailureKind.RESPONSE and failure.status != 503
    if here is None or here.relay is None or not has_answered:
        return position
    tried = (here.relay, here.request_uri)
    while position < len(state.attempts):
        other = state.attempts[position]
        if (other.relay, other.request_uri) != tried:
            break
        position += 1
    return position


def reply_for(reason: Reason, headers: tuple[tuple[str, str], ...] = ()) -> FinalReply:
    """The answer that a reason stands for."""
    return FinalReply(reason.value.status, reason.value.text, reason, headers)


def told_causes(values: Iterable[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    """Of the headers of a target's answer those that tell its cause, for the answer that the edge gives.

    A Retry-After does not: it is one target's, and the caller would hold it for the edge's. At most four
    causes of each name, none longer than 255 characters: a longer one is left out, since half may mislead.
    """
    kept = []
    for name, value in values:
        members = [each for each in split_header(value) if len(each) <= LONGEST_PHRASE]
        if name in CAUSES and members:
            kept.append((name, ", ".join(members[:_MOST_CAUSES])))
    return tuple(kept)


def is_passed_on(step: FinalReply, failure: Failure | None) -> bool:
    """True if the transaction itself passes the target's answer on, headers and all.

    It turns a 503 into 500, so that one is answered explicitly.
    """
    return (
        failure is not None
        and failure.kind is FailureKind.RESPONSE
        and failure.status == step.status
        and step.status != 503
    )


def _is_final(state: CallState, here: Attempt | None, failure: Failure) -> bool:
    if failure.kind is not FailureKind.RESPONSE:
        return False
    if here is not None and here.kind is AttemptKind.CONSULTATION:
        return failure.status in NOT_TAKEN_OVER or failure.status >= 600
    if state.direction is Direction.TERMINATION:
        # Carriers: only silence, 408 and 5xx let the next gateway try.
        return failure.status != 408 and not 500 <= failure.status < 600
    return failure.status in FINAL_AT_CUSTOMER or failure.status >= 600


def _passed_on(state: CallState, status: int, text: str) -> FinalReply:
    """A target's answer as the caller may see it: redirects and challenges are not for the caller."""
    if 300 <= status < 400 or status in (401, 407):
        return reply_for(Reason.TargetFailed, state.why)
    return FinalReply(status, text, headers=state.why)


def _exhausted(state: CallState) -> FinalReply:
    if state.last is not None:
        if state.redirected and state.last[0] == 302:
            return reply_for(Reason.RedirectFailed, state.why)  # its target was refused or never answered
        return _passed_on(state, *state.last)
    return reply_for(state.over or Reason.NoAnswer)


def _with_redirect(table: Table, state: CallState, failure: Failure) -> CallState:
    """The state with the redirect's addresses next (S72-S79); none if its target is refused."""
    found = attempts_of_redirect(table, state, failure.contact)
    done = state.position + 1
    attempts = (
        *state.attempts[:done],
        *found,
        *state.attempts[_next_position(state, state.current, failure) :],
    )
    return replace(state, redirected=True, attempts=attempts[:ATTEMPTS_PER_CALL])


_DIRECTIONS: Final = {each.value: each for each in Direction}
_KINDS: Final = {each.value: each for each in AttemptKind}
_values_of: Final = attrgetter(*(field.name for field in fields(Attempt)))


def _plain(attempt: Attempt) -> tuple[Any, ...]:
    """The attempt's fields in their order, as JSON has words for."""
    values: tuple[Any, ...] = _values_of(attempt)
    if not attempt.limits:
        return values
    *others, _, kind = values
    limits = [(limit.key, limit.maximum, limit.per_second, limit.over.name) for limit in attempt.limits]
    return (*others, limits, kind)


def _attempt(
    target: str,
    request_uri: str,
    address: str,
    port: int,
    transport: str,
    server_name: str | None,
    headers: list[tuple[str, str]],
    carrier: str | None,
    relay: str | None,
    limits: list[tuple[str, int, bool, str]],
    kind: str,
) -> Attempt:
    return Attempt(
        target,
        request_uri,
        address,
        port,
        transport,
        server_name,
        tuple([(name, value) for name, value in headers]) if headers else (),
        carrier,
        relay,
        tuple([Limit(key, maximum, per_second, Reason[over]) for key, maximum, per_second, over in limits])
        if limits
        else (),
        _KINDS[kind],
    )
