"""A call with sound that changes: hold, other places, refused offers, challenges; what was agreed holds."""

from __future__ import annotations

from contextlib import ExitStack

import pytest

from support.lab import Lab
from support.patience import until
from support.relay import Relay
from support.sipua import UserAgent
from support.sound import audio_address, hears_nothing, sound_end, wait_for_packets
from support.sound import talk as make_sound
from support.tables import make_carrier, make_ha1
from support.talking import OTHER_TONE, Talk, acknowledge_refusal, talk

by_either = pytest.mark.parametrize("by_caller", (True, False), ids=("caller", "callee"))


@pytest.fixture
def call(relayed: Lab, ends: ExitStack, pbx: UserAgent, telco: UserAgent) -> Talk:
    """A call of the PBX that is up."""
    return talk(relayed, ends, pbx, telco).set_up()


@by_either
@pytest.mark.parametrize(
    ("direction", "reply"), (("sendonly", "recvonly"), ("inactive", "inactive")), ids=("sendonly", "inactive")
)
def test_either_side_may_hold_the_call_and_resume_it(
    call: Talk, by_caller: bool, direction: str, reply: str
) -> None:
    answer = call.offer_later(by_caller=by_caller, extra=f"a={direction}\r\n", reply=f"a={reply}\r\n")
    assert f"a={reply}" in answer.body
    call.offer_later(by_caller=by_caller)
    call.heard_both_ways()
    call.offer_later(by_caller=not by_caller)
    call.heard_both_ways()
    call.hang_up()


@by_either
def test_an_update_changes_the_media_as_well(call: Talk, by_caller: bool) -> None:
    """RFC 3311."""
    call.offer_later(by_caller=by_caller, method="UPDATE")
    call.heard_both_ways()
    call.hang_up()


@by_either
@pytest.mark.parametrize("method", ("INVITE", "UPDATE"))
def test_media_may_move_to_another_port(
    call: Talk, ends: ExitStack, relay: Relay, by_caller: bool, method: str
) -> None:
    """What is sent from the former one is heard no more."""
    former = call.near_sound if by_caller else call.far_sound
    moved = ends.enter_context(sound_end(former.address, OTHER_TONE))
    former_place = former.towards
    if by_caller:
        call.near_sound = moved
    else:
        call.far_sound = moved
    call.offer_later(by_caller=by_caller, method=method)
    call.heard_both_ways()
    former.towards = former_place
    other = call.far_sound if by_caller else call.near_sound
    wait_for_packets(other, moved.reports.sent)  # what is under way still would be heard below
    other.forget()
    make_sound(former, seconds=0.1)
    hears_nothing(other)
    assert len(relay.sessions()) == 1
    call.hang_up()


@by_either
@pytest.mark.parametrize("method", ("INVITE", "UPDATE"))
@pytest.mark.parametrize("status", (488, 491))
def test_a_refused_offer_leaves_the_sound_as_it_was(
    call: Talk, ends: ExitStack, by_caller: bool, method: str, status: int
) -> None:
    """The relay acts on an offer at once: without more it would send where the refused one says."""
    sound = call.near_sound if by_caller else call.far_sound
    elsewhere = ends.enter_context(sound_end(sound.address, OTHER_TONE))
    call.offer_refused(status, by_caller=by_caller, method=method, body=elsewhere.offer(version=9))
    call.heard_both_ways()
    hears_nothing(elsewhere)
    call.offer_later(by_caller=by_caller)
    call.heard_both_ways()
    call.hang_up()


def test_an_offer_that_a_carrier_challenges_is_taken_when_it_comes_again(
    relayed: Lab, ends: ExitStack, pbx: UserAgent, telco: UserAgent
) -> None:
    """The edge answers the challenge; the PBX never knows."""
    realm, password = "telco.example", "secret"
    carrier = make_carrier(realm=realm, username="us", ha1=make_ha1("us", password, realm))
    relayed.serve(site_changes={"relay": "Always"}, carriers=[carrier])
    call = talk(relayed, ends, pbx, telco).set_up()
    moved = ends.enter_context(sound_end(pbx.address, OTHER_TONE))
    call.near_sound = moved
    call.near.send("INVITE", body=moved.offer(version=5))
    first = telco.wait("INVITE")
    challenge = f'Digest realm="{realm}", nonce="n", algorithm=MD5, qop="auth"'
    telco.respond(first, 407, headers=[("Proxy-Authenticate", challenge)])
    again = telco.wait("INVITE")
    assert again.header("Proxy-Authorization")
    assert again.body == first.body
    telco.respond(again, 200, body=call.far_sound.answer(again.body))
    moved.connect(pbx.wait("INVITE", status=200).body)
    call.near.send("ACK", cseq=call.near.cseq)
    telco.wait("ACK")
    call.heard_both_ways()
    call.hang_up()


