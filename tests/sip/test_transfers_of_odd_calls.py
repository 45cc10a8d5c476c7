"""S23 where the call is none of the simple ones: its carrier has challenged it, its PBX is behind a NAT, its
target answers what was taken back."""

from __future__ import annotations

import pytest

from sipedge.table.transfer import TransferRow
from support.b2bua import RunningB2bua
from support.dialogs import established
from support.lab import FAR_NUMBER, Lab
from support.sipmessage import sdp
from support.sipua import UserAgent, callee_leg
from support.tables import make_carrier, make_ha1
from support.transfers import TARGET, Scene, done, hang_up, hold_across, is_as_before, nothing_is_left

REALM = "telco.example"
CHALLENGE = ("Proxy-Authenticate", f'Digest realm="{REALM}", nonce="n1", qop="auth"')
PRIVATE = "sip:pbx@192.0.2.20:5070"
SUCCEEDS = pytest.mark.parametrize("succeeds", (True, False), ids=("done", "failed"))


def placed(lab: Lab, pbx: UserAgent, telco: UserAgent, b2bua: RunningB2bua, **kinds: bool) -> Scene:
    """A call of the PBX to the PSTN. `challenged`: its carrier asks for credentials; `behind_nat`: nobody
    reaches the PBX where it says that it is."""
    carrier = make_carrier(realm=REALM, username="us", ha1=make_ha1("us", "Carrier-Password-1", REALM))
    lab.serve(trunk={"transfer": TransferRow("EnableAll")}, carriers=[carrier])
    contact = PRIVATE if kinds.get("behind_nat") else pbx.contact
    invite = lab.call_out(pbx, contact=contact)
    received = telco.wait("INVITE", call_id=invite.call_id)
    if kinds.get("challenged"):
        telco.respond(received, 407, headers=[CHALLENGE])
        assert telco.wait("ACK", call_id=invite.call_id).cseq == received.cseq
        first, received = received, telco.wait("INVITE", call_id=invite.call_id)
        assert received.cseq == first.cseq + 1
    telco.respond(received, 200, body=sdp(telco.address))
    near = invite.leg(pbx.wait("INVITE", status=200, call_id=invite.call_id))
    near.contact = contact
    near.send("ACK")
    telco.wait("ACK", call_id=invite.call_id)
    far = callee_leg(telco, received, received.path)
    return Scene(lab, pbx, telco, lab.agent(TARGET), near, far, frozenset(b2bua.journal))


@SUCCEEDS
@pytest.mark.parametrize("kind", ("challenged", "behind_nat"))
def test_a_call_of_this_kind_is_transferred_as_any_other(
    lab: Lab, pbx: UserAgent, telco: UserAgent, b2bua: RunningB2bua, kind: str, succeeds: bool
) -> None:
    """With its numbers, which the answered challenge has moved; and where its packets come from."""
    scene = placed(lab, pbx, telco, b2bua, **{kind: True})
    if not succeeds:
        assert scene.refer().status == 202
        scene.target.respond(scene.rings(), 486)
        assert [scene.notified() for _ in range(2)][-1] == "SIP/2.0 486 Failed terminated"
        is_as_before(scene)
        return
    invite = done(scene)
    pbx.respond(pbx.wait("BYE", call_id=scene.near.call_id), 200)
    target = callee_leg(scene.target, invite, invite.path)
    hold_across(scene.far, scene.target, invite.call_id)
    hold_across(target, telco, scene.far.call_id)
    hang_up(scene, target, (telco, scene.far.call_id))
    nothing_is_left(scene, b2bua)


@pytest.mark.parametrize("is_hidden", (True, False), ids=("hidden", "known"))
def test_a_target_is_told_no_number_that_is_hidden(
    lab: Lab, pbx: UserAgent, telco: UserAgent, b2bua: RunningB2bua, is_hidden: bool
) -> None:
    """What follows in the call tells it in data of the users as well, in hexadecimal (RFC 7433)."""
    lab.serve(trunk={"transfer": TransferRow("EnableAll")})
    asked = [("Privacy", "id")] if is_hidden else []
    far, near, _, _ = established(lab, telco, pbx, outgoing=False, headers=asked)
    scene = Scene(lab, pbx, telco, lab.agent(TARGET), near, far, frozenset(b2bua.journal))
    invite = done(scene)
    pbx.respond(pbx.wait("BYE", call_id=near.call_id), 200)
    told = ("User-to-User", f"{FAR_NUMBER.removeprefix('+').encode().hex()};encoding=hex")
    far.send("INVITE", [told], sdp(telco.address))
    received = scene.target.wait("INVITE", call_id=invite.call_id)
    assert received.all("User-to-User") == ([] if is_hidden else [told[1]])
    scene.target.respond(received, 200, body=sdp(scene.target.address))
    telco.wait("INVITE", status=200, call_id=far.call_id)
    far.send("ACK", cseq=far.cseq)
    scene.target.wait("ACK", call_id=invite.call_id)
    hang_up(scene, far, (scene.target, invite.call_id))
    nothing_is_left(scene, b2bua)


def test_a_target_that_answers_what_was_taken_back_is_hung_up(scene: Scene, b2bua: RunningB2bua) -> None:
    """Its 200 has crossed the CANCEL: ACK, then BYE."""
    assert scene.refer().status == 202
    assert scene.notified() == "SIP/2.0 100 Trying active"
    invite = scene.rings()
    scene.target.respond(invite, 180)
    assert scene.notified() == "SIP/2.0 180 Ringing active"
    scene.far.send("BYE")
    scene.target.respond(scene.target.wait("CANCEL", call_id=invite.call_id), 200)
    scene.target.respond(invite, 200, body=sdp(scene.target.address))
    scene.target.wait("ACK", call_id=invite.call_id)
    scene.target.respond(scene.target.wait("BYE", call_id=invite.call_id), 200)
    assert scene.notified() == "SIP/2.0 487 Failed terminated"
    scene.pbx.respond(scene.pbx.wait("BYE", call_id=scene.near.call_id), 200)
    scene.telco.wait("BYE", status=200, call_id=scene.far.call_id)
    nothing_is_left(scene, b2bua)
