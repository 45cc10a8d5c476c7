"""Media through the edge: each side hears the other, whoever offers first, and whatever failed before."""

from __future__ import annotations

from contextlib import ExitStack

import pytest

from support.lab import PBX, Lab
from support.patience import PATIENCE, until
from support.relay import Relay
from support.sipua import UserAgent
from support.sound import audio_address, hear_each_other, hears_nothing, sound_end, talk_until_heard
from support.sound import talk as make_sound
from support.tables import make_carrier, make_gateway, make_target
from support.talking import OTHER_TONE, talk

both_directions = pytest.mark.parametrize("outgoing", (True, False), ids=("termination", "origination"))


@both_directions
def test_both_hear_each_other_and_nobody_is_shown_the_other_s_address(
    relayed: Lab, relay: Relay, ends: ExitStack, pbx: UserAgent, telco: UserAgent, outgoing: bool
) -> None:
    caller, callee = (pbx, telco) if outgoing else (telco, pbx)
    call = talk(relayed, ends, caller, callee, outgoing=outgoing)
    assert caller.address not in call.call().body
    assert callee.address not in call.answered().body
    call.near_sound.connect(call.answer.body)
    call.acknowledged()
    assert len(relay.sessions()) == 1
    assert call.near_sound.towards == audio_address(call.answer.body)
    assert audio_address(call.answer.body)[0] == relayed.edge.address
    call.heard_both_ways()
    call.hang_up()


def test_early_media_is_heard_and_goes_on_after_the_answer(
    relayed: Lab, relay: Relay, ends: ExitStack, pbx: UserAgent, telco: UserAgent
) -> None:
    call = talk(relayed, ends, pbx, telco)
    invite = call.call()
    telco.respond(invite, 183, body=call.far_sound.answer(invite.body))
    call.near_sound.connect(pbx.wait("INVITE", status=183).body)
    talk_until_heard((call.near_sound,), call.far_sound, call.near_sound)
    assert call.near_sound.heard.tone == call.far_sound.tone
    call.near_sound.connect(call.answered().body)
    call.acknowledged()
    call.heard_both_ways()
    assert len(relay.sessions()) == 1
    call.hang_up(by_caller=False)


@both_directions
def test_the_offer_may_be_in_the_answer_and_the_answer_in_the_ack(
    relayed: Lab, ends: ExitStack, pbx: UserAgent, telco: UserAgent, outgoing: bool
) -> None:
    caller, callee = (pbx, telco) if outgoing else (telco, pbx)
    call = talk(relayed, ends, caller, callee, outgoing=outgoing)
    assert call.call(offer=False).body == ""
    offer = call.answered(call.far_sound.offer()).body
    assert callee.address not in offer
    call.far_sound.connect(call.acknowledged(call.near_sound.answer(offer)).body)
    call.heard_both_ways()
    call.offer_later(by_caller=True)
    call.heard_both_ways()
    call.hang_up()


def test_the_offer_may_be_in_a_reliable_183_and_the_answer_in_its_prack(
    relayed: Lab, ends: ExitStack, pbx: UserAgent, telco: UserAgent
) -> None:
    """RFC 3262 section 5: the call's own answer has no description then."""
    call = talk(relayed, ends, pbx, telco)
    invite = call.call(offer=False, headers=[("Supported", "100rel")])
    reliable = [("Require", "100rel"), ("RSeq", "1")]
    telco.respond(invite, 183, headers=reliable, body=call.far_sound.offer())
    ringing = pbx.wait("INVITE", status=183)
    leg = call.invite.leg(ringing)
    rack = [("RAck", f"1 {call.invite.cseq} INVITE")]
    leg.send("PRACK", rack, call.near_sound.answer(ringing.body))
    prack = telco.wait("PRACK")
    call.far_sound.connect(prack.body)
    telco.respond(prack, 200)
    pbx.wait("PRACK", status=200)
    call.heard_both_ways()
    call.answered("")
    call.near.cseq = leg.cseq
    call.near.send("ACK", cseq=call.invite.cseq)
    telco.wait("ACK")
    call.heard_both_ways()
    call.hang_up()


def test_a_target_that_failed_after_its_183_is_heard_no_more(
    relayed: Lab, relay: Relay, ends: ExitStack, pbx: UserAgent, telco: UserAgent
) -> None:
    """Each attempt is a session of its own: the next one takes none of its ports."""
    others = lab_with_two_targets(relayed)
    call = talk(relayed, ends, telco, pbx, outgoing=False)
    ghost = call.far_sound
    invite = call.call()
    pbx.respond(invite, 183, body=ghost.answer(invite.body))
    call.near_sound.connect(telco.wait("INVITE", status=183).body)
    first = relay.sessions()
    talk_until_heard((call.near_sound,), ghost, call.near_sound)
    assert call.near_sound.heard.tone == ghost.tone
    pbx.respond(invite, 503)
    other = ends.enter_context(sound_end(others.address, OTHER_TONE))
    call.callee, call.far_sound = others, other
    call.received = others.wait("INVITE")
    call.near_sound.connect(call.answered(tag="other").body)
    call.acknowledged()
    assert relay.sessions() != first
    assert len(relay.sessions()) == 1
    call.near_sound.forget()
    make_sound(ghost, call.near_sound, other)
    talk_until_heard((call.near_sound,), ghost, call.near_sound, other)
    assert call.near_sound.heard.tone == other.tone
    ghost.forget()
    make_sound(call.near_sound, seconds=0.1)
    hears_nothing(ghost)
    call.hang_up()


