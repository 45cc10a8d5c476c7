"""Requests within a dialog follow it; CANCEL ends a ringing call; a stranger's go nowhere (S11, S23)."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from support.lab import FAR_NUMBER, OWN_NUMBER, Lab
from support.patience import LATE_TICK_SECONDS, SHORT_CALL_SECONDS, until
from support.sipmessage import Message, new_token, render, sdp
from support.sipua import Leg, UserAgent, callee_leg
from support.tables import make_account, make_target


def established(
    lab: Lab, caller: UserAgent, callee: UserAgent, *, outgoing: bool
) -> tuple[Leg, Leg, Message]:
    """A call in progress: both sides' legs, and the INVITE as the callee got it."""
    invite = lab.call_out(caller) if outgoing else lab.call_in(caller)
    received = callee.wait("INVITE")
    callee.respond(received, 200, body=sdp(callee.address))
    leg = invite.leg(caller.wait(status=200))
    leg.send("ACK")
    callee.wait("ACK")
    return leg, callee_leg(callee, received, lab.edge_at), received


@pytest.mark.parametrize("outgoing", (True, False), ids=("termination", "origination"))
@pytest.mark.parametrize("ends", ("caller", "callee"))
def test_either_side_may_end_the_call(
    lab: Lab, pbx: UserAgent, telco: UserAgent, outgoing: bool, ends: str
) -> None:
    """BYE both ways in both directions."""
    caller, callee = (pbx, telco) if outgoing else (telco, pbx)
    near, far, _ = established(lab, caller, callee, outgoing=outgoing)
    leg, other = (near, callee) if ends == "caller" else (far, caller)
    leg.send("BYE")
    other.respond(other.wait("BYE"), 200)
    leg.agent.wait("BYE", status=200)


@pytest.mark.parametrize("outgoing", (True, False), ids=("termination", "origination"))
@pytest.mark.parametrize("by", ("caller", "callee"))
def test_either_side_may_put_the_call_on_hold(
    lab: Lab, pbx: UserAgent, telco: UserAgent, outgoing: bool, by: str
) -> None:
    """Re-INVITE with a new offer, answered and ACKed; session timers and our own headers do not pass."""
    caller, callee = (pbx, telco) if outgoing else (telco, pbx)
    near, far, _ = established(lab, caller, callee, outgoing=outgoing)
    leg, other = (near, callee) if by == "caller" else (far, caller)
    hold = sdp(leg.agent.address) + "a=sendonly\r\n"
    leg.send("INVITE", [("Session-Expires", "90"), ("X-Trunkline-Evil", "1"), ("Supported", "timer")], hold)
    received = other.wait("INVITE")
    assert received.body == hold
    for name in ("Session-Expires", "X-Trunkline-Evil", "Supported"):
        assert received.all(name) == []
    other.respond(received, 200, headers=[("Session-Expires", "90")], body=sdp(other.address))
    answer = leg.agent.wait("INVITE", status=200)
    assert answer.all("Session-Expires") == []
    leg.send("ACK")
    assert other.wait("ACK").cseq == leg.cseq


def test_the_customers_contact_is_reached_where_it_called_from(
    lab: Lab, pbx: UserAgent, telco: UserAgent
) -> None:
    """NAT: a PBX with a private Contact gets the BYE at the address its INVITE came from."""
    invite = lab.call_out(pbx, contact="sip:pbx@192.0.2.77:5066")
    received = telco.wait("INVITE")
    telco.respond(received, 200, body=sdp(telco.address))
    invite.leg(pbx.wait(status=200)).send("ACK")
    telco.wait("ACK")
    callee_leg(telco, received, lab.edge_at).send("BYE")
    bye = pbx.wait("BYE")
    assert bye.uri == "sip:pbx@192.0.2.77:5066"
    pbx.respond(bye, 200)
    telco.wait("BYE", status=200)


