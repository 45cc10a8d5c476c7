"""Where else a party may try to lead what the edge sends."""

from __future__ import annotations

import pytest

from support.dialogs import end, established
from support.lab import Lab
from support.sipmessage import sdp
from support.sipua import UserAgent

FOREIGN = "<sip:elsewhere@203.0.113.66;lr>"


@pytest.mark.parametrize("method", ("INFO", "INVITE", "UPDATE", "BYE"))
@pytest.mark.parametrize("outgoing", (True, False))
def test_a_route_that_the_other_side_never_recorded_goes_no_further(
    lab: Lab, pbx: UserAgent, telco: UserAgent, method: str, outgoing: bool
) -> None:
    """A carrier trusts the edge's address: with a made-up Route and Request-URI it would be led anywhere."""
    caller, callee = (pbx, telco) if outgoing else (telco, pbx)
    leg, _, _, _ = established(lab, caller, callee, outgoing=outgoing)
    leg.routes.append(FOREIGN)
    leg.target = "sip:+19005550000@anywhere.example"
    leg.send(method, body=sdp(leg.agent.address) if method == "INVITE" else "")
    arrived = callee.wait(method)
    assert arrived.all("Route") == []
    assert arrived.first_line == f"{method} {callee.contact} SIP/2.0"


@pytest.mark.parametrize(
    "contact", ("sip:u@[2606:4700::1111]:5060", "sip:u@[64:ff9b::7f00:1]", "sip:u@224.0.0.1")
)
def test_a_contact_at_an_address_that_cannot_be_reached_is_no_hop(
    lab: Lab, pbx: UserAgent, telco: UserAgent, contact: str
) -> None:
    """Two IP versions at one PBX, or a group of hosts: requests go where its messages come from."""
    leg, far, _, _ = established(lab, pbx, telco, outgoing=True)
    leg.contact = contact
    leg.send("UPDATE")
    telco.respond(telco.wait("UPDATE"), 200)
    pbx.wait("UPDATE", status=200)
    end(far, pbx)
