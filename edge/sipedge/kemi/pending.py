"""A call between its INVITE and its final answer, in AVPs of its transaction.

Any process may handle its next step. The whole call is read when an attempt has failed; the INVITE that
leaves and its answers need the attempt alone. Its facts and its caller are kept by `memory`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from sipedge.kemi import memory
from sipedge.kemi.ksr import KSR
from sipedge.routing.decision import HeaderChanges
from sipedge.routing.dialog.carried import CarriedTexts, token_text
from sipedge.routing.dialog.memory import CallFacts, SideMemory
from sipedge.routing.dialog.tokens import DialogToken
from sipedge.routing.failover import CallState
from sipedge.values import json_writer, quickly_made, read_json, replace

_encode: Final = json_writer(ascii_only=True)
_AVP: Final = "$avp(call)"
_ROUTE_AVP: Final = "$avp(route)"


@quickly_made
@dataclass(frozen=True)
class Invite:
    """What of the INVITE every attempt needs, as the caller sent it."""

    call_id: str
    tag: str
    cseq: int
    with_sdp: bool
    """It has an SDP."""


@quickly_made
@dataclass(frozen=True)
class PendingAttempt:
    """What Python judges answers to the attempt under way by."""

    token: DialogToken
    invite: Invite


@quickly_made
@dataclass(frozen=True)
class PendingCall:
    """A call that no target has taken yet."""

    state: CallState
    begun: float
    """When the INVITE came in, seconds since the epoch."""
    facts: CallFacts
    caller: SideMemory
    invite: Invite
    answered: tuple[str, ...] = ()
    """Nonces of challenges that the attempt under way has answered."""
    counted: tuple[str, ...] = ()
    """Keys of the carrier limits that the attempt under way is counted in."""
    changes: HeaderChanges | None = None
    """Of a call that has waited before its first attempt: made on each; else made once for all."""

    def with_state(self, state: CallState) -> PendingCall:
        return replace(self, state=state)


def save_call(call: PendingCall, carried: CarriedTexts, *, is_first: bool) -> None:
    """Keep the call, and the attempt that is about to be made; `carried` is for Kamailio's own routes.

    Before the first attempt nothing was kept, so that what is empty need not be written.
    """
    invite = call.invite
    of_invite = (invite.call_id, invite.tag, invite.cseq, invite.with_sdp)
    changes = None if call.changes is None else call.changes.to_lists()
    others = (*of_invite, call.begun, call.answered, call.counted, changes)
    # Two lines, since no text of a state has a second one: answers need the first alone.
    KSR.pv.sets(_AVP, f"{_encode(others)}\n{call.state.to_text()}")
    KSR.pv.sets(_ROUTE_AVP, carried.route)
    if carried.lines or not is_first:
        KSR.pv.sets("$avp(lines)", carried.lines)
    if carried.cseq or not is_first:
        KSR.pv.sets("$avp(cseq)", carried.cseq)
    if carried.call or not is_first:
        memory.note_carried(carried.call)


def load_attempt() -> PendingAttempt:
    """The attempt of the call whose transaction is being handled. Raises ValueError if there is none."""
    token = DialogToken.from_text(token_text(KSR.pv.gete(_ROUTE_AVP)))
    if token is None:
        raise ValueError("a call's attempt holds no token")
    return PendingAttempt(token, Invite(*read_json(KSR.pv.gete(_AVP).partition("\n")[0])[:4]))


def load_call() -> PendingCall | None:
    """The call whose transaction is being handled; None if its dialog is over.

    Raises ValueError if it never was one: the caller's guard then answers the call.
    """
    others, _, state = KSR.pv.gete(_AVP).partition("\n")
    call_id, tag, cseq, with_sdp, begun, answered, counted, changes = read_json(others)
    facts, caller = memory.kept_facts(), memory.caller()
    if facts is None or caller is None:
        return None
    return PendingCall(
        state=CallState.from_text(state),
        begun=begun,
        facts=facts,
        caller=caller,
        invite=Invite(call_id, tag, cseq, with_sdp),
        answered=tuple(answered),
        counted=tuple(counted),
        changes=None if changes is None else HeaderChanges.from_lists(changes),
    )