def test_the_customers_contact_in_an_answer_is_reached_where_it_answered_from(
    lab: Lab, pbx: UserAgent, telco: UserAgent
) -> None:
    """The same for an origination call."""
    invite = lab.call_in(telco)
    received = pbx.wait("INVITE")
    pbx.respond(received, 200, headers=[("Contact", "<sip:pbx@192.0.2.77:5066>")], body=sdp(pbx.address))
    leg = invite.leg(telco.wait(status=200))
    leg.send("ACK")
    assert pbx.wait("ACK").uri == "sip:pbx@192.0.2.77:5066"
    leg.send("BYE")
    pbx.respond(pbx.wait("BYE"), 200)
    telco.wait("BYE", status=200)


@pytest.mark.parametrize("outgoing", (True, False), ids=("termination", "origination"))
@pytest.mark.parametrize("by", ("caller", "callee"))
def test_a_name_in_a_contact_is_never_resolved_at_the_edge(
    lab: Lab, pbx: UserAgent, telco: UserAgent, outgoing: bool, by: str
) -> None:
    """A request to it goes where its message came from, also towards a carrier: no name server is asked."""
    caller, callee = (pbx, telco) if outgoing else (telco, pbx)
    name = "sip:sbc@silent.example"
    invite = (lab.call_out if outgoing else lab.call_in)(caller, contact=name)
    received = callee.wait("INVITE")
    callee.respond(received, 200, headers=[("Contact", f"<{name}>")], body=sdp(callee.address))
    leg = invite.leg(caller.wait("INVITE", status=200))
    leg.send("ACK")
    assert callee.wait("ACK").uri == name
    sender, other = (leg, callee) if by == "caller" else (callee_leg(callee, received, lab.edge_at), caller)
    sender.send("BYE")
    bye = other.wait("BYE")
    assert bye.uri == name
    other.respond(bye, 200)
    sender.agent.wait("BYE", status=200)


def test_provisional_answers_are_acknowledged_reliably(lab: Lab, pbx: UserAgent, telco: UserAgent) -> None:
    """100rel: 183 with RSeq, PRACK with RAck, UPDATE in the early dialog."""
    invite = lab.call_out(pbx, headers=[("Supported", "100rel"), ("Require", "100rel")])
    received = telco.wait("INVITE")
    assert received.header("Require") == "100rel"
    telco.respond(received, 183, headers=[("RSeq", "7"), ("Require", "100rel")], body=sdp(telco.address))
    progress = pbx.wait(status=183)
    assert (progress.header("RSeq"), progress.header("Require")) == ("7", "100rel")
    leg = invite.leg(progress)
    leg.send("PRACK", [("RAck", "7 1 INVITE")])
    prack = telco.wait("PRACK")
    assert prack.header("RAck") == "7 1 INVITE"
    telco.respond(prack, 200)
    pbx.wait("PRACK", status=200)
    leg.send("UPDATE", body=sdp(pbx.address))
    telco.respond(telco.wait("UPDATE"), 200)
    pbx.wait("UPDATE", status=200)
    telco.respond(received, 200)
    pbx.wait("INVITE", status=200)
    leg.send("ACK", cseq=1)
    telco.wait("ACK")


def test_info_passes_in_the_dialog(lab: Lab, pbx: UserAgent, telco: UserAgent) -> None:
    """DTMF by INFO, and its answer."""
    leg, _, _ = established(lab, pbx, telco, outgoing=True)
    leg.send("INFO", [("Info-Package", "dtmf")])
    info = telco.wait("INFO")
    assert info.header("Info-Package") == "dtmf"
    telco.respond(info, 200)
    pbx.wait("INFO", status=200)


def test_a_transfer_is_refused(lab: Lab, pbx: UserAgent, telco: UserAgent) -> None:
    """S23: 403 with 32218 until transfer exists; nothing reaches the other side."""
    leg, _, _ = established(lab, pbx, telco, outgoing=True)
    leg.send("REFER", [("Refer-To", "<sip:+1@x>")])
    answer = pbx.wait("REFER", status=403)
    assert answer.header("X-Trunkline-Error") == "32218 Transfer Not Allowed"
    assert telco.silence(0.1) == []


