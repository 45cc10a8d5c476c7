"""A live call, found by its id, is ended from outside: both sides get the edge's own BYE."""

from __future__ import annotations

import time

import pytest

from support.asked_to_end import are_right, ask_to_end, byes, place_of
from support.dialogs import established, hold
from support.edge import options
from support.events import events_of_sid
from support.lab import PBX, TELCO, Lab
from support.patience import until
from support.sipmessage import sdp
from support.sipua import UserAgent, callee_leg
from support.tables import make_carrier, make_ha1, make_target

REALM = "telco.example"


@pytest.mark.parametrize("outgoing", (True, False), ids=("termination", "origination"))
def test_a_call_ends_when_it_is_asked_for_by_its_id(
    lab: Lab, pbx: UserAgent, telco: UserAgent, outgoing: bool
) -> None:
    """That call alone, after a hold of either side; its event tells that it was requested."""
    caller, callee = (pbx, telco) if outgoing else (telco, pbx)
    near, far, received, answer = established(lab, caller, callee, outgoing=outgoing)
    sid = (answer if outgoing else received).header("X-Trunkline-CallSid")
    other, _, _, _ = established(lab, caller, callee, outgoing=outgoing)
    seen_by_callee = hold(near, callee).cseq
    seen_by_caller = hold(far, caller).cseq
    place = place_of(lab, sid)
    assert ask_to_end(lab, place) == "SIP/2.0 200 OK"
    assert are_right(byes(near, far), (near, seen_by_caller), (far, seen_by_callee))
    until(lambda: lab.edge.rpc("dlg.profile_list", "sids", sid) == [])
    until(lambda: ask_to_end(lab, place) == "SIP/2.0 404 Not Found")
    [ended] = ends(lab, sid)
    assert (ended["endedBy"], ended["endReason"]) == ("edge", "requested")
    assert not [each for each in caller.silence(0.1) if each.method == "BYE"]
    other.send("BYE")
    callee.respond(callee.wait("BYE", call_id=other.call_id), 200)
    caller.wait("BYE", status=200)


def test_the_bye_counts_on_where_the_edge_has_answered_a_challenge(
    lab: Lab, pbx: UserAgent, telco: UserAgent
) -> None:
    """The carrier has seen a higher CSeq than the caller has used."""
    lab.serve(carriers=[make_carrier(realm=REALM, username="us", ha1=make_ha1("us", "Carrier-1", REALM))])
    invite = lab.call_out(pbx, cseq=7)
    first = telco.wait("INVITE")
    telco.respond(first, 407, headers=[("Proxy-Authenticate", f'Digest realm="{REALM}", nonce="n"')])
    second = telco.wait("INVITE", call_id=invite.call_id)
    while second.cseq == first.cseq:
        second = telco.wait("INVITE", call_id=invite.call_id)
    telco.respond(second, 200, body=sdp(telco.address))
    answer = pbx.wait("INVITE", status=200)
    near = invite.leg(answer)
    near.send("ACK")
    telco.wait("ACK", call_id=invite.call_id)
    far = callee_leg(telco, second, second.path)
    assert ask_to_end(lab, place_of(lab, answer.header("X-Trunkline-CallSid"))) == "SIP/2.0 200 OK"
    assert are_right(byes(near, far), (near, 0), (far, second.cseq))


def test_nobody_else_ends_a_call(lab: Lab, pbx: UserAgent, telco: UserAgent) -> None:
    """Neither a side of it that knows its dialog, nor what is none."""
    near, _, _, answer = established(lab, pbx, telco, outgoing=True)
    place = place_of(lab, answer.header("X-Trunkline-CallSid"))
    for number in (PBX, TELCO, 66):
        ask_to_end(lab, place, lab.block.address(number))
    for odd in ("0:0", "4294967295:4294967295", f"{place}:1", f"{place} x", "", "-1:-1"):
        assert ask_to_end(lab, odd) == "SIP/2.0 404 Not Found"
    assert not [each for each in (*pbx.silence(1.5), *telco.silence(0.1)) if each.method == "BYE"]
    near.send("BYE")
    telco.respond(telco.wait("BYE"), 200)
    pbx.wait("BYE", status=200)


@pytest.mark.parametrize("rings", (True, False), ids=("ringing", "silent"))
def test_a_call_that_is_being_set_up_ends_when_it_is_asked_for(
    lab: Lab, pbx: UserAgent, telco: UserAgent, rings: bool
) -> None:
    """The callee is cancelled, no other target is tried, and the caller is answered; its record tells why."""
    first, second = lab.agent(21), lab.agent(22)
    targets = tuple(make_target(each.address, 5060, priority=n) for n, each in enumerate((first, second)))
    lab.serve(trunk={"targets": targets})
    invite = lab.call_in(telco)
    received = first.wait("INVITE", call_id=invite.call_id)
    if rings:
        first.respond(received, 180, tag="uas")
        telco.wait("INVITE", status=180)
    sid = received.header("X-Trunkline-CallSid")
    [found] = lab.edge.rpc("dlg.profile_list", "sids", sid)
    place = f"X-Trunkline-Dialog: {found['h_entry']}:{found['h_id']}"
    asked = f"X-Trunkline-Invite: {found['caller']['cseq']} {found['call-id']}"
    assert options(lab.edge, "end-call", place, asked).startswith("SIP/2.0 200 ")
    if rings:
        first.respond(first.wait("CANCEL", call_id=invite.call_id), 200)
        first.respond(received, 487, tag="uas")
    final = invite.final()
    assert (final.status, final.reason) == (480, "Call Ended")
    assert not [each for each in second.silence(0.2) if each.method == "INVITE"]
    [ended] = ends(lab, sid)
    assert (ended["endedBy"], ended["sipStatus"], ended["reason"]) == ("edge", 480, "EndRequested")


def test_a_call_that_is_answered_as_it_is_asked_for_ends_as_one_that_is_up(
    lab: Lab, pbx: UserAgent, telco: UserAgent
) -> None:
    """The 200 and the CANCEL cross."""
    invite = lab.call_in(telco)
    received = pbx.wait("INVITE", call_id=invite.call_id)
    pbx.respond(received, 180, tag="uas")
    sid = received.header("X-Trunkline-CallSid")
    [found] = lab.edge.rpc("dlg.profile_list", "sids", sid)
    place = f"X-Trunkline-Dialog: {found['h_entry']}:{found['h_id']}"
    asked = f"X-Trunkline-Invite: {found['caller']['cseq']} {found['call-id']}"
    assert options(lab.edge, "end-call", place, asked).startswith("SIP/2.0 200 ")
    pbx.respond(pbx.wait("CANCEL"), 200)
    pbx.respond(received, 200, tag="uas", body=sdp(pbx.address))
    near = invite.leg(telco.wait("INVITE", status=200))
    near.send("ACK")
    pbx.wait("ACK")
    far = callee_leg(pbx, received, received.path)
    byes(near, far)
    [ended] = ends(lab, sid)
    assert (ended["endedBy"], ended["endReason"]) == ("edge", "requested")


def ends(lab: Lab, sid: str) -> list[dict[str, object]]:
    """The events of a call's end, half a second after the first."""

    def found() -> list[dict[str, object]]:
        return [each for each in events_of_sid(lab.edge, sid) if each["event"] == "ended"]

    until(found)
    time.sleep(0.5)
    return found()
