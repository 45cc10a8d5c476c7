"""S23 by a REFER with Replaces: the call of a consultation takes the place of the PBX in the first one."""

from __future__ import annotations

from sipedge.table.transfer import TransferRow
from support.b2bua import RunningB2bua
from support.dialogs import established, hold, replacing
from support.lab import FAR_NUMBER
from support.patience import until
from support.sipmessage import sdp
from support.sipua import Leg, UserAgent, callee_leg
from support.tables import make_gateway
from support.transfers import (
    TARGET,
    Scene,
    done,
    hang_up,
    hold_across,
    is_as_before,
    led_back,
    nothing_is_left,
)

_RESTORED = "is taken over: connecting -> restored"
CONSULTED = f"sip:{FAR_NUMBER}@acme-hq.pstn.trunkline.test"


def consulted(scene: Scene) -> tuple[UserAgent, Leg, Leg]:
    """The PBX calls somebody in the PSTN beside: who, the PBX's leg, and his."""
    other = scene.lab.agent(TARGET + 1)
    scene.lab.serve(
        trunk={"transfer": TransferRow("EnableAll")}, routes={"+": [make_gateway(other.address, 5060)]}
    )
    near, far, _, _ = established(scene.lab, scene.pbx, other, outgoing=True)
    return other, near, far


def test_an_attended_transfer_connects_both_parties(scene: Scene, b2bua: RunningB2bua) -> None:
    """RFC 5589 section 7: the consultation's call takes the place of the PBX in the first one."""
    other, near, far = consulted(scene)
    hold(near, other)
    assert scene.refer(replacing(near, CONSULTED)).status == 202
    assert scene.notified() == "SIP/2.0 100 Trying active"
    invite = other.wait("INVITE", call_id=far.call_id)
    assert scene.telco.address in invite.body
    other.respond(invite, 200, body=sdp(other.address))
    other.wait("ACK", call_id=far.call_id)
    moved = scene.moves()
    assert other.address in moved.body
    assert scene.notified() == "SIP/2.0 200 OK terminated"
    scene.pbx.respond(scene.pbx.wait("BYE", call_id=near.call_id), 200)
    hang_up(scene, scene.near)
    hold_across(scene.far, other, far.call_id)
    hold_across(far, scene.telco, scene.far.call_id)
    hang_up(scene, scene.far, (other, far.call_id))
    nothing_is_left(scene, b2bua)


def test_an_attended_transfer_that_is_refused_leaves_both_calls(scene: Scene, b2bua: RunningB2bua) -> None:
    other, near, far = consulted(scene)
    assert scene.refer(replacing(near, CONSULTED)).status == 202
    other.respond(other.wait("INVITE", call_id=far.call_id), 488)
    other.wait("ACK", call_id=far.call_id)
    assert [scene.notified() for _ in range(2)][-1] == "SIP/2.0 488 Failed terminated"
    hold(near, other)
    hold(far, scene.pbx)
    hang_up(scene, near, (other, far.call_id))
    is_as_before(scene)
    nothing_is_left(scene, b2bua)


def test_a_party_who_hangs_up_meanwhile_leaves_the_consultation(scene: Scene, b2bua: RunningB2bua) -> None:
    """What was asked of its other side is taken back; the PBX speaks with it as before."""
    other, near, far = consulted(scene)
    before = b2bua.log().count(_RESTORED)
    assert scene.refer(replacing(near, CONSULTED)).status == 202
    assert scene.notified() == "SIP/2.0 100 Trying active"
    invite = other.wait("INVITE", call_id=far.call_id)
    other.respond(invite, 180)
    scene.far.send("BYE")
    other.respond(other.wait("CANCEL", call_id=far.call_id), 200)
    other.respond(invite, 487)
    other.wait("ACK", call_id=far.call_id)
    assert scene.notified() == "SIP/2.0 487 Failed terminated"
    scene.pbx.respond(scene.pbx.wait("BYE", call_id=scene.near.call_id), 200)
    scene.telco.wait("BYE", status=200, call_id=scene.far.call_id)
    until(lambda: b2bua.log().count(_RESTORED) > before, "the refusal reaches the B2BUA")
    hold(near, other)
    hold(far, scene.pbx)
    hang_up(scene, near, (other, far.call_id))
    nothing_is_left(scene, b2bua)


