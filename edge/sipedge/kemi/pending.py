"""A call between its INVITE and its final answer, in AVPs of its transaction.

Any process may handle its next step. The whole call is read when an attempt has failed; the INVITE that
leaves and its answers need the attempt alone. Its facts and its caller are kept by `memory`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from sipedge.kemi import memory
from sipedge.kemi.ksr import KSR
from sipedge.routing.dialog.carried import CarriedTexts, token_text
from sipedge.routing.dialog.opening import Opening
from sipedge.routing.dialog.pending import Invite, PendingCall
from sipedge.routing.dialog.tokens import DialogToken
from sipedge.values import quickly_made

_AVP: Final = "$avp(call)"
_ROUTE_AVP: Final = "$avp(route)"


@quickly_made
@dataclass(frozen=True)
class PendingAttempt:
    """What Python judges answers to the attempt under way by."""

    token: DialogToken
    invite: Invite


def save_call(call: str, carried: CarriedTexts, *, is_first: bool) -> None:
    """Keep the call (`PendingCall.to_text`), and the attempt that is about to be made; `carried` is for
    Kamailio's own routes.

    Before the first attempt nothing was kept, so that what is empty need not be written.
    """
    KSR.pv.sets(_AVP, call)
    KSR.pv.sets(_ROUTE_AVP, carried.route)
    if carried.lines or not is_first:
        KSR.pv.sets("$avp(lines)", carried.lines)
    if carried.cseq or not is_first:
        KSR.pv.sets("$avp(cseq)", carried.cseq)
    if carried.call or not is_first:
        memory.note_carried(carried.call)


def save_opening(opening: Opening) -> None:
    """The same of a call alike, before its first attempt."""
    KSR.pv.sets(_AVP, opening.call)
    KSR.pv.sets(_ROUTE_AVP, opening.route)
    if opening.lines:
        KSR.pv.sets("$avp(lines)", opening.lines)
    if opening.carried:
        memory.note_carried(opening.carried)


def load_attempt() -> PendingAttempt:
    """The attempt of the call whose transaction is being handled. Raises ValueError if there is none."""
    token = DialogToken.from_text(token_text(KSR.pv.gete(_ROUTE_AVP)))
    if token is None:
        raise ValueError("a call's attempt holds no token")
    return PendingAttempt(token, Invite.from_text(KSR.pv.gete(_AVP)))


def load_call() -> PendingCall | None:
    """The call whose transaction is being handled; None if its dialog is over.

    Raises ValueError if it never was one: the caller's guard then answers the call.
    """
    call = KSR.pv.gete(_AVP)
    if not call:
        raise ValueError("a transaction without a call")
    facts, caller = memory.facts(), memory.caller()
    return None if facts is None or caller is None else PendingCall.from_text(call, facts, caller)