def test_hops_are_counted_in_the_dialog_too(lab: Lab, pbx: UserAgent, telco: UserAgent) -> None:
    """483 at zero; otherwise one less."""
    leg, _, _ = established(lab, pbx, telco, outgoing=True)
    branch = pbx.via()
    fields = [branch, ("Max-Forwards", "0"), *(("Route", route) for route in leg.routes), ("From", leg.local)]
    fields += [("To", leg.remote), ("Call-ID", leg.call_id), ("CSeq", "9 BYE")]
    pbx.send(render(f"BYE {leg.target} SIP/2.0", fields), lab.edge_at)
    pbx.wait("BYE", status=483)
    assert telco.silence(0.1) == []
    leg.send("BYE")
    assert telco.wait("BYE").header("Max-Forwards") == "69"


def test_the_digest_of_a_re_invite_does_not_reach_the_carrier(
    lab: Lab, pbx: UserAgent, telco: UserAgent
) -> None:
    """A PBX may add its credentials to every request."""
    leg, _, _ = established(lab, pbx, telco, outgoing=True)
    leg.send("INVITE", [("Proxy-Authorization", 'Digest username="pbx"')], sdp(pbx.address))
    assert telco.wait("INVITE").all("Proxy-Authorization") == []


@pytest.mark.parametrize("outgoing", (True, False), ids=("termination", "origination"))
def test_cancel_ends_a_ringing_call(lab: Lab, pbx: UserAgent, telco: UserAgent, outgoing: bool) -> None:
    """200 to the CANCEL, 487 to the INVITE, and the callee is cancelled, not called elsewhere."""
    caller, callee = (pbx, telco) if outgoing else (telco, pbx)
    other = lab.agent(22)
    targets = (make_target(pbx.address, 5060), make_target(other.address, 5060, priority=20))
    lab.serve(trunk={"targets": targets})
    invite = lab.call_out(caller) if outgoing else lab.call_in(caller)
    received = callee.wait("INVITE")
    callee.respond(received, 180)
    caller.wait(status=180)
    invite.cancel()
    caller.wait("CANCEL", status=200)
    callee.respond(callee.wait("CANCEL"), 200)
    callee.respond(received, 487)
    assert invite.final().status == 487
    callee.wait("ACK")
    assert other.silence(0.2) == []


def test_cancel_during_silence_stops_the_hunt(lab: Lab, telco: UserAgent) -> None:
    """A caller that gives up before any answer is not called for at the next target."""
    first, second = lab.agent(21), lab.agent(22)
    targets = (make_target(first.address, 5060, priority=1), make_target(second.address, 5060, priority=2))
    lab.serve(trunk={"targets": targets})
    invite = lab.call_in(telco)
    first.wait("INVITE")
    invite.cancel()
    telco.wait("CANCEL", status=200)
    assert invite.final().status == 487
    assert second.silence(0.5) == []


def test_a_cancel_without_a_call_gets_481_and_a_strangers_gets_nothing(lab: Lab, pbx: UserAgent) -> None:
    """No transaction: 481 where the host is ours, silence where it is not."""
    for host, answered in (("acme-hq.pstn.trunkline.test", True), ("nobody.example", False)):
        uri = f"sip:{FAR_NUMBER}@{host}"
        fields = [pbx.via(), ("Max-Forwards", "70"), ("From", "<sip:a@b>;tag=1"), ("To", f"<{uri}>")]
        fields += [("Call-ID", new_token()), ("CSeq", "1 CANCEL")]
        pbx.send(render(f"CANCEL {uri} SIP/2.0", fields), lab.edge_at)
        if answered:
            pbx.wait("CANCEL", status=481)
        else:
            assert pbx.silence() == []


def test_a_retransmitted_invite_makes_no_second_call(lab: Lab, pbx: UserAgent, telco: UserAgent) -> None:
    """The same bytes again: the same answer, nothing new downstream."""
    invite = lab.call_out(pbx)
    received = telco.wait("INVITE")
    telco.respond(received, 180)
    pbx.wait(status=180)
    fields = [
        pbx.via(invite.branch),
        ("Max-Forwards", "70"),
        ("From", invite.local),
        ("To", f"<{invite.uri}>"),
    ]
    fields += [("Call-ID", invite.call_id), ("CSeq", "1 INVITE"), ("Contact", f"<{pbx.contact}>")]
    pbx.send(render(f"INVITE {invite.uri} SIP/2.0", fields), lab.edge_at)
    assert telco.silence(0.3) == []
    telco.respond(received, 486)
    assert invite.final().status == 486


