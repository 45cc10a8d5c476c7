"""A secure trunk stays secure whichever message carries the media; what cannot be refused ends the call."""

from __future__ import annotations

import pytest

from support.dialogs import end, established
from support.lab import Lab
from support.sipmessage import render, sdp
from support.sipua import Leg, UserAgent, client_context


def secured(address: str) -> str:
    key = "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:" + "A" * 40 + "\r\n"
    return sdp(address, profile="RTP/SAVP") + key


@pytest.fixture
def phone(lab: Lab) -> UserAgent:
    """The PBX of a secure trunk."""
    lab.serve(trunk={"secure": True})
    return lab.agent(20, 0, "tls", tls=client_context())


def call(lab: Lab, phone: UserAgent, telco: UserAgent, *, offer: str, answer: str) -> Leg:
    """A call that is answered; `offer` may be "" for one in the 2xx."""
    invite = lab.call_out(phone, body=offer, contact=phone.contact)
    received = telco.wait("INVITE")
    telco.respond(received, 200, body=answer)
    leg = invite.leg(phone.wait("INVITE", status=200))
    leg.to = (lab.edge.address, 5061)
    return leg


def both_get_bye(phone: UserAgent, telco: UserAgent) -> None:
    for agent in (phone, telco):
        agent.respond(agent.wait("BYE"), 200)


def test_a_plain_offer_in_the_answer_reaches_nobody(lab: Lab, phone: UserAgent, telco: UserAgent) -> None:
    """An INVITE without SDP, a 2xx with plain RTP: the caller sees no media, and the call is ended."""
    invite = lab.call_out(phone, body="")
    telco.respond(telco.wait("INVITE"), 200, body=sdp(telco.address))
    answer = phone.wait("INVITE", status=200)
    assert "m=audio 0 RTP/AVP" in answer.body
    leg = invite.leg(answer)
    leg.to = (lab.edge.address, 5061)
    leg.send("ACK")
    telco.wait("ACK")
    both_get_bye(phone, telco)
    assert lab.edge.logs("ended reason=MediaNotSecure")


def test_a_plain_answer_to_a_secure_offer_reaches_nobody(
    lab: Lab, phone: UserAgent, telco: UserAgent
) -> None:
    leg = call(lab, phone, telco, offer=secured(phone.address), answer=sdp(telco.address))
    leg.send("ACK")
    telco.wait("ACK")
    both_get_bye(phone, telco)


def test_a_plain_answer_in_the_ack_reaches_nobody(lab: Lab, phone: UserAgent, telco: UserAgent) -> None:
    """An ACK cannot be refused either."""
    leg = call(lab, phone, telco, offer="", answer=secured(telco.address))
    leg.send("ACK", body=sdp(phone.address))
    assert "m=audio 0 RTP/AVP" in telco.wait("ACK").body
    both_get_bye(phone, telco)


@pytest.mark.parametrize("method", ("INVITE", "UPDATE"))
def test_a_plain_offer_later_is_refused_and_the_call_goes_on(
    lab: Lab, phone: UserAgent, telco: UserAgent, method: str
) -> None:
    leg = call(lab, phone, telco, offer=secured(phone.address), answer=secured(telco.address))
    leg.send("ACK")
    telco.wait("ACK")
    branch = leg.send(method, body=sdp(phone.address))
    refused = phone.wait(method, status=488)
    assert refused.header("X-Trunkline-Error").startswith("32208")
    if method == "INVITE":
        fields = [phone.via(branch), ("Max-Forwards", "70"), *(("Route", route) for route in leg.routes)]
        fields += [("From", leg.local), ("To", leg.remote), ("Call-ID", leg.call_id)]
        fields += [("CSeq", f"{leg.cseq} ACK")]
        phone.send(render(f"ACK {leg.target} SIP/2.0", fields), leg.to)
    assert telco.silence(0.1) == []
    end(leg, telco)


def test_a_secure_call_is_held_over_tls_and_not_over_udp(
    lab: Lab, phone: UserAgent, telco: UserAgent
) -> None:
    """S20: of the same address and with all the call's tags."""
    leg = call(lab, phone, telco, offer=secured(phone.address), answer=secured(telco.address))
    leg.send("ACK")
    telco.wait("ACK")
    leg.send("INVITE", body=secured(phone.address))
    telco.respond(telco.wait("INVITE"), 200, body=secured(telco.address))
    phone.wait("INVITE", status=200)
    leg.send("ACK")
    telco.wait("ACK")
    over_udp = lab.agent(20)
    leg.agent, leg.to = over_udp, lab.edge_at
    leg.send("INVITE", body=secured(phone.address))
    assert over_udp.final(leg.call_id).status == 403
    assert telco.silence(0.1) == []


def test_srtp_later_is_refused_on_a_trunk_that_has_none(lab: Lab, pbx: UserAgent, telco: UserAgent) -> None:
    leg, _, _, _ = established(lab, pbx, telco, outgoing=True)
    leg.send("UPDATE", body=secured(pbx.address))
    assert pbx.wait("UPDATE", status=488).header("X-Trunkline-Error").startswith("32207")
    end(leg, telco)


def test_a_bye_goes_on_without_what_it_may_not_carry(lab: Lab, pbx: UserAgent, telco: UserAgent) -> None:
    """It cannot be refused: a call must be able to end."""
    leg, _, _, _ = established(lab, pbx, telco, outgoing=True)
    leg.send("BYE", body="v=0\r\n")
    bye = telco.wait("BYE")
    assert (bye.body, bye.header("Content-Length")) == ("", "0")
    assert bye.all("Content-Type") == []
    telco.respond(bye, 200)
    pbx.wait("BYE", status=200)
