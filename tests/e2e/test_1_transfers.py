"""Transfers by a PBX's REFER in an edge pod: the B2BUA's container beside Kamailio's."""

from __future__ import annotations

import pytest

from e2e.calls import HQ_URI, MAIN_LINE, SECONDS, end_at, originated_call, terminated_call, until_they_hear
from e2e.installation import Installation
from e2e.own_node import OwnNode
from support.dialogs import replacing
from support.sipmessage import Message, sdp
from support.sipua import Leg, callee_leg
from support.sound import SoundEnd

# The first test of a run also waits for images to be built.
pytestmark = [pytest.mark.cluster, pytest.mark.timeout(900)]

CALLER, TARGET = 400, 1000
"""Hz."""


def test_a_pbx_transfers_blindly_and_after_asking(installation: Installation, own: OwnNode) -> None:
    """S23: the caller hears the target; then the call of a consultation takes the place of the PBX's."""
    carrier, pbx, target = (own.phones[name] for name in ("telco-a", "pbx1", "pbx2"))
    pod = installation.wait_pods("dublin", 2)[-1]
    with installation.changed("hq", transfer={"mode": "EnableAll"}):
        with end_at(own.hosts["telco-a"], CALLER) as heard, end_at(own.hosts["pbx2"], TARGET) as sound:
            call = originated_call(carrier, pod.address, MAIN_LINE, pbx, body=heard.offer())
            refer(call.callee, f"sip:bob@{target.address}")
            invite = target.wait("INVITE", seconds=SECONDS)
            target.respond(invite, 200, body=sound.answer(invite.body))
            target.wait("ACK", call_id=invite.call_id, seconds=SECONDS)
            take(call.caller, heard)
            leave(call.callee)
            until_they_hear(heard, sound, SECONDS)
        hang_up(call.caller, callee_leg(target, invite, invite.path))
        call = originated_call(carrier, pod.address, MAIN_LINE, pbx)
        asked = terminated_call(pbx, pod.address, carrier)
        refer(call.callee, replacing(asked.caller, HQ_URI))
        take(asked.callee)
        take(call.caller)
        leave(call.callee)
        pbx.respond(pbx.wait("BYE", call_id=asked.caller.call_id, seconds=SECONDS), 200)
        hang_up(call.caller, asked.callee)


def refer(leg: Leg, to: str) -> None:
    """This side asks for a transfer, which is tried."""
    leg.send("REFER", headers=[("Refer-To", f"<{to}>")])
    answer = leg.agent.wait("REFER", status=0, call_id=leg.call_id, seconds=SECONDS)
    assert answer.status == 202, answer.first_line
    assert told(leg) == "SIP/2.0 100 Trying"


def told(leg: Leg) -> str:
    """The next NOTIFY of the transfer."""
    notify = leg.agent.wait("NOTIFY", call_id=leg.call_id, seconds=SECONDS)
    leg.agent.respond(notify, 200)
    return notify.body.strip()


def take(leg: Leg, sound: SoundEnd | None = None) -> None:
    """This side takes the session with somebody else."""
    invite: Message = leg.agent.wait("INVITE", call_id=leg.call_id, seconds=SECONDS)
    body = sdp(leg.agent.address) if sound is None else sound.answer(invite.body, version=3)
    leg.agent.respond(invite, 200, body=body)
    leg.agent.wait("ACK", call_id=leg.call_id, seconds=SECONDS)


def leave(leg: Leg) -> None:
    """The transfer is done, and who asked for it ends his part."""
    assert told(leg) == "SIP/2.0 200 OK"
    leg.send("BYE")
    leg.agent.wait("BYE", status=200, call_id=leg.call_id, seconds=SECONDS)


def hang_up(leg: Leg, other: Leg) -> None:
    """This side ends the call that connects both, which has a Call-ID on each."""
    leg.send("BYE")
    bye = other.agent.wait("BYE", call_id=other.call_id, seconds=SECONDS)
    other.agent.respond(bye, 200)
    leg.agent.wait("BYE", status=200, call_id=leg.call_id, seconds=SECONDS)
