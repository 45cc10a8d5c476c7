"""What one call must remember between its steps, in two AVPs of its transaction.

The whole record is read when an attempt has failed; every INVITE and every answer needs the dress alone.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace

from sipedge.kemi.ksr import KSR
from sipedge.routing.decision import Direction
from sipedge.routing.failover import CallState
from sipedge.routing.hops import Hop, hop_from_text

_AVP = "$avp(call)"
_DRESS_AVP = "$avp(dress)"


@dataclass(frozen=True, slots=True)
class Dress:
    """What is put on the messages of the attempt under way."""

    direction: Direction
    call_sid: str
    account_sid: str | None
    headers: tuple[tuple[str, str], ...]
    """X- headers of the attempt's target (S50)."""
    route_parameter: str
    """Of our Record-Route: the dialog's token, with a leading `;`."""
    callee: Hop
    """Where the attempt's INVITE goes."""


@dataclass(frozen=True, slots=True)
class CallRecord:
    """A call between its INVITE and its final answer."""

    state: CallState
    begun: float
    """When the INVITE came in, seconds since the epoch."""
    call_sid: str
    account_sid: str | None
    caller: Hop
    """Where the INVITE came from."""
    longest_seconds: int
    """How long the call may last once it is answered."""
    answered_challenge: int | None = None
    """The position of the attempt whose challenge was answered; never twice for one attempt."""
    counted: tuple[str, ...] = ()
    """Keys of the carrier limits that the attempt under way is counted in."""

    def with_state(self, state: CallState) -> CallRecord:
        return replace(self, state=state)


def save_record(record: CallRecord, dress: Dress) -> None:
    """Keep the record, and the dress of the attempt that is about to be made."""
    fields = {
        "state": record.state.to_text(),
        "begun": record.begun,
        "callSid": record.call_sid,
        "accountSid": record.account_sid,
        "caller": record.caller.to_text(),
        "longestSeconds": record.longest_seconds,
        "answeredChallenge": record.answered_challenge,
        "counted": record.counted,
    }
    KSR.pv.sets(_AVP, json.dumps(fields, separators=(",", ":")))
    values = (
        dress.direction,
        dress.call_sid,
        dress.account_sid,
        dress.headers,
        dress.route_parameter,
        dress.callee.to_text(),
    )
    KSR.pv.sets(_DRESS_AVP, json.dumps(values, separators=(",", ":")))


def load_dress() -> Dress:
    """The dress of the call whose transaction is being handled. Raises ValueError if there is none."""
    direction, call_sid, account_sid, headers, route_parameter, callee = json.loads(KSR.pv.gete(_DRESS_AVP))
    return Dress(
        Direction(direction),
        call_sid,
        account_sid,
        tuple((name, value) for name, value in headers),
        route_parameter,
        _hop(callee),
    )


def load_record() -> CallRecord:
    """The record of the call whose transaction is being handled.

    Raises ValueError if there is none: the caller's guard then answers the call.
    """
    fields = json.loads(KSR.pv.gete(_AVP))
    return CallRecord(
        state=CallState.from_text(fields["state"]),
        begun=fields["begun"],
        call_sid=fields["callSid"],
        account_sid=fields["accountSid"],
        caller=_hop(fields["caller"]),
        longest_seconds=fields["longestSeconds"],
        answered_challenge=fields["answeredChallenge"],
        counted=tuple(fields["counted"]),
    )


def _hop(text: str) -> Hop:
    hop = hop_from_text(text)
    if hop is None:
        raise ValueError("a call's record holds no hop")
    return hop
