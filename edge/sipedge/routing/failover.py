"""What follows a failed attempt: the next one, a redirect's, or the final answer. Pure.

The state of a call lives in the SIP stack's transaction, as text: a failure may be handled by any
process of the edge.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, Final

from sipedge.routing.attempts import (
    ADDRESSES_PER_TARGET,
    ATTEMPTS_PER_CALL,
    Attempt,
    addresses_of,
    is_refused,
)
from sipedge.routing.decision import Direction, Forward, Limit
from sipedge.routing.headers import LONGEST_PHRASE
from sipedge.routing.identity import is_platform_host
from sipedge.routing.lookups import Lookups, NameQuestion
from sipedge.routing.reasons import Reason
from sipedge.table import ResolvedAddress, Table
from sipedge.uri import SipUri, address_of, bracketed, split_header, uri_of_header

_encode = json.JSONEncoder(separators=(",", ":")).encode
FINAL_AT_CUSTOMER: Final = frozenset({400, 404, 405, 410, 416, 482, 484, 486})
"""The customer's PBX did answer: no other URI is tried (S64; 6xx as well)."""
POST_DIAL_DELAY_SECONDS: Final = 60
CAUSES: Final = ("Reason", "Warning")
"""Headers by which an answer tells its cause: RFC 3326, with Q.850 causes too; RFC 3261 section 20.43."""
_MOST_CAUSES: Final = 4
PLATFORM_PARAMETERS: Final = frozenset({"edge", "region", "tnx", "transport", "maddr"})
_TRANSPORTS: Final = (None, "udp", "tcp", "tls")


class FailureKind(StrEnum):
    """How an attempt ended without a call."""

    RESPONSE = "response"
    NO_RESPONSE = "no_response"
    """Not even a 100 in 4 s (S65)."""
    RING_TIMEOUT = "ring_timeout"
    """A provisional answer, then nothing until the ring limit."""
    SEND_ERROR = "send_error"
    OVER_LIMIT = "over_limit"
    """Not sent: the carrier's limit is reached."""


@dataclass(frozen=True, slots=True)
class Failure:
    """One attempt's end. `status` and `text` are those of a RESPONSE, `contact` its Contact header."""

    kind: FailureKind
    status: int = 0
    text: str = ""
    contact: str = ""
    why: tuple[tuple[str, str], ...] = ()
    """The answer's own words on its cause, by `told_causes`."""
    over: Reason | None = None
    """Of OVER_LIMIT: what the limit answers if no other target is left."""
    elapsed: float = 0.0
    """Seconds since the call came in."""


@dataclass(frozen=True, slots=True)
class NextAttempt:
    attempt: Attempt


@dataclass(frozen=True, slots=True)
class FinalReply:
    """Answer the caller with this. `reason` is None where a target's own answer is passed on."""

    status: int
    text: str
    reason: Reason | None = None
    headers: tuple[tuple[str, str], ...] = ()
    """What the target said of the cause, where the answer stands for the target's."""


@dataclass(frozen=True, slots=True)
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
        return _encode(_plain(self))

    @staticmethod
    def from_text(text: str) -> CallState:
        """Raises ValueError or KeyError for text that no `to_text` wrote."""
        fields: dict[str, Any] = json.loads(text)
        return CallState(
            direction=Direction(fields["direction"]),
            trunk=fields["trunk"],
            account=fields["account"],
            secure=fields["secure"],
            attempts=tuple(_attempt(each) for each in fields["attempts"]),
            position=fields["position"],
            redirected=fields["redirected"],
            last=tuple(fields["last"]) if fields["last"] else None,
            why=tuple((name, value) for name, value in fields["why"]),
            over=Reason[fields["over"]] if fields["over"] else None,
        )


def begin_call(table: Table, forward: Forward, attempts: tuple[Attempt, ...]) -> CallState:
    """The state before the first attempt."""
    trunk = table.trunk(forward.trunk or "")
    return CallState(
        direction=forward.direction or Direction.ORIGINATION,
        trunk=forward.trunk or "",
        account=forward.account or "",
        secure=trunk is not None and trunk.secure,
        attempts=attempts,
    )


def first_step(state: CallState) -> NextAttempt | FinalReply:
    """The first attempt; without any address to call the call has failed before it began."""
    if not state.attempts:
        return reply_for(Reason.NoReachableTarget)
    return NextAttempt(state.current) if state.current else _exhausted(state)


