"""What a target says of the cause of a failure, and a caller of the cause of its hanging up (RFC 3326)."""

from __future__ import annotations

import pytest

from support.lab import FAR_NUMBER, PBX, Lab
from support.sipmessage import sdp
from support.sipua import UserAgent, callee_leg
from support.tables import make_gateway, make_target

REASON = ("Reason", 'Q.850;cause=34;text="no circuit, all busy"')
WARNING = ("Warning", '399 carrier "x"')
CAUSES = [REASON, ("Reason", "SIP;cause=503"), WARNING, ("Retry-After", "3600")]
SECOND = 31


@pytest.mark.parametrize(
    ("status", "seen", "retry_after"),
    ((500, 500, ["3600"]), (503, 503, []), (302, 480, []), (407, 480, []), (486, 486, ["3600"])),
)
def test_the_cause_of_a_carriers_refusal_reaches_the_pbx(
    lab: Lab, pbx: UserAgent, telco: UserAgent, status: int, seen: int, retry_after: list[str]
) -> None:
    """Also where the edge gives the answer, since 302 and 407 are not for the PBX; a Retry-After is the
    carrier's then, not the edge's."""
    invite = lab.call_out(pbx)
    telco.respond(telco.wait("INVITE"), status, headers=CAUSES)
    final = invite.final()
    assert final.status == seen
    assert ", ".join(final.all("Reason")) == f"{REASON[1]}, SIP;cause=503"
    assert final.all("Warning") == [WARNING[1]]
    assert final.all("Retry-After") == retry_after


def test_the_cause_of_the_last_answer_is_told_when_what_followed_was_silent(
    lab: Lab, telco: UserAgent
) -> None:
    """A refused TCP connection says nothing."""
    lab.serve(
        trunk={
            "targets": (
                make_target(lab.block.address(PBX), 5060),
                make_target(lab.block.address(SECOND), 5060, transport="tcp", id="acme/2", priority=20),
            )
        }
    )
    pbx = lab.agent(PBX)
    invite = lab.call_in(telco)
    pbx.respond(pbx.wait("INVITE"), 488, headers=CAUSES)
    final = invite.final()
    assert (final.status, final.all("Warning")) == (488, [WARNING[1]])


def test_a_cause_that_cannot_be_one_is_left_out(lab: Lab, pbx: UserAgent, telco: UserAgent) -> None:
    """Text of a target in an answer of our own: no control character, and not without end."""
    invite = lab.call_out(pbx)
    causes = [("Reason", "x" * 3000), ("Reason", 'Q.850;cause=1;text="\x07"'), ("Warning", "")]
    telco.respond(telco.wait("INVITE"), 503, headers=causes)
    final = invite.final()
    assert final.status == 503
    assert final.all("Reason") == ['Q.850;cause=1;text=" "']
    assert final.all("Warning") == []


def test_the_reason_of_a_cancel_and_of_a_bye_travels(lab: Lab, pbx: UserAgent, telco: UserAgent) -> None:
    """So an exchange may say that the call was answered elsewhere."""
    elsewhere = ("Reason", 'SIP;cause=200;text="Call completed elsewhere"')
    invite = lab.call_in(telco)
    received = pbx.wait("INVITE")
    pbx.respond(received, 180)
    telco.wait(status=180)
    invite.cancel([elsewhere])
    cancel = pbx.wait("CANCEL")
    assert cancel.all("Reason") == [elsewhere[1]]
    pbx.respond(cancel, 200)
    pbx.respond(received, 487)
    assert invite.final().status == 487

    invite = lab.call_in(telco)
    received = pbx.wait("INVITE")
    pbx.respond(received, 200, body=sdp(pbx.address))
    invite.leg(invite.final()).send("ACK")
    pbx.wait("ACK", call_id=invite.call_id)
    callee_leg(pbx, received, lab.edge_at).send("BYE", [REASON])
    bye = telco.wait("BYE")
    assert bye.all("Reason") == [REASON[1]]
    telco.respond(bye, 200)
    pbx.wait("BYE", status=200)


@pytest.mark.parametrize("target", ("no-such-name.example", "the edge"))
def test_a_call_without_any_address_to_call_is_told_so(lab: Lab, telco: UserAgent, target: str) -> None:
    """Nothing was sent, so nobody was silent: 480, and the reason has a name."""
    host = lab.edge.address if target == "the edge" else target
    lab.serve(trunk={"targets": (make_target(host, 5060),)})
    start = len(lab.edge.log())
    final = lab.call_in(telco).final()
    assert (final.status, final.reason) == (480, "No Reachable Target")
    assert lab.edge.logs("reason=NoReachableTarget", start)


def test_a_call_without_any_gateway_to_call_is_told_so(lab: Lab, pbx: UserAgent) -> None:
    """Towards the PSTN as well."""
    lab.serve(routes={"+": [make_gateway("no-such-name.example", 5060)]})
    final = lab.call_out(pbx, FAR_NUMBER).final()
    assert (final.status, final.reason) == (480, "No Reachable Target")
