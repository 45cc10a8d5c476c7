"""S23: a REFER of the PBX moves the other party to somebody else; a call is lost by none that fails."""

from __future__ import annotations

import pytest

from sipedge.table.transfer import TransferRow
from support.b2bua import RunningB2bua
from support.dialogs import hold
from support.events import Event, events_of_caller
from support.lab import FAR_NUMBER, OWN_NUMBER, Lab
from support.lookups import NAME, agent_of
from support.patience import until
from support.sipmessage import Message, sdp
from support.sipua import callee_leg
from support.tables import make_gateway
from support.transfers import (
    Scene,
    answered,
    done,
    hang_up,
    hold_across,
    is_as_before,
    led_back,
    nothing_is_left,
)


def test_a_blind_transfer_connects_the_other_party_with_the_target(scene: Scene) -> None:
    hold(scene.near, scene.telco)
    assert scene.refer().status == 202
    assert scene.notified() == "SIP/2.0 100 Trying active"
    invite = scene.rings()
    # It may be anybody's: nothing tells it whose the call is.
    assert not [name for name, _ in invite.headers if name.lower().startswith("x-trunkline-")]
    scene.target.respond(invite, 180)
    assert scene.notified() == "SIP/2.0 180 Ringing active"
    scene.target.respond(invite, 200, body=sdp(scene.target.address))
    scene.target.wait("ACK", call_id=invite.call_id)
    assert scene.telco.address in invite.body
    assert "sendonly" not in invite.body
    moved = scene.moves()
    assert scene.target.address in moved.body
    assert scene.notified() == "SIP/2.0 200 OK terminated"
    scene.near.send("BYE")
    scene.pbx.wait("BYE", status=200, call_id=scene.near.call_id)
    assert not any(each.method == "BYE" for each in scene.telco.silence())
    scene.far.send("BYE")
    scene.target.respond(scene.target.wait("BYE", call_id=invite.call_id), 200)
    scene.telco.wait("BYE", status=200, call_id=scene.far.call_id)


@pytest.mark.parametrize("status", (486, 603, 404))
def test_a_target_that_refuses_leaves_the_call_as_it_was(
    scene: Scene, status: int, b2bua: RunningB2bua
) -> None:
    assert scene.refer().status == 202
    assert scene.notified() == "SIP/2.0 100 Trying active"
    scene.target.respond(scene.rings(), status)
    assert scene.notified() == f"SIP/2.0 {status} Failed terminated"
    is_as_before(scene)
    nothing_is_left(scene, b2bua)


def test_a_target_that_does_not_answer_is_canceled(scene: Scene) -> None:
    assert scene.refer().status == 202
    invite = scene.rings()
    scene.target.respond(invite, 180)
    scene.target.respond(scene.target.wait("CANCEL", call_id=invite.call_id), 200)
    scene.target.respond(invite, 487)
    told = [scene.notified() for _ in range(3)]
    assert told[-1] == "SIP/2.0 480 Failed terminated"
    is_as_before(scene)


def test_a_targets_name_is_asked_for_while_its_call_waits(scene: Scene, b2bua: RunningB2bua) -> None:
    """Nobody can be asked, or nothing is found: that transfer fails, and another finds its target."""
    fails = ["SIP/2.0 100 Trying active", "SIP/2.0 480 Failed terminated"]
    assert scene.refer(f"sip:bob@{NAME}").status == 202
    assert [scene.notified() for _ in fails] == fails
    with agent_of(scene.lab) as agent:
        for found in ((), (scene.target.address,)):
            assert scene.refer(f"sip:bob@{NAME}").status == 202
            asked = agent.question()
            assert asked[2] == [["name", NAME, None, None]]
            agent.answer(asked, *found)
            if not found:
                assert [scene.notified() for _ in fails] == fails
    assert scene.notified() == "SIP/2.0 100 Trying active"
    invite = scene.rings()
    assert invite.uri == f"sip:bob@{NAME}"
    assert not [name for name, _ in invite.headers if name.lower().startswith("x-trunkline-")]
    scene.target.respond(invite, 486)
    assert scene.notified() == "SIP/2.0 486 Failed terminated"
    is_as_before(scene)
    nothing_is_left(scene, b2bua)


@pytest.mark.parametrize("is_adopted", (False, True), ids=("first", "second"))
def test_a_refer_that_meets_a_bye_begins_nothing(scene: Scene, b2bua: RunningB2bua, is_adopted: bool) -> None:
    """Of a call that is over: nobody would ever end its transfer."""
    if is_adopted:
        assert scene.refer().status == 202
        scene.target.respond(scene.rings(), 486)
        assert [scene.notified() for _ in range(2)][-1] == "SIP/2.0 486 Failed terminated"
    scene.far.send("BYE")
    bye = scene.pbx.wait("BYE", call_id=scene.near.call_id)
    assert scene.refer().status in (481, 503)
    scene.pbx.respond(bye, 200)
    scene.telco.wait("BYE", status=200, call_id=scene.far.call_id)
    assert [each for each in scene.target.silence(0.3) if each.method == "INVITE"] == []
    nothing_is_left(scene, b2bua)


