"""CSeq and RAck after a challenge that the edge has answered: each side sees its own numbers."""

from __future__ import annotations

from support.dialogs import end, hold, killed_and_restarted
from support.lab import Lab
from support.sipmessage import Message, sdp
from support.sipua import Invite, UserAgent, callee_leg
from support.tables import make_carrier, make_ha1

CHALLENGE = 'Digest realm="telco.example", nonce="abc", qop="auth"'


def challenged(lab: Lab, pbx: UserAgent, telco: UserAgent) -> tuple[Invite, Message]:
    """A call whose INVITE the carrier has challenged, and the second INVITE."""
    ha1 = make_ha1("acct1", "Gate-Pass-2026x", "telco.example")
    lab.serve(carriers=[make_carrier(realm="telco.example", username="acct1", ha1=ha1)])
    invite = lab.call_out(pbx, headers=[("Supported", "100rel")])
    first = telco.wait("INVITE")
    telco.respond(first, 407, headers=[("Proxy-Authenticate", CHALLENGE)])
    telco.wait("ACK")
    second = telco.wait("INVITE")
    assert second.cseq == first.cseq + 1
    return invite, second


def test_prack_ack_hold_and_bye_follow_the_number(own: Lab, pbx: UserAgent, telco: UserAgent) -> None:
    """One more at the carrier, the caller's own in each answer; the same after a restart."""
    invite, received = challenged(own, pbx, telco)
    telco.respond(received, 183, headers=[("RSeq", "5"), ("Require", "100rel")], body=sdp(telco.address))
    progress = pbx.wait("INVITE", status=183)
    assert progress.cseq == 1
    leg = invite.leg(progress)
    leg.send("PRACK", [("RAck", "5 1 INVITE")])
    prack = telco.wait("PRACK")
    assert (prack.header("CSeq"), prack.header("RAck")) == ("3 PRACK", "5 2 INVITE")
    telco.respond(prack, 200)
    assert pbx.wait("PRACK", status=200).cseq == 2
    telco.respond(received, 200)
    assert pbx.wait("INVITE", status=200).cseq == 1
    leg.send("ACK", cseq=1)
    assert telco.wait("ACK").cseq == 2
    assert hold(leg, telco).cseq == 4
    far = callee_leg(telco, received, received.path)
    assert hold(far, pbx).cseq == far.cseq
    killed_and_restarted(own)
    assert hold(leg, telco).cseq == 5
    end(leg, telco)


def test_an_answer_that_is_late_has_the_callers_number_too(
    lab: Lab, pbx: UserAgent, telco: UserAgent
) -> None:
    """A 2xx repeated after its transaction is gone."""
    invite, received = challenged(lab, pbx, telco)
    telco.respond(received, 200, body=sdp(telco.address))
    assert pbx.wait("INVITE", status=200).cseq == 1
    pbx.silence(5.5)
    pbx.inbox.clear()
    telco.respond(received, 200, headers=[("X-Late", "1")], body=sdp(telco.address))
    assert pbx.wait("INVITE", status=200).cseq == 1
    assert invite.cseq == 1


def test_the_next_carrier_has_its_own_numbers(lab: Lab, pbx: UserAgent, telco: UserAgent) -> None:
    """Without a second target the refusal that follows has the caller's number as well."""
    invite, received = challenged(lab, pbx, telco)
    telco.respond(received, 486)
    refused = pbx.wait("INVITE", status=486)
    assert refused.cseq == 1
    invite.ack_refusal(refused)
    assert telco.wait("ACK").cseq == 2


def test_a_cancel_has_the_number_of_what_it_cancels(lab: Lab, pbx: UserAgent, telco: UserAgent) -> None:
    """RFC 3261 section 9.1: at the carrier that of the second INVITE, and its From."""
    invite, received = challenged(lab, pbx, telco)
    telco.respond(received, 180)
    pbx.wait("INVITE", status=180)
    invite.cancel()
    pbx.wait("CANCEL", status=200)
    cancel = telco.wait("CANCEL")
    assert (cancel.cseq, cancel.header("From")) == (received.cseq, received.header("From"))
    telco.respond(cancel, 200)
    telco.respond(received, 487)
    assert invite.final().status == 487
    assert telco.wait("ACK").cseq == received.cseq