def test_a_late_repeated_answer_still_reaches_the_caller(lab: Lab, pbx: UserAgent, telco: UserAgent) -> None:
    """A 200 repeated after the transaction is gone: our Record-Route in it shows that it is genuine."""
    invite = lab.call_out(pbx)
    received = telco.wait("INVITE")
    telco.respond(received, 200, body=sdp(telco.address))
    pbx.wait("INVITE", status=200)
    until(lambda: invite.call_id not in lab.edge.transactions())
    telco.respond(received, 200, headers=[("X-Late", "1")], body=sdp(telco.address))
    answer = pbx.wait("INVITE", status=200)
    assert answer.header("X-Late") == "1"
    invite.leg(answer).send("ACK")
    telco.wait("ACK")


FORGERIES = ("no token", "made-up token", "token of another call", "token with other tag", "no edge in Route")


@pytest.mark.parametrize("forgery", FORGERIES)
@pytest.mark.parametrize("method", ("INVITE", "BYE", "ACK", "INFO", "MESSAGE", "REFER"))
def test_a_forged_to_tag_and_route_get_nothing_through(
    lab: Lab, pbx: UserAgent, telco: UserAgent, forgery: str, method: str
) -> None:
    """The open relay: INVITE and ACK get silence, the rest 481; nothing is relayed by Route or URI."""
    leg, _, _ = established(lab, pbx, telco, outgoing=True)
    genuine = leg.routes[0]
    attacker, sink = lab.agent(66), lab.agent(67)
    route = {
        "no token": f"<sip:{lab.edge.address};lr>",
        "made-up token": f"<sip:{lab.edge.address};lr;tk={'0' * 32};dn=t>",
        "token of another call": genuine,
        "token with other tag": genuine,
        "no edge in Route": f"<sip:{sink.address};lr;{genuine.partition(';')[2]}",
    }[forgery]
    call_id = leg.call_id if forgery == "token with other tag" else new_token()
    uri = f"sip:+19005550000@{sink.address}"
    fields = [
        attacker.via(),
        ("Max-Forwards", "70"),
        ("Route", route),
        ("Route", f"<sip:{telco.address};lr>"),
    ]
    fields += [("From", "<sip:x@y>;tag=evil"), ("To", f"<{uri}>;tag=forged"), ("Call-ID", call_id)]
    fields += [("CSeq", f"1 {method}"), ("Contact", f"<{attacker.contact}>")]
    attacker.send(render(f"{method} {uri} SIP/2.0", fields), lab.edge_at)
    if method in ("INVITE", "ACK"):
        assert attacker.silence(0.2) == []
    else:
        attacker.wait(method, status=481)
    assert telco.silence(0.1) == []
    assert sink.silence(0.05) == []


def test_a_bye_by_route_to_the_edge_alone_gets_481(lab: Lab, pbx: UserAgent, telco: UserAgent) -> None:
    """In-dialog without Route: the call goes on."""
    leg, _, _ = established(lab, pbx, telco, outgoing=True)
    leg.routes = []
    leg.send("BYE")
    pbx.wait("BYE", status=481)
    assert telco.silence(0.1) == []


@pytest.mark.parametrize("outgoing", (True, False), ids=("termination", "origination"))
def test_a_foreign_route_is_never_followed(
    lab: Lab, pbx: UserAgent, telco: UserAgent, outgoing: bool
) -> None:
    """Preloaded Routes of an INVITE: ours is removed, any other is ignored, none travels on."""
    sink = lab.agent(67)
    caller, callee = (pbx, telco) if outgoing else (telco, pbx)
    headers = [
        ("Route", f"<sip:{lab.edge.address};lr>"),
        ("Route", f"<sip:{sink.address};lr>, <sip:{sink.address}>"),
    ]
    invite = lab.call_out(caller, headers=headers) if outgoing else lab.call_in(caller, headers=headers)
    received = callee.wait("INVITE")
    assert received.all("Route") == []
    callee.respond(received, 486)
    assert invite.final().status == 486
    assert sink.silence(0.05) == []