def test_a_target_that_has_gone_before_the_other_party_came_gives_the_call_back(
    scene: Scene, b2bua: RunningB2bua
) -> None:
    """The other party takes the target's session all the same: it is led back to the PBX."""
    invite = answered(scene)
    moved = scene.telco.wait("INVITE", call_id=scene.far.call_id)
    callee_leg(scene.target, invite, invite.path).send("BYE")
    scene.target.wait("BYE", status=200, call_id=invite.call_id)
    assert scene.notified() == "SIP/2.0 480 Failed terminated"
    assert scene.refer().status == 491
    scene.telco.respond(moved, 200, body=sdp(scene.telco.address))
    scene.telco.wait("ACK", call_id=scene.far.call_id)
    back = led_back(scene.telco, scene.far.call_id, scene.pbx)
    assert int(origin_of(back)[2]) > int(origin_of(moved)[2])
    is_as_before(scene)
    nothing_is_left(scene, b2bua)


def origin_of(message: Message) -> list[str]:
    """The parts of the `o=` of its session."""
    return next(line for line in message.body.splitlines() if line.startswith("o=")).split()


def test_a_second_transfer_after_a_failed_one_works(scene: Scene) -> None:
    assert scene.refer().status == 202
    scene.target.respond(scene.rings(), 486)
    assert [scene.notified() for _ in range(2)][-1] == "SIP/2.0 486 Failed terminated"
    invite = done(scene)
    hang_up(scene, scene.near)
    hang_up(scene, scene.far, (scene.target, invite.call_id))
    nothing_is_left(scene)


def test_a_second_transfer_meanwhile_is_refused(scene: Scene) -> None:
    assert scene.refer().status == 202
    assert scene.notified() == "SIP/2.0 100 Trying active"
    invite = scene.rings()
    assert scene.refer().status == 491
    scene.target.respond(invite, 486)
    assert scene.notified() == "SIP/2.0 486 Failed terminated"
    is_as_before(scene)


def test_a_transferor_who_hangs_up_early_loses_nothing(scene: Scene) -> None:
    assert scene.refer().status == 202
    assert scene.notified() == "SIP/2.0 100 Trying active"
    invite = scene.rings()
    hang_up(scene, scene.near)
    scene.target.respond(invite, 200, body=sdp(scene.target.address))
    scene.target.wait("ACK", call_id=invite.call_id)
    scene.moves()
    hang_up(scene, scene.far, (scene.target, invite.call_id))
    nothing_is_left(scene)


def test_a_transferor_who_hangs_up_early_and_a_target_who_refuses_end_the_call(scene: Scene) -> None:
    assert scene.refer().status == 202
    invite = scene.rings()
    hang_up(scene, scene.near)
    scene.target.respond(invite, 486)
    scene.telco.respond(scene.telco.wait("BYE", call_id=scene.far.call_id), 200)
    nothing_is_left(scene)


def test_a_transferor_who_says_nothing_more_gets_a_bye(scene: Scene) -> None:
    invite = done(scene)
    scene.pbx.respond(scene.pbx.wait("BYE", call_id=scene.near.call_id), 200)
    hang_up(scene, scene.far, (scene.target, invite.call_id))
    nothing_is_left(scene)


def test_a_party_who_hangs_up_while_it_rings_ends_all(scene: Scene) -> None:
    assert scene.refer().status == 202
    assert scene.notified() == "SIP/2.0 100 Trying active"
    invite = scene.rings()
    scene.target.respond(invite, 180)
    assert scene.notified() == "SIP/2.0 180 Ringing active"
    scene.far.send("BYE")
    scene.target.respond(scene.target.wait("CANCEL", call_id=invite.call_id), 200)
    scene.target.respond(invite, 487)
    assert scene.notified() == "SIP/2.0 487 Failed terminated"
    scene.pbx.respond(scene.pbx.wait("BYE", call_id=scene.near.call_id), 200)
    nothing_is_left(scene)


def test_a_target_who_hangs_up_ends_all(scene: Scene) -> None:
    invite = done(scene)
    hang_up(scene, scene.near)
    leg = callee_leg(scene.target, invite, invite.path)
    hang_up(scene, leg, (scene.telco, scene.far.call_id))
    nothing_is_left(scene)


def test_a_party_that_does_not_take_the_session_keeps_its_call(scene: Scene) -> None:
    invite = answered(scene)
    scene.telco.respond(scene.telco.wait("INVITE", call_id=scene.far.call_id), 488)
    scene.telco.wait("ACK", call_id=scene.far.call_id)
    scene.target.respond(scene.target.wait("BYE", call_id=invite.call_id), 200)
    assert scene.notified() == "SIP/2.0 488 Failed terminated"
    is_as_before(scene)