def test_a_late_offer_later_on(call: Talk) -> None:
    """A re-INVITE without SDP: the 2xx has the offer, the ACK the answer."""
    call.near.send("INVITE")
    received = call.callee.wait("INVITE")
    assert received.body == ""
    call.callee.respond(received, 200, body=call.far_sound.offer(version=7))
    answer = call.caller.wait("INVITE", status=200)
    call.near.send("ACK", cseq=call.near.cseq, body=call.near_sound.answer(answer.body))
    call.far_sound.connect(call.callee.wait("ACK").body)
    call.heard_both_ways()
    call.hang_up()


def test_an_update_before_the_answer(relayed: Lab, ends: ExitStack, pbx: UserAgent, telco: UserAgent) -> None:
    """RFC 3311 section 5.1: once the first offer was answered, in a reliable 183."""
    call = talk(relayed, ends, pbx, telco)
    invite = call.call(headers=[("Supported", "100rel")])
    reliable = [("Require", "100rel"), ("RSeq", "1")]
    telco.respond(invite, 183, headers=reliable, body=call.far_sound.answer(invite.body))
    ringing = pbx.wait("INVITE", status=183)
    call.near_sound.connect(ringing.body)
    leg = call.invite.leg(ringing)
    leg.send("PRACK", [("RAck", f"1 {call.invite.cseq} INVITE")])
    telco.respond(telco.wait("PRACK"), 200)
    pbx.wait("PRACK", status=200)
    call.heard_both_ways()
    leg.send("UPDATE", body=call.near_sound.offer(version=4))
    update = telco.wait("UPDATE")
    telco.respond(update, 200, body=call.far_sound.answer(update.body))
    call.near_sound.connect(pbx.wait("UPDATE", status=200).body)
    call.heard_both_ways()
    call.answered("")
    call.near.cseq = leg.cseq
    call.near.send("ACK", cseq=call.invite.cseq)
    telco.wait("ACK")
    call.heard_both_ways()
    call.hang_up()


def test_a_prack_may_bring_an_offer_of_its_own(
    relayed: Lab, ends: ExitStack, pbx: UserAgent, telco: UserAgent
) -> None:
    """RFC 3262 section 5: once the first offer was answered; its answer is in the 200 of the PRACK."""
    call = talk(relayed, ends, pbx, telco)
    invite = call.call(headers=[("Supported", "100rel")])
    reliable = [("Require", "100rel"), ("RSeq", "1")]
    telco.respond(invite, 183, headers=reliable, body=call.far_sound.answer(invite.body))
    ringing = pbx.wait("INVITE", status=183)
    call.near_sound.connect(ringing.body)
    leg = call.invite.leg(ringing)
    moved = ends.enter_context(sound_end(pbx.address, OTHER_TONE))
    leg.send("PRACK", [("RAck", f"1 {call.invite.cseq} INVITE")], moved.offer(version=3))
    prack = telco.wait("PRACK")
    telco.respond(prack, 200, body=call.far_sound.answer(prack.body))
    moved.connect(pbx.wait("PRACK", status=200).body)
    call.near_sound = moved
    call.heard_both_ways()
    call.answered("")
    call.near.cseq = leg.cseq
    call.near.send("ACK", cseq=call.invite.cseq)
    telco.wait("ACK")
    call.heard_both_ways()
    call.hang_up()


def test_offers_of_both_sides_at_once_leave_the_sound_as_it_was(call: Talk) -> None:
    """RFC 3261 section 14.1: each refuses the other's with 491."""
    branches = []
    for leg, sound in ((call.near, call.near_sound), (call.far, call.far_sound)):
        branches.append(leg.send("INVITE", body=sound.offer(version=8)))
    for leg, branch, other in (
        (call.near, branches[0], call.callee),
        (call.far, branches[1], call.caller),
    ):
        other.respond(other.wait("INVITE", call_id=leg.call_id), 491)
        acknowledge_refusal(leg, leg.agent.wait("INVITE", status=491), branch)
    call.heard_both_ways()
    call.offer_later(by_caller=True)
    call.heard_both_ways()
    call.hang_up()


def test_an_answer_that_is_repeated_when_its_transaction_is_gone_is_the_relay_s_as_well(
    call: Talk, relayed: Lab
) -> None:
    """RFC 3261 13.3.1.4: for half a minute; Kamailio keeps the transaction for five seconds."""
    until(lambda: call.invite.call_id not in relayed.edge.transactions())
    call.caller.forget()
    call.callee.respond(call.received, 200, body=call.far_sound.answer(call.received.body))
    again = call.caller.wait("INVITE", status=200)
    assert audio_address(again.body) == audio_address(call.answer.body)
    call.heard_both_ways()
    call.hang_up()


def test_a_repeated_answer_changes_nothing(call: Talk) -> None:
    """A callee repeats its 2xx until it gets the ACK."""
    first = call.answer
    call.caller.forget()
    call.callee.respond(call.received, 200, body=call.far_sound.answer(call.received.body))
    again = call.caller.wait("INVITE", status=200)
    assert again.body == first.body
    call.heard_both_ways()
    call.hang_up()
