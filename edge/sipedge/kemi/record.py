"""What one call must remember between its steps, in one AVP of its transaction."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace

from sipedge.kemi.ksr import KSR
from sipedge.routing.failover import CallState

_AVP = "$avp(call)"


@dataclass(frozen=True, slots=True)
class CallRecord:
    """A call between its INVITE and its final answer."""

    state: CallState
    begun: float
    """When the INVITE came in, seconds since the epoch."""
    call_sid: str
    account_sid: str | None
    answered_challenge: int | None = None
    """The position of the attempt whose challenge was answered; never twice for one attempt."""
    counted: tuple[str, ...] = ()
    """Keys of the carrier limits that the attempt under way is counted in."""

    def with_state(self, state: CallState) -> CallRecord:
        return replace(self, state=state)


def save_record(record: CallRecord) -> None:
    fields = {
        "state": record.state.to_text(),
        "begun": record.begun,
        "callSid": record.call_sid,
        "accountSid": record.account_sid,
        "answeredChallenge": record.answered_challenge,
        "counted": record.counted,
    }
    KSR.pv.sets(_AVP, json.dumps(fields, separators=(",", ":")))


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
        answered_challenge=fields["answeredChallenge"],
        counted=tuple(fields["counted"]),
    )