def after_failure(
    table: Table, state: CallState, failure: Failure
) -> tuple[CallState, NextAttempt | FinalReply]:
    """The state and what to do now. A cancelled call never comes here: its caller has hung up."""
    if failure.kind is FailureKind.RESPONSE:
        state = replace(state, last=(failure.status, failure.text), why=failure.why)
    if failure.kind is FailureKind.OVER_LIMIT:
        state = replace(state, over=failure.over)
    if failure.kind is FailureKind.RING_TIMEOUT:
        return state, reply_for(Reason.RingTimeout)
    if state.direction is Direction.ORIGINATION and failure.status == 302:
        if state.redirected:
            return state, reply_for(Reason.RedirectFailed, state.why)  # S73
        state = _with_redirect(table, state, failure.contact)
    elif _is_final(state.direction, failure):
        return state, _passed_on(state, failure.status, failure.text)
    elif state.direction is Direction.TERMINATION and failure.elapsed >= POST_DIAL_DELAY_SECONDS:
        return state, reply_for(Reason.PostDialDelayExceeded, state.why)
    state = replace(state, position=state.position + 1)
    return state, first_step(state)


def lookups_before(table: Table, state: CallState, failure: Failure) -> Lookups | None:
    """What to ask before `after_failure` is asked: the name of a redirect's target that nobody knows yet."""
    if state.direction is not Direction.ORIGINATION or failure.status != 302 or state.redirected:
        return None
    uri, site = _redirect_uri(failure.contact), table.site()
    if uri is None or site is None or is_platform_host(site, uri.host) or address_of(uri.host) is not None:
        return None
    transport = _redirect_transport(state, uri)
    if transport not in _TRANSPORTS or table.resolved(uri.host, uri.port, transport):
        return None
    return Lookups(state.account, (NameQuestion(uri.host, uri.port, transport),))


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


def _is_final(direction: Direction, failure: Failure) -> bool:
    if failure.kind is not FailureKind.RESPONSE:
        return False
    if direction is Direction.TERMINATION:
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


def _with_redirect(table: Table, state: CallState, contact: str) -> CallState:
    """The state with the redirect's addresses next (S72-S79); none if its target is refused."""
    uri, origin = _redirect_uri(contact), state.current
    found = [] if uri is None or origin is None else _redirect_attempts(table, state, uri, origin)
    done = state.position + 1
    attempts = (*state.attempts[:done], *found, *state.attempts[done:])
    return replace(state, redirected=True, attempts=attempts[:ATTEMPTS_PER_CALL])


def _redirect_uri(contact: str) -> SipUri | None:
    """S74: the first URI of the Contact header; None if there is none."""
    members = split_header(contact)
    return uri_of_header(members[0]) if members else None


def _redirect_transport(state: CallState, uri: SipUri) -> str | None:
    """S79, S54; None = the URI names none."""
    named = (uri.param("transport") or "").lower()
    return "tls" if state.secure or uri.scheme == "sips" else named or None


def _redirect_attempts(table: Table, state: CallState, uri: SipUri, origin: Attempt) -> list[Attempt]:
    site, account = table.site(), table.account(state.account)
    if site is None or is_platform_host(site, uri.host):  # S75
        return []
    transport = _redirect_transport(state, uri)
    if transport not in _TRANSPORTS:
        return []
    kept = "".join(
        f";{name}={value}" if value else f";{name}"
        for name, value in uri.params
        if name.lower() not in PLATFORM_PARAMETERS  # S77, S78
    )
    user = f"{uri.user}@" if uri.user else ""
    port = f":{uri.port}" if uri.port else ""
    chosen = f";transport={transport}" if transport in ("tcp", "tls") else ""
    addresses: tuple[ResolvedAddress, ...] = addresses_of(table, uri.host, uri.port, transport)
    return [
        replace(
            origin,
            request_uri=f"sip:{user}{bracketed(uri.host)}{port}{kept}{chosen}",
            address=each.address,
            port=each.port,
            transport=each.transport,
            server_name=uri.host if address_of(uri.host) is None else None,
        )
        for each in addresses[:ADDRESSES_PER_TARGET]
        if not is_refused(site, each.address, account.allowed_targets if account else ())
    ]


def _plain(state: CallState) -> dict[str, Any]:
    return {
        "direction": state.direction.value,
        "trunk": state.trunk,
        "account": state.account,
        "secure": state.secure,
        "attempts": [
            {
                "target": each.target,
                "request_uri": each.request_uri,
                "address": each.address,
                "port": each.port,
                "transport": each.transport,
                "server_name": each.server_name,
                "headers": each.headers,
                "carrier": each.carrier,
                "limits": [
                    (limit.key, limit.maximum, limit.per_second, limit.over.name) for limit in each.limits
                ],
            }
            for each in state.attempts
        ],
        "position": state.position,
        "redirected": state.redirected,
        "last": state.last,
        "why": state.why,
        "over": state.over.name if state.over else None,
    }


def _attempt(fields: dict[str, Any]) -> Attempt:
    return Attempt(
        target=fields["target"],
        request_uri=fields["request_uri"],
        address=fields["address"],
        port=fields["port"],
        transport=fields["transport"],
        server_name=fields["server_name"],
        headers=tuple((name, value) for name, value in fields["headers"]),
        carrier=fields["carrier"],
        limits=tuple(
            Limit(key, maximum, per_second, Reason[over])
            for key, maximum, per_second, over in fields["limits"]
        ),
    )
