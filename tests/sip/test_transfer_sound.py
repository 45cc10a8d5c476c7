"""S23 with sound: whoever is transferred hears the target, the target hears him, and one relay is between
them."""

from __future__ import annotations

import ssl
from contextlib import ExitStack
from dataclasses import dataclass

import pytest

from sipedge.table.transfer import TransferRow
from support.b2bua import RunningB2bua
from support.lab import PBX, Lab
from support.patience import until
from support.relay import Relay
from support.sipmessage import Message
from support.sipua import Leg, UserAgent, callee_leg, client_context
from support.sound import SoundEnd, hear_each_other, sound_end
from support.talking import OTHER_TONE, Talk, talk

TARGET = 40
both_directions = pytest.mark.parametrize("outgoing", (True, False), ids=("termination", "origination"))


@dataclass
class Secure:
    """A call with sound between a PBX that has TLS and SRTP and the PSTN, and the same at the target."""

    call: Talk
    phone: UserAgent
    target: UserAgent
    sound: SoundEnd


@pytest.fixture
def secure(relayed: Lab, ends: ExitStack, telco: UserAgent, server_context: ssl.SSLContext) -> Secure:
    relayed.serve(
        site_changes={"relay": "Always"}, trunk={"secure": True, "transfer": TransferRow("SipOnly")}
    )
    phone = relayed.agent(PBX, 0, "tls", tls=client_context())
    target = relayed.agent(TARGET, 5061, "tls", tls=server_context)
    call = talk(relayed, ends, phone, telco, near={"secure": True}).set_up()
    call.heard_both_ways()
    return Secure(call, phone, target, ends.enter_context(sound_end(target.address, OTHER_TONE, secure=True)))


def referred(near: Leg, target: UserAgent) -> None:
    """A blind transfer has begun."""
    near.send("REFER", headers=[("Refer-To", f"<sip:bob@{target.address}>")])
    assert near.agent.wait("REFER", status=0, call_id=near.call_id).status == 202
    near.agent.respond(near.agent.wait("NOTIFY"), 200)


def taken(target: UserAgent, sound: SoundEnd) -> Message:
    """The target has answered its INVITE, which this gives."""
    invite = target.wait("INVITE")
    target.respond(invite, 200, body=sound.answer(invite.body))
    target.wait("ACK", call_id=invite.call_id)
    return invite


def transferred(call: Talk, pbx: UserAgent, telco: UserAgent, target: UserAgent, sound: SoundEnd) -> str:
    """A blind transfer, to its end; the Call-ID of the target's call."""
    near, _, _, far_sound = call.leg(by_caller=call.caller is pbx)
    referred(near, target)
    invite = taken(target, sound)
    moved = telco.wait("INVITE", call_id=near.call_id)
    telco.respond(moved, 200, body=far_sound.answer(moved.body, version=3))
    telco.wait("ACK", call_id=near.call_id)
    far_sound.connect(moved.body)
    sound.connect(invite.body)
    pbx.respond(pbx.wait("NOTIFY"), 200)
    return invite.call_id


@pytest.mark.parametrize(("where", "sessions"), (("Always", 1), ("WhenNeeded", 0)))
@both_directions
def test_both_hear_each_other_through_one_relay_or_directly(
    relayed: Lab,
    relay: Relay,
    ends: ExitStack,
    pbx: UserAgent,
    telco: UserAgent,
    b2bua: RunningB2bua,
    outgoing: bool,
    where: str,
    sessions: int,
) -> None:
    """A transfer asks for no relay: who sent each other their media before do so afterwards."""
    relayed.serve(site_changes={"relay": where}, trunk={"transfer": TransferRow("EnableAll")})
    target = relayed.agent(TARGET)
    caller, callee = (pbx, telco) if outgoing else (telco, pbx)
    call = talk(relayed, ends, caller, callee, outgoing=outgoing).set_up()
    call.heard_both_ways()
    sound = ends.enter_context(sound_end(target.address, OTHER_TONE))
    call_id = transferred(call, pbx, telco, target, sound)
    near, _, _, far_sound = call.leg(by_caller=outgoing)
    hear_each_other(far_sound, sound, 0.3)
    assert len(relay.sessions()) == sessions
    near.send("BYE")
    pbx.wait("BYE", status=200, call_id=near.call_id)
    hear_each_other(far_sound, sound, 0.3)
    far, _, _, _ = call.leg(by_caller=not outgoing)
    far.send("BYE")
    target.respond(target.wait("BYE", call_id=call_id), 200)
    telco.wait("BYE", status=200, call_id=far.call_id)


