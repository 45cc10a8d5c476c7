"""What is changed of a call that goes on: stages in their order, and the Forward that comes of them. Pure."""

from __future__ import annotations

from typing import Final

from sipedge.routing import caller_name, identity, limits
from sipedge.routing.call import Call, Stage, run_stages
from sipedge.routing.decision import Direction, Forward, Parties, Target
from sipedge.routing.findings import Steps
from sipedge.routing.message import headers
from sipedge.routing.message.messages import SipRequest
from sipedge.routing.parties import parties_of
from sipedge.routing.stir import calls as stir
from sipedge.routing.writing import Outgoing, is_written_anew, written


def _but_for_numbers(call: Call, parties: Parties) -> bool:
    return True


_IDENTITY: Final = Stage(
    "identity", identity.change_identity, identity.tell_identity, "S41", is_alike=_but_for_numbers
)
_DIVERSION: Final = Stage(
    "Diversion",
    identity.change_diversion,
    identity.tell_diversion,
    "S83",
    is_alike=lambda call, parties: "diversion" not in call.request.headers,
)
_CNAM: Final = Stage(
    "CNAM", caller_name.change_caller_name, caller_name.tell_caller_name, "S68", caller_name.is_shown
)
_CALL_REASON: Final = Stage(
    "call reason",
    identity.change_call_reason,
    identity.tell_call_reason,
    "answers",
    is_alike=_but_for_numbers,
)
_PRIVACY: Final = Stage(
    "privacy",
    identity.change_privacy,
    identity.tell_privacy,
    "S41",
    is_alike=lambda call, parties: not parties.anonymous,
)
_SIGNATURE: Final = Stage(
    "STIR signature", stir.change_signature, stir.tell_signature, "RFC 8588", stir.is_signed
)
STAGES: Final = {
    Direction.TERMINATION: (_IDENTITY, _DIVERSION, _CALL_REASON, _PRIVACY, _SIGNATURE),
    Direction.ORIGINATION: (_IDENTITY, _DIVERSION, _CNAM, _CALL_REASON, _PRIVACY, _SIGNATURE),
}
PLACED_STAGES: Final = {
    Direction.TERMINATION: STAGES[Direction.TERMINATION],
    # Who diverts it, the B2BUA tells; whom it calls may be anybody.
    Direction.ORIGINATION: (_IDENTITY, _CALL_REASON, _PRIVACY),
}


def forwarded(
    call: Call,
    request: SipRequest,
    ordered: tuple[Target, ...],
    steps: Steps,
    stages: tuple[Stage, ...],
) -> Forward:
    """The decision on a call that has passed every check: to these targets, in their order."""
    parties = parties_of(call)
    changes = run_stages(stages, call, parties, steps)
    if is_written_anew(call, ordered):
        outgoing = written(Outgoing(call, request, parties, changes, ordered))
        ordered, parties, changes = outgoing.targets, outgoing.parties, outgoing.changes
    side, trunk, account = call.side, call.trunk, call.account
    if side.is_emergency:
        changes += headers.location_changes(call.request)
    return Forward(
        tuple(steps.found),
        side.direction,
        trunk.id,
        account.id,
        account.sid,
        side.carrier,
        side.called,
        side.calling,
        ordered,
        changes,
        parties,
        limits.limits_of(call),
        trunk.secure,
        trunk.sid,
        account.max_call_duration_seconds,
        call.shaped,
        call.caller_name.name,
        attestation=stir.attestation_told(call) if call.site.stir_shaken else None,
        verstat=stir.verstat_of(call) if call.site.stir_shaken else None,
    )
