"""Media of calls that come about by other ways: looked up, challenged, with a location, by two edges."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

from sip.test_egress import Two, by_dublin
from sip.test_recovery import dialled
from sipedge.secret import Secret
from support.edge import running_edge
from support.lab import Lab
from support.lookups import NAME, agent_of
from support.recovery import Recovery
from support.relay import Relay, media_settings, running_relay
from support.sipua import UserAgent
from support.sound import sound_end
from support.tables import make_carrier, make_ha1
from support.talking import OTHER_TONE, acknowledge_refusal, talk

RELAYED = {"relay": "Always"}
REALM = "telco.example"
CALLER = "+12125550199"


def test_a_call_that_has_waited_for_a_name_has_sound(
    relayed: Lab, relay: Relay, ends: ExitStack, pbx: UserAgent, telco: UserAgent
) -> None:
    desk = relayed.agent(25)
    with agent_of(relayed) as agent:
        call = talk(relayed, ends, telco, pbx, outgoing=False)
        pbx.respond(call.call(), 302, headers=[("Contact", f"<sip:desk@{NAME}>")])
        agent.answer(agent.question(), desk.address)
        call.callee = desk
        call.far_sound = ends.enter_context(sound_end(desk.address, OTHER_TONE))
        call.received = desk.wait("INVITE")
        call.near_sound.connect(call.answered().body)
        call.acknowledged()
        call.heard_both_ways()
        assert len(relay.sessions()) == 1
        call.hang_up()


def test_a_call_that_has_waited_before_it_was_decided_has_sound(
    relayed: Lab, ends: ExitStack, pbx: UserAgent, telco: UserAgent
) -> None:
    """For the name of its caller: the INVITE leaves by another route of Kamailio's then."""
    url = Secret("https://cnam.example/{number}")
    relayed.serve(site_changes={**RELAYED, "caller_name_url": url}, trunk={"caller_name_lookup": True})
    with agent_of(relayed) as agent:
        call = talk(relayed, ends, telco, pbx, outgoing=False)
        call.begin(caller=CALLER)
        agent.answer_text(agent.question(), f"callerName|{CALLER}", "ACME LONDON")
        assert telco.address not in call.arrived().body
        call.near_sound.connect(call.answered().body)
        call.acknowledged()
        call.heard_both_ways()
        call.hang_up()


def test_an_invite_that_its_carrier_challenges_keeps_its_session(
    relayed: Lab, relay: Relay, ends: ExitStack, pbx: UserAgent, telco: UserAgent
) -> None:
    carrier = make_carrier(realm=REALM, username="us", ha1=make_ha1("us", "Carrier-1", REALM))
    relayed.serve(site_changes=RELAYED, carriers=[carrier])
    call = talk(relayed, ends, pbx, telco)
    first = call.call()
    sessions = relay.sessions()
    challenge = f'Digest realm="{REALM}", nonce="n", algorithm=MD5, qop="auth"'
    telco.respond(first, 407, headers=[("Proxy-Authenticate", challenge)])
    call.received = telco.wait("INVITE")
    assert call.received.body == first.body
    call.near_sound.connect(call.answered().body)
    call.acknowledged()
    call.heard_both_ways()
    assert relay.sessions() == sessions
    call.hang_up()


def test_a_challenge_of_a_pbx_is_for_the_carrier_to_answer(
    relayed: Lab, ends: ExitStack, pbx: UserAgent, telco: UserAgent
) -> None:
    call = talk(relayed, ends, telco, pbx, outgoing=False).set_up()
    branch = call.near.send("INVITE", body=call.near_sound.offer(version=4))
    pbx.respond(pbx.wait("INVITE"), 407)
    acknowledge_refusal(call.near, telco.wait("INVITE", status=407), branch)
    call.heard_both_ways()
    call.hang_up()


def test_an_emergency_call_brings_its_location_and_has_sound(
    relayed: Lab, ends: ExitStack, pbx: UserAgent, telco: UserAgent
) -> None:
    """RFC 6442: of a body of two parts one is the relay's, the other stays as it is."""
    routes = relayed.platform().routes
    relayed.serve(site_changes=RELAYED, routes={**routes, "emergency": routes["+"]})
    call = talk(relayed, ends, pbx, telco)
    body = (
        f"--b\r\nContent-Type: application/sdp\r\n\r\n{call.near_sound.offer()}\r\n"
        "--b\r\nContent-Type: application/pidf+xml\r\nContent-ID: <where@pbx>\r\n\r\n<presence/>\r\n--b--\r\n"
    )
    headers = [("Content-Type", "multipart/mixed;boundary=b"), ("Geolocation", "<cid:where@pbx>")]
    received = call.call(called="911", headers=headers, body=body)
    assert received.header("Content-Type") == "multipart/mixed;boundary=b"
    assert "<presence/>" in received.body
    assert pbx.address not in received.body
    call.near_sound.connect(call.answered().body)
    call.acknowledged()
    call.heard_both_ways()
    call.hang_up()


def test_a_call_that_leaves_by_another_edge_goes_through_both_relays(
    relayed: Lab, relay: Relay, ends: ExitStack, pbx: UserAgent, telco: UserAgent, tmp_path: Path
) -> None:
    """The PBX is shown dublin alone, the carrier ashburn alone."""
    address, secret = relayed.block.address(2), relayed.edge.settings.edge_secret_file
    media = media_settings(address, tmp_path)
    with (
        running_edge(None, address, edge="dublin", edge_secret_file=secret, media=media) as dublin,
        running_relay(dublin.settings) as far_relay,
    ):
        Two(relayed, dublin).serve(by_dublin(pbx), site_changes=RELAYED)
        call = talk(relayed, ends, telco, pbx, outgoing=False)
        assert f"c=IN IP4 {address}" in call.call().body
        assert f"c=IN IP4 {relayed.edge.address}" in call.answered().body
        call.near_sound.connect(call.answer.body)
        call.acknowledged()
        assert (len(relay.sessions()), len(far_relay.sessions())) == (1, 1)
        call.heard_both_ways()
        call.offer_refused(488, by_caller=True)
        call.offer_later(by_caller=False)
        call.heard_both_ways()
        call.hang_up()
        assert (relay.sessions(), far_relay.sessions()) == ([], [])


def test_where_the_edge_relays_when_needed_instructions_have_sound_and_connect(
    recovery: Recovery, relay: Relay, ends: ExitStack
) -> None:
    """What the edge itself plays passes the relay, whatever else does; connected, both talk directly."""
    target = recovery.lab.agent(31)
    recovery.app.say("/after", "<Play>/tone.wav</Play>")
    verbs = f'<Play>/short.wav</Play><Dial action="/after"><Sip>sip:bob@{target.address}</Sip></Dial>'
    leg, _, _ = dialled(recovery, ends, target, verbs, site_changes={"relay": "WhenNeeded"})
    assert relay.sessions() == []
    leg.send("BYE")
    target.wait("BYE", status=200, call_id=leg.call_id)
    recovery.moved()
    recovery.hears()
    assert len(relay.sessions()) == 1
    recovery.hangs_up()