def test_a_strangers_invite_with_a_foreign_route_is_dropped(lab: Lab) -> None:
    """An unknown host with a Route to a victim: silence, nothing relayed."""
    attacker, sink = lab.agent(66), lab.agent(67)
    lab.call_out(attacker, host=sink.address, headers=[("Route", f"<sip:{sink.address};lr>")])
    assert attacker.silence(0.2) == []
    assert sink.silence(0.05) == []


def test_a_call_that_lasts_too_long_is_ended_both_ways(lab: Lab, pbx: UserAgent, telco: UserAgent) -> None:
    """S11: BYE to both sides, 32015 in the log; a re-INVITE does not prolong the call."""
    lab.serve(accounts=[make_account(max_call_duration_seconds=SHORT_CALL_SECONDS)])
    begun = time.monotonic()
    leg, _, _ = established(lab, pbx, telco, outgoing=True)
    leg.send("INVITE", body=sdp(pbx.address))
    telco.respond(telco.wait("INVITE"), 200, body=sdp(telco.address))
    pbx.wait("INVITE", status=200)
    leg.send("ACK")
    for agent in (pbx, telco):
        agent.respond(agent.wait("BYE"), 200)
    assert time.monotonic() - begun > SHORT_CALL_SECONDS - LATE_TICK_SECONDS
    cause = f"error=32015 reason=DurationReached rule='S11' seconds={SHORT_CALL_SECONDS}"
    assert lab.edge.logs(f"{cause} call_id='{leg.call_id}'")


def test_both_sides_get_their_bye_however_soon_one_answers(
    lab: Lab, pbx: UserAgent, telco: UserAgent
) -> None:
    """S11: many calls end together, each side answers at once; none is left in a call, or out of the log."""
    calls = 60
    lab.serve(accounts=[make_account(max_call_duration_seconds=SHORT_CALL_SECONDS)])
    call_ids = [established(lab, pbx, telco, outgoing=True)[0].call_id for _ in range(calls)]

    def answer_byes(agent: UserAgent) -> int:
        for _ in range(calls):
            agent.respond(agent.wait("BYE"), 200)
        return calls

    with ThreadPoolExecutor(2) as sides:
        assert list(sides.map(answer_byes, (pbx, telco))) == [calls, calls]

    def untold() -> list[str]:
        told = lab.edge.log()
        return [each for each in call_ids if f"seconds={SHORT_CALL_SECONDS} call_id='{each}'" not in told]

    until(lambda: untold() == [])


def test_an_own_number_may_be_called_through_the_platform(lab: Lab, pbx: UserAgent, telco: UserAgent) -> None:
    """One PBX calls another tenant's number by the PSTN: the carrier brings it back in a call of its own."""
    lab.serve(numbers={OWN_NUMBER: "acme/hq", "+14155550101": "acme/hq"})
    lab.call_out(pbx, "+14155550101")
    assert telco.wait("INVITE").uri == f"sip:+14155550101@{telco.address}:5060"


def test_a_live_call_is_found_by_its_call_sid(lab: Lab, pbx: UserAgent, telco: UserAgent) -> None:
    """From outside, however many calls there are."""
    invite = lab.call_out(pbx)
    telco.respond(telco.wait("INVITE"), 200, body=sdp(telco.address))
    answer = pbx.wait("INVITE", status=200)
    leg = invite.leg(answer)
    leg.send("ACK")
    telco.wait("ACK")
    sid = answer.header("X-Trunkline-CallSid")
    [found] = lab.edge.rpc("dlg.profile_list", "sids", sid)
    assert (found["call-id"], found["h_entry"] >= 0, found["h_id"] > 0) == (invite.call_id, True, True)
    leg.send("BYE")
    telco.respond(telco.wait("BYE"), 200)
    pbx.wait("BYE", status=200)
