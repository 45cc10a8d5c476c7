"""Who may send a request in a dialog: the side itself, its networks, who knows the trunk's password."""

from __future__ import annotations

import pytest

from support.dialogs import end, established, killed_and_restarted
from support.lab import PBX, Lab
from support.sipmessage import digest_answer, sdp
from support.sipua import Leg, UserAgent

PASSWORD = "Field-Pass-2026x"


def with_password(lab: Lab) -> None:
    lab.serve(
        trunk={
            "access": (f"{lab.block.address(PBX)}/32", f"{lab.block.address(41)}/32"),
            "credential_lists": ("acme/users",),
        },
        credentials={("acme/users", "pbx"): PASSWORD},
    )


def without_password(lab: Lab) -> None:
    lab.serve(trunk={"access": (f"{lab.block.address(PBX)}/32", f"{lab.block.address(41)}/32")})


def test_another_address_of_the_access_list_speaks_for_the_customer(
    lab: Lab, pbx: UserAgent, telco: UserAgent
) -> None:
    """A second SBC of the same trunk takes the call over: held, then reached by the carrier there."""
    without_password(lab)
    leg, far, _, _ = established(lab, pbx, telco, outgoing=True)
    leg.agent = lab.agent(41)
    leg.send("INVITE", body=sdp(leg.agent.address))
    telco.respond(telco.wait("INVITE"), 200, body=sdp(telco.address))
    leg.agent.wait("INVITE", status=200)
    leg.send("ACK")
    telco.wait("ACK")
    end(far, leg.agent)
    assert [message for message in pbx.silence(0.02) if message.is_request] == []


def test_another_host_of_the_carrier_speaks_for_it(own: Lab, pbx: UserAgent, telco: UserAgent) -> None:
    """By its source networks, before and after a restart; a stranger does not."""
    own.serve(sources={f"{own.block.address(each)}/32": "telco" for each in (30, 33)})
    _, far, _, _ = established(own, pbx, telco, outgoing=True)
    far.agent = own.agent(33)
    far.send("INFO")
    pbx.respond(pbx.wait("INFO"), 200)
    far.agent.wait("INFO", status=200)
    killed_and_restarted(own)
    far.send("INFO")
    pbx.wait("INFO")
    far.agent = own.agent(66)
    far.send("BYE")
    far.agent.wait("BYE", status=481)


def challenged(leg: Leg, method: str, body: str = "") -> str:
    leg.send(method, body=body)
    return leg.agent.wait(method, status=407).header("Proxy-Authenticate")


def answered(leg: Leg, challenge: str, method: str, password: str, body: str = "") -> None:
    value = digest_answer(challenge, "pbx", password, method, leg.target)
    leg.send(method, [("Proxy-Authorization", value)], body)


def test_from_elsewhere_only_with_the_trunks_password(lab: Lab, pbx: UserAgent, telco: UserAgent) -> None:
    """407, then by password; a wrong one is refused, an ACK without is dropped."""
    without_password(lab)
    leg, far, _, _ = established(lab, pbx, telco, outgoing=True)
    with_password(lab)
    leg.agent = elsewhere = lab.agent(66)
    answered(leg, challenged(leg, "INFO"), "INFO", "wrong-password")
    elsewhere.wait("INFO", status=403)
    leg.send("ACK")
    assert telco.silence(0.1) == []
    answered(
        leg, challenged(leg, "INVITE", sdp(elsewhere.address)), "INVITE", PASSWORD, sdp(elsewhere.address)
    )
    received = telco.wait("INVITE")
    assert received.all("Proxy-Authorization") == []
    telco.respond(received, 200, body=sdp(telco.address))
    elsewhere.wait("INVITE", status=200)
    leg.send("ACK")
    telco.wait("ACK")
    end(far, elsewhere)


@pytest.mark.parametrize("method", ("BYE", "INFO", "UPDATE", "OPTIONS", "INVITE", "ACK"))
def test_a_stranger_with_the_route_of_a_call_gets_nowhere(
    lab: Lab, pbx: UserAgent, telco: UserAgent, method: str
) -> None:
    """A trunk without passwords: 481, silence to INVITE and ACK; the call goes on."""
    leg, far, _, _ = established(lab, pbx, telco, outgoing=True)
    leg.agent = stranger = lab.agent(66)
    leg.send(method, body=sdp(stranger.address) if method in ("INVITE", "UPDATE") else "")
    if method in ("INVITE", "ACK"):
        assert stranger.silence(0.1) == []
    else:
        stranger.wait(method, status=481)
    assert telco.silence(0.05) == []
    end(far, pbx)


def test_without_memory_nobody_is_asked_for_a_password(own: Lab, pbx: UserAgent, telco: UserAgent) -> None:
    """Which trunk it was, no Route tells."""
    without_password(own)
    leg, _, _, _ = established(own, pbx, telco, outgoing=True)
    with_password(own)
    killed_and_restarted(own)
    leg.agent = elsewhere = own.agent(66)
    leg.send("BYE")
    elsewhere.wait("BYE", status=481)
    leg.agent = pbx
    end(leg, telco)
