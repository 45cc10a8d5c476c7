"""Calls of which Kamailio has no dialog do not begin, and what comes of one that is over already."""

from __future__ import annotations

import pytest

from support.lab import FAR_NUMBER, TELCO, Lab
from support.patience import until
from support.sipmessage import sdp
from support.sipua import UserAgent, callee_leg
from support.tables import make_gateway

DIRECTIONS = pytest.mark.parametrize("outgoing", (True, False), ids=("termination", "origination"))


@DIRECTIONS
@pytest.mark.parametrize("value", ("junk", "<sip:192.0.2.1;lr>;", "<sip:192.0.2.1;lr>, junk"))
def test_a_call_that_nothing_would_count_or_end_is_refused(
    lab: Lab, pbx: UserAgent, telco: UserAgent, outgoing: bool, value: str
) -> None:
    """Kamailio makes no dialog with a Record-Route that it cannot read, and would relay the INVITE."""
    caller, callee = (pbx, telco) if outgoing else (telco, pbx)
    make = lab.call_out if outgoing else lab.call_in
    invite = make(caller, headers=[("Record-Route", value)])
    assert invite.final().status == 400
    assert not [each for each in callee.silence(0.2) if each.call_id == invite.call_id]


def test_a_call_that_its_caller_has_ended_is_tried_nowhere_else(
    lab: Lab, pbx: UserAgent, telco: UserAgent
) -> None:
    """RFC 3261 15: a caller may end an early dialog by BYE; the answer to its INVITE is then 487."""
    second = lab.agent(TELCO + 1)
    gateways = [make_gateway(telco.address, 5060), make_gateway(second.address, 5060, priority=99)]
    lab.serve(routes={"+": gateways})
    invite = lab.call_out(pbx)
    received = telco.wait("INVITE", call_id=invite.call_id)
    telco.respond(received, 180)
    leg = invite.leg(pbx.wait("INVITE", status=180, call_id=invite.call_id))
    leg.send("BYE")
    telco.respond(telco.wait("BYE", call_id=invite.call_id), 200)
    pbx.wait("BYE", status=200, call_id=invite.call_id)
    telco.respond(received, 487)
    assert second.silence(0.3) == []
    assert invite.final().status == 487


@pytest.mark.parametrize("status", (200, 487))
def test_an_answer_in_a_dialog_that_is_over_is_judged_as_before(
    lab: Lab, pbx: UserAgent, telco: UserAgent, status: int
) -> None:
    """A BYE overtakes the answer to a re-INVITE: its sender still is who he was, and stays unknown."""
    invite = lab.call_in(telco, headers=[("Privacy", "id")])
    received = pbx.wait("INVITE", call_id=invite.call_id)
    pbx.respond(received, 200, body=sdp(pbx.address))
    near = invite.leg(telco.wait("INVITE", status=200, call_id=invite.call_id))
    near.send("ACK")
    pbx.wait("ACK", call_id=invite.call_id)
    far = callee_leg(pbx, received, lab.edge_at)
    far.send("INVITE", body=sdp(pbx.address))
    asked = telco.wait("INVITE", call_id=invite.call_id)
    near.send("BYE")
    pbx.respond(pbx.wait("BYE", call_id=invite.call_id), 200)
    telco.wait("BYE", status=200, call_id=invite.call_id)
    until(lambda: lab.dialogs() == 0, "the dialog is over")
    asserted = ("P-Asserted-Identity", f"<sip:{FAR_NUMBER}@telco.example>")
    telco.respond(asked, status, headers=[asserted], body=sdp(telco.address) if status == 200 else "")
    answer = pbx.wait("INVITE", status=status, call_id=invite.call_id)
    assert (answer.header("From"), answer.header("To")) == (far.local, far.remote)
    assert FAR_NUMBER not in answer.raw.decode()
    if status == 200:
        far.send("ACK", cseq=far.cseq)
        telco.wait("ACK", call_id=invite.call_id)