def test_a_party_who_hangs_up_too_late_leaves_the_consultation_too(scene: Scene, b2bua: RunningB2bua) -> None:
    """The CANCEL crosses the 200: the consultation's other side is led back to the PBX."""
    other, near, far = consulted(scene)
    assert scene.refer(replacing(near, CONSULTED)).status == 202
    assert scene.notified() == "SIP/2.0 100 Trying active"
    invite = other.wait("INVITE", call_id=far.call_id)
    other.respond(invite, 180)
    scene.far.send("BYE")
    other.respond(other.wait("CANCEL", call_id=far.call_id), 200)
    other.respond(invite, 200, body=sdp(other.address))
    other.wait("ACK", call_id=far.call_id)
    led_back(other, far.call_id, scene.pbx)
    assert scene.notified() == "SIP/2.0 487 Failed terminated"
    scene.pbx.respond(scene.pbx.wait("BYE", call_id=scene.near.call_id), 200)
    scene.telco.wait("BYE", status=200, call_id=scene.far.call_id)
    hold(near, other)
    hold(far, scene.pbx)
    hang_up(scene, near, (other, far.call_id))
    nothing_is_left(scene, b2bua)


def test_an_attended_transfer_that_the_edge_refuses_leaves_both_calls(
    scene: Scene, b2bua: RunningB2bua
) -> None:
    """The B2BUA has the consultation by then, and no INVITE comes for it. Tried again, it is found there."""
    other, near, far = consulted(scene)
    allowed, gateways = {"transfer": TransferRow("EnableAll")}, {"+": [make_gateway(other.address, 5060)]}
    scene.lab.serve(trunk=allowed, routes={})
    assert scene.refer(replacing(near, CONSULTED)).status == 202
    assert [scene.notified() for _ in range(2)][-1] == "SIP/2.0 503 Failed terminated"
    hold(near, other)
    hold(far, scene.pbx)
    scene.lab.serve(trunk=allowed, routes=gateways)
    assert scene.refer(replacing(near, CONSULTED)).status == 202
    other.respond(other.wait("INVITE", call_id=far.call_id), 488)
    other.wait("ACK", call_id=far.call_id)
    assert [scene.notified() for _ in range(2)][-1] == "SIP/2.0 488 Failed terminated"
    hang_up(scene, near, (other, far.call_id))
    is_as_before(scene)
    nothing_is_left(scene, b2bua)


def test_a_consultation_that_no_edge_knows_goes_on_to_its_target(scene: Scene) -> None:
    """It was between two telephones of the PBX."""
    assert scene.refer(f"{scene.uri}?Replaces=elsewhere%3Bto-tag%3Da%3Bfrom-tag%3Db").status == 202
    invite = scene.rings()
    assert invite.header("Replaces") == "elsewhere;to-tag=a;from-tag=b"
    scene.target.respond(invite, 486)
    assert [scene.notified() for _ in range(2)][-1] == "SIP/2.0 486 Failed terminated"
    is_as_before(scene)


def test_a_call_that_was_transferred_is_no_consultation_of_another(scene: Scene, b2bua: RunningB2bua) -> None:
    """The B2BUA is a side of it: nobody takes it over, and all that there is stays."""
    invite = done(scene)
    hang_up(scene, scene.near)
    transferred = callee_leg(scene.target, invite, invite.path)
    other, scene.near, far = consulted(scene)
    assert scene.refer(replacing(transferred, CONSULTED)).status == 202
    assert [scene.notified() for _ in range(2)][-1] == "SIP/2.0 481 Failed terminated"
    hold_across(scene.far, scene.target, transferred.call_id)
    hang_up(scene, scene.far, (scene.target, transferred.call_id))
    hang_up(scene, scene.near, (other, far.call_id))
    nothing_is_left(scene, b2bua)