def test_a_session_that_meets_a_glare_is_sent_again(scene: Scene) -> None:
    invite = answered(scene)
    scene.telco.respond(scene.telco.wait("INVITE", call_id=scene.far.call_id), 491)
    scene.telco.wait("ACK", call_id=scene.far.call_id)
    scene.moves()
    assert scene.notified() == "SIP/2.0 200 OK terminated"
    hang_up(scene, scene.near)
    hang_up(scene, scene.far, (scene.target, invite.call_id))
    nothing_is_left(scene)


def test_a_transferred_call_may_be_held_by_either_side(scene: Scene) -> None:
    invite = done(scene)
    hang_up(scene, scene.near)
    leg = callee_leg(scene.target, invite, invite.path)
    hold_across(scene.far, scene.target, invite.call_id)
    hold_across(leg, scene.telco, scene.far.call_id)
    hang_up(scene, scene.far, (scene.target, invite.call_id))
    nothing_is_left(scene)


def test_what_a_trunk_does_not_allow_is_refused(scene: Scene) -> None:
    scene.lab.serve()
    assert scene.refer().status == 403
    scene.lab.serve(trunk={"transfer": TransferRow("SipOnly")})
    assert scene.refer("tel:+442079460001").status == 403
    assert scene.refer("sip:+442079460001@acme-hq.pstn.trunkline.test").status == 403
    scene.lab.serve(trunk={"transfer": TransferRow("EnableAll")})
    assert scene.refer("tel:911").status == 403
    assert scene.refer("mailto:bob@example.com").status == 400
    assert scene.refer(f"{scene.uri};method=BYE").status == 400
    scene.far.send("REFER", headers=[("Refer-To", f"<{scene.uri}>")])
    assert scene.telco.wait("REFER", status=0, call_id=scene.far.call_id).status == 403
    is_as_before(scene)


def test_a_session_that_is_too_long_to_be_remembered_is_transferred_to_nobody(
    scene: Scene,
) -> None:
    """There is nothing to offer the target: it would answer with an offer that nobody answers."""
    long = sdp(scene.telco.address) + "".join(f"a=x-filler:{number:080}\r\n" for number in range(50))
    scene.far.send("INVITE", body=long)
    scene.pbx.respond(scene.pbx.wait("INVITE", call_id=scene.near.call_id), 200, body=sdp(scene.pbx.address))
    scene.telco.wait("INVITE", status=200, call_id=scene.far.call_id)
    scene.far.send("ACK", cseq=scene.far.cseq)
    scene.pbx.wait("ACK", call_id=scene.near.call_id)
    assert scene.refer().status == 503
    is_as_before(scene)


def test_a_silent_transfer_tells_nothing(scene: Scene) -> None:
    """RFC 4488."""
    answer = scene.refer("", ("Refer-Sub", "false"))
    assert (answer.status, answer.header("Refer-Sub")) == (202, "false")
    invite = scene.rings()
    scene.target.respond(invite, 200, body=sdp(scene.target.address))
    scene.moves()
    hang_up(scene, scene.near)
    hang_up(scene, scene.far, (scene.target, invite.call_id))
    assert not any(each.method == "NOTIFY" for each in scene.pbx.silence() if each.is_request)


def test_a_number_is_called_by_its_carrier(scene: Scene) -> None:
    """Through the same checks as the PBX's own calls."""
    scene.lab.serve(
        trunk={"transfer": TransferRow("EnableAll")},
        routes={"+": [make_gateway(scene.target.address, 5060)]},
    )
    assert scene.refer("tel:+44-20-7946-0001").status == 202
    invite = scene.rings()
    assert invite.first_line.startswith("INVITE sip:+442079460001@")
    assert FAR_NUMBER in invite.header("From")
    assert OWN_NUMBER in invite.header("Diversion")
    scene.target.respond(invite, 200, body=sdp(scene.target.address))
    scene.moves()
    hang_up(scene, scene.near)
    hang_up(scene, scene.far, (scene.target, invite.call_id))
    nothing_is_left(scene)
    first, second = begun(scene.lab, scene.near.call_id), begun(scene.lab, invite.call_id)
    assert (second["origin"], second["parentCallSid"]) == ("transfer", first["callSid"])


def begun(lab: Lab, call_id: str) -> Event:
    """What the edge tells of a call as it begins, once it has written that."""

    def found() -> list[Event]:
        return [each for each in events_of_caller(lab.edge, call_id) if each["event"] == "begun"]

    until(found, f"the begin of {call_id}")
    return found()[0]


def test_a_target_that_answers_without_a_session_leaves_the_call_as_it_was(scene: Scene) -> None:
    assert scene.refer().status == 202
    assert scene.notified() == "SIP/2.0 100 Trying active"
    invite = scene.rings()
    scene.target.respond(invite, 200)
    scene.target.respond(scene.target.wait("BYE", call_id=invite.call_id), 200)
    assert scene.notified() == "SIP/2.0 488 Failed terminated"
    is_as_before(scene)
