"""Asterisk transfers by REFERs of its own (S23): blind, and with Replaces of a call in which it has asked."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

import pytest

from sipedge.table.transfer import TransferRow
from support.asterisk import SECONDS, asterisk_root
from support.asterisk_pbx import DOMAIN, pbx
from support.b2bua import RunningB2bua
from support.debian_root import NoRootError
from support.lab import FAR_NUMBER, Lab
from support.relay import Relay
from support.sipua import Leg, UserAgent, callee_leg
from support.sound import SoundEnd, hear_each_other, sound_end, talk
from support.tables import make_gateway

TARGET = 40
CALLER_TONE, TARGET_TONE = 400, 1000

BLIND = """
[from-edge]
exten => _+X.,1,Answer()
 same => n,Transfer(PJSIP/sip:bob@{target})
 same => n,Verbose(transfer: ${{TRANSFERSTATUS}})
"""
ATTENDED = """
[from-edge]
exten => _+X.,1,Answer()
 same => n,Originate(PJSIP/{number}@edge,exten,consultation,s,1,{seconds},n)
 same => n(wait),GotoIf($["${{GLOBAL(REPLACES)}}" != ""]?known)
 same => n,Wait(0.1)
 same => n,Goto(wait)
 same => n(known),Transfer(PJSIP/sip:{number}@{domain}?Replaces=${{GLOBAL(REPLACES)}})
 same => n,Verbose(transfer: ${{TRANSFERSTATUS}})
[consultation]
exten => s,1,Set(TO=${{CHANNEL(pjsip,remote_tag)}})
 same => n,Set(FROM=${{CHANNEL(pjsip,local_tag)}})
 same => n,Set(GLOBAL(REPLACES)=${{CHANNEL(pjsip,call-id)}}%3Bto-tag%3D${{TO}}%3Bfrom-tag%3D${{FROM}})
 same => n,Wait(60)
"""


@pytest.fixture(scope="module")
def root() -> Path:
    try:
        return asterisk_root()
    except NoRootError as error:
        pytest.skip(str(error))


@pytest.fixture
def target(relayed: Lab) -> UserAgent:
    return relayed.agent(TARGET)


def called(lab: Lab, telco: UserAgent, sound: SoundEnd) -> Leg:
    """A call of the PSTN, which Asterisk has answered."""
    invite = lab.call_in(telco, body=sound.offer())
    answer = invite.final(SECONDS)
    assert answer.status == 200
    leg = invite.leg(answer)
    leg.send("ACK")
    return leg


def moved(leg: Leg, sound: SoundEnd) -> None:
    """This side follows a re-INVITE."""
    request = leg.agent.wait("INVITE", call_id=leg.call_id, seconds=SECONDS)
    leg.agent.respond(request, 200, body=sound.answer(request.body, version=3))
    leg.agent.wait("ACK", call_id=leg.call_id, seconds=SECONDS)
    sound.connect(request.body)


def connected(relay: Relay, far: Leg, far_sound: SoundEnd, other: Leg, other_sound: SoundEnd) -> None:
    """Both hear each other through one relay, and a BYE of one reaches the other."""
    talk(far_sound, other_sound, seconds=0.2)
    hear_each_other(far_sound, other_sound)
    assert len(relay.sessions()) == 1
    far.send("BYE")
    other.agent.respond(other.agent.wait("BYE", call_id=other.call_id, seconds=SECONDS), 200)
    far.agent.wait("BYE", status=200, call_id=far.call_id, seconds=SECONDS)


def test_a_blind_transfer(
    relayed: Lab, relay: Relay, root: Path, tmp_path: Path, telco: UserAgent, target: UserAgent,
    b2bua: RunningB2bua, ends: ExitStack,
) -> None:  # fmt: skip
    caller = ends.enter_context(sound_end(telco.address, CALLER_TONE))
    answering = ends.enter_context(sound_end(target.address, TARGET_TONE))
    with pbx(
        relayed, root, tmp_path, "udp", transfer=TransferRow("SipOnly"),
        extensions=BLIND.format(target=target.address), site_changes={"relay": "Always"},
    ) as server:  # fmt: skip
        far = called(relayed, telco, caller)
        invite = target.wait("INVITE", seconds=SECONDS)
        target.respond(invite, 200, body=answering.answer(invite.body))
        target.wait("ACK", call_id=invite.call_id, seconds=SECONDS)
        answering.connect(invite.body)
        moved(far, caller)
        other = callee_leg(target, invite, invite.path)
        connected(relay, far, caller, other, answering)
        assert "transfer: SUCCESS" in server.said()


@pytest.mark.parametrize("secure", (True, False), ids=("srtp", "rtp"))
def test_an_attended_transfer(
    relayed: Lab, relay: Relay, root: Path, tmp_path: Path, telco: UserAgent, target: UserAgent,
    b2bua: RunningB2bua, ends: ExitStack, secure: bool,
) -> None:  # fmt: skip
    """It asks somebody in the PSTN first; the one who called takes its place in that call."""
    caller = ends.enter_context(sound_end(telco.address, CALLER_TONE))
    answering = ends.enter_context(sound_end(target.address, TARGET_TONE))
    dialplan = ATTENDED.format(number=FAR_NUMBER, domain=DOMAIN, seconds=int(SECONDS))
    with pbx(
        relayed, root, tmp_path, "tls" if secure else "udp", secure=secure,
        transfer=TransferRow("EnableAll"), extensions=dialplan,
        site_changes={"relay": "Always"}, routes={"+": [make_gateway(target.address, 5060)]},
    ) as server:  # fmt: skip
        far = called(relayed, telco, caller)
        invite = target.wait("INVITE", seconds=SECONDS)
        target.respond(invite, 200, body=answering.answer(invite.body))
        target.wait("ACK", call_id=invite.call_id, seconds=SECONDS)
        other = callee_leg(target, invite, invite.path)
        moved(other, answering)
        moved(far, caller)
        connected(relay, far, caller, other, answering)
        assert "transfer: SUCCESS" in server.said()
