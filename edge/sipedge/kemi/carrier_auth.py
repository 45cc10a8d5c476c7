"""Answers a carrier's digest challenge with the credentials of that carrier's one realm.

Never a challenge of a customer's PBX, never in a dialog, never for another realm: an answer to a challenge
that the wrong side made hands it a password to guess at.
"""

from __future__ import annotations

from dataclasses import replace

from sipedge.kemi.ksr import KSR
from sipedge.kemi.pending import PendingCall
from sipedge.kemi.reader import text
from sipedge.routing.decision import Direction
from sipedge.routing.digest import answerable
from sipedge.table import CarrierRow, Table

_PASSWORD_IS_HA1 = 1
_CHALLENGES = {401: "WWW-Authenticate", 407: "Proxy-Authenticate"}


def answer_challenge(table: Table, record: PendingCall, status: int) -> PendingCall | None:
    """The record of the call whose INVITE now carries the answer; None if there is nothing to answer."""
    attempt = record.state.current
    if record.state.direction is not Direction.TERMINATION or attempt is None or attempt.carrier is None:
        return None
    if record.answered_challenge == record.state.position:
        return None  # answered once already: the credentials are wrong
    carrier = table.carrier(attempt.carrier)
    if carrier is None or not _is_asked(carrier, status) or not _answer(carrier):
        return None
    return replace(record, answered_challenge=record.state.position)


def _is_asked(carrier: CarrierRow, status: int) -> bool:
    challenge = text(f"$T_rpl($hdr({_CHALLENGES[status]}))")
    return carrier.realm is not None and answerable((challenge,), carrier.realm) is not None


def _answer(carrier: CarrierRow) -> bool:
    if carrier.username is None or carrier.realm is None or carrier.ha1 is None:
        return False
    KSR.pv.sets("$avp(auth_realm)", carrier.realm)
    KSR.pv.sets("$avp(auth_username)", carrier.username)
    KSR.pv.sets("$avp(auth_ha1)", carrier.ha1.reveal())
    try:
        return KSR.uac.uac_auth_mode(_PASSWORD_IS_HA1) > 0
    finally:
        KSR.pv.unset("$avp(auth_ha1)")