def test_a_secure_call_stays_secure(secure: Secure, telco: UserAgent, b2bua: RunningB2bua) -> None:
    """The target is reached over TLS whatever its URI says, and is offered SRTP alone (S20, S21)."""
    call, phone, target, sound = secure.call, secure.phone, secure.target, secure.sound
    transferred(call, phone, telco, target, sound)
    hear_each_other(call.far_sound, sound, 0.3)
    call.near.send("BYE")
    phone.wait("BYE", status=200, call_id=call.near.call_id)
    hear_each_other(call.far_sound, sound, 0.3)
    call.far.send("BYE")
    target.respond(target.wait("BYE"), 200)
    telco.wait("BYE", status=200, call_id=call.far.call_id)
    assert "a=crypto" not in b2bua.log()


def test_a_party_that_came_too_late_hears_its_call_again(
    secure: Secure, relay: Relay, telco: UserAgent, b2bua: RunningB2bua
) -> None:
    """The target has hung up before the other party has taken its session. The relay has the call still, with
    its ports and keys: the PBX is asked nothing."""
    call, phone, target = secure.call, secure.phone, secure.target
    referred(call.near, target)
    invite = taken(target, secure.sound)
    moved = telco.wait("INVITE", call_id=call.far.call_id)
    callee_leg(target, invite, invite.path).send("BYE")
    target.wait("BYE", status=200, call_id=invite.call_id)
    phone.respond(phone.wait("NOTIFY"), 200)
    telco.respond(moved, 200, body=call.far_sound.answer(moved.body, version=3))
    telco.wait("ACK", call_id=call.far.call_id)
    back = telco.wait("INVITE", call_id=call.far.call_id)
    telco.respond(back, 200, body=call.far_sound.answer(back.body, version=4))
    telco.wait("ACK", call_id=call.far.call_id)
    call.far_sound.connect(back.body)
    call.heard_both_ways()
    assert len(relay.sessions()) == 1
    call.near.send("BYE")
    telco.respond(telco.wait("BYE", call_id=call.far.call_id), 200)
    phone.wait("BYE", status=200, call_id=call.near.call_id)
    until(lambda: relay.sessions() == [], "a session of a call that is over")


def test_a_second_transfer_goes_by_what_the_other_party_has_said_since(
    relayed: Lab, relay: Relay, ends: ExitStack, pbx: UserAgent, telco: UserAgent, b2bua: RunningB2bua
) -> None:
    """The first one has failed, then the other party has put its session forward again: its own is told to
    the next target, not what the relay has made of it."""
    relayed.serve(site_changes={"relay": "Always"}, trunk={"transfer": TransferRow("EnableAll")})
    target = relayed.agent(TARGET)
    call = talk(relayed, ends, pbx, telco, outgoing=True).set_up()
    referred(call.near, target)
    target.respond(target.wait("INVITE"), 486)
    pbx.respond(pbx.wait("NOTIFY"), 200)
    call.offer_later(by_caller=False)
    call.heard_both_ways()
    sound = ends.enter_context(sound_end(target.address, OTHER_TONE))
    call_id = transferred(call, pbx, telco, target, sound)
    hear_each_other(call.far_sound, sound, 0.3)
    call.far.send("BYE")
    target.respond(target.wait("BYE", call_id=call_id), 200)
    telco.wait("BYE", status=200, call_id=call.far.call_id)