def test_nothing_is_left_of_a_target_that_says_nothing(
    relayed: Lab, relay: Relay, ends: ExitStack, pbx: UserAgent, telco: UserAgent
) -> None:
    """After its four seconds the next one is called; where there is none the call ends."""
    others = lab_with_two_targets(relayed)
    call = talk(relayed, ends, telco, others, outgoing=False)
    call.call()
    assert pbx.wait("INVITE", call_id=call.invite.call_id).body != call.received.body
    call.near_sound.connect(call.answered().body)
    call.acknowledged()
    assert len(relay.sessions()) == 1
    call.heard_both_ways()
    call.hang_up()
    relayed.serve(site_changes={"relay": "Always"})
    assert relayed.call_in(telco, body=call.near_sound.offer()).final(PATIENCE).status == 408
    until(lambda: relay.sessions() == [], "the session of a call that has ended")


def lab_with_two_targets(lab: Lab) -> UserAgent:
    """A trunk with a second PBX, called after the first; gives that second one."""
    second = lab.agent(PBX + 1)
    targets = [
        make_target(lab.block.address(number), 5060, priority=priority)
        for priority, number in enumerate((PBX, PBX + 1))
    ]
    lab.serve(site_changes={"relay": "Always"}, trunk={"targets": tuple(targets)})
    return second


def test_of_two_early_dialogs_the_one_that_answers_is_heard(
    relayed: Lab, relay: Relay, ends: ExitStack, pbx: UserAgent, telco: UserAgent
) -> None:
    """A target that forks: two To-tags, each with media of its own."""
    call = talk(relayed, ends, pbx, telco)
    other = ends.enter_context(sound_end(telco.address, OTHER_TONE))
    invite = call.call()
    telco.respond(invite, 183, body=other.answer(invite.body), tag="a")
    pbx.wait("INVITE", status=183)
    telco.respond(invite, 183, body=call.far_sound.answer(invite.body), tag="b")
    pbx.wait("INVITE", status=183)
    call.near_sound.connect(call.answered(tag="b").body)
    call.acknowledged()
    call.heard_both_ways()
    assert len(relay.sessions()) == 1
    call.hang_up()


def test_nothing_is_left_of_a_call_that_is_cancelled(
    relayed: Lab, relay: Relay, ends: ExitStack, pbx: UserAgent, telco: UserAgent
) -> None:
    call = talk(relayed, ends, pbx, telco)
    invite = call.call()
    telco.respond(invite, 183, body=call.far_sound.answer(invite.body))
    pbx.wait("INVITE", status=183)
    assert len(relay.sessions()) == 1
    call.invite.cancel()
    telco.respond(telco.wait("CANCEL"), 200)
    telco.respond(invite, 487)
    assert call.invite.final().status == 487


@pytest.mark.parametrize("status", (486, 503, 600))
def test_nothing_is_left_of_a_call_that_is_refused(
    relayed: Lab, ends: ExitStack, pbx: UserAgent, telco: UserAgent, status: int
) -> None:
    call = talk(relayed, ends, pbx, telco)
    telco.respond(call.call(), status)
    assert call.invite.final().status >= 400


def test_a_redirect_is_followed_with_sound(
    relayed: Lab, relay: Relay, ends: ExitStack, pbx: UserAgent, telco: UserAgent
) -> None:
    other = relayed.agent(PBX + 1)
    call = talk(relayed, ends, telco, pbx, outgoing=False)
    pbx.respond(call.call(), 302, headers=[("Contact", f"<sip:x@{other.address}:5060>")])
    call.callee = other
    call.far_sound = ends.enter_context(sound_end(other.address, OTHER_TONE))
    call.received = other.wait("INVITE")
    call.near_sound.connect(call.answered().body)
    call.acknowledged()
    assert len(relay.sessions()) == 1
    hear_each_other(call.near_sound, call.far_sound)
    call.hang_up()


def test_a_carrier_without_a_common_codec_is_passed_over(
    relayed: Lab, relay: Relay, ends: ExitStack, pbx: UserAgent, telco: UserAgent
) -> None:
    """The next one takes the call; without a next one it is 415, as of any offer that nobody can take."""
    other = relayed.agent(PBX + 11)
    carriers = [make_carrier(codecs=("G729",)), make_carrier("other", codecs=("PCMA", "PCMU"))]
    first = make_gateway(telco.address, 5060)
    second = make_gateway(other.address, 5060, carrier="other", priority=20)
    relayed.serve(site_changes={"relay": "Always"}, carriers=carriers, routes={"+": [first, second]})
    call = talk(relayed, ends, pbx, other)
    call.set_up()
    assert len(relay.sessions()) == 1
    call.heard_both_ways()
    call.hang_up()
    relayed.serve(site_changes={"relay": "Always"}, carriers=carriers, routes={"+": [first]})
    assert relayed.call_out(pbx, body=call.near_sound.offer()).final().status == 415
    assert telco.silence(0.05) == []


def test_a_trunk_at_an_edge_without_a_relay_is_served_as_before(
    lab: Lab, ends: ExitStack, pbx: UserAgent, telco: UserAgent
) -> None:
    """The parties send each other their media."""
    call = talk(lab, ends, pbx, telco)
    assert pbx.address in call.call().body
    call.near_sound.connect(call.answered().body)
    call.acknowledged()
    assert audio_address(call.answer.body)[0] == telco.address
    call.heard_both_ways()
    call.hang_up()
