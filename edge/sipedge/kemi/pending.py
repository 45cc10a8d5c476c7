"""A call between its INVITE and its final answer, in AVPs of its transaction.

Any process may handle its next step. The whole call is read when an attempt has failed; the INVITE that
leaves and its answers need the attempt alone. Its facts are kept by `memory`.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace

from sipedge.kemi import memory
from sipedge.kemi.ksr import KSR
from sipedge.routing.carried import CarriedTexts
from sipedge.routing.failover import CallState
from sipedge.routing.memory import CallFacts, SideMemory
from sipedge.routing.tokens import DialogToken

_encode = json.JSONEncoder(separators=(",", ":")).encode
_AVP = "$avp(call)"
_ATTEMPT_AVP = "$avp(attempt)"


@dataclass(frozen=True, slots=True)
class PendingAttempt:
    """What Python judges answers to the attempt under way by."""

    token: DialogToken
    cseq: int
    """Of the INVITE as the caller sent it."""
    with_sdp: bool
    """The INVITE has an SDP."""


@dataclass(frozen=True, slots=True)
class PendingCall:
    """A call that no target has taken yet."""

    state: CallState
    begun: float
    """When the INVITE came in, seconds since the epoch."""
    facts: CallFacts
    caller: SideMemory
    with_sdp: bool = False
    """The INVITE has an SDP."""
    answered: tuple[str, ...] = ()
    """Nonces of challenges that the attempt under way has answered."""
    counted: tuple[str, ...] = ()
    """Keys of the carrier limits that the attempt under way is counted in."""

    def with_state(self, state: CallState) -> PendingCall:
        return replace(self, state=state)


def save_call(call: PendingCall, attempt: PendingAttempt, carried: CarriedTexts) -> None:
    """Keep the call, and the attempt that is about to be made; `carried` is for Kamailio's own routes."""
    others = (call.begun, call.caller.to_text(), call.with_sdp, call.answered, call.counted)
    # Two lines, since no text of a state has a second one: it need not be written as JSON twice.
    KSR.pv.sets(_AVP, f"{call.state.to_text()}\n{_encode(others)}")
    KSR.pv.sets(
        _ATTEMPT_AVP, f"{attempt.token.to_text()} {attempt.cseq} {'sdp' if attempt.with_sdp else '-'}"
    )
    for name, value in (
        ("$avp(route)", carried.route),
        ("$avp(lines)", carried.lines),
        ("$avp(cseq)", carried.cseq),
        ("$avp(answer)", carried.answer),
    ):
        KSR.pv.sets(name, value)
    memory.note_carried(carried.dialog)


def load_attempt() -> PendingAttempt:
    """The attempt of the call whose transaction is being handled. Raises ValueError if there is none."""
    text, cseq, body = KSR.pv.gete(_ATTEMPT_AVP).split(" ")
    token = DialogToken.from_text(text)
    if token is None:
        raise ValueError("a call's attempt holds no token")
    return PendingAttempt(token, int(cseq), body == "sdp")


def load_call() -> PendingCall:
    """The call whose transaction is being handled.

    Raises ValueError if there is none: the caller's guard then answers the call.
    """
    state, _, others = KSR.pv.gete(_AVP).partition("\n")
    begun, side, with_sdp, answered, counted = json.loads(others)
    facts, caller = memory.kept_facts(), SideMemory.from_text(side)
    if facts is None or caller is None:
        raise ValueError("a call's transaction holds no facts")
    return PendingCall(
        state=CallState.from_text(state),
        begun=begun,
        facts=facts,
        caller=caller,
        with_sdp=with_sdp,
        answered=tuple(answered),
        counted=tuple(counted),
    )
