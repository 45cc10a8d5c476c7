"""S23 where the B2BUA that carries a transfer out is killed, or hangs: no call is lost by it."""

from __future__ import annotations

import signal
import time

from sipedge.routing.handover import ANSWER_SECONDS
from support.b2bua import RunningB2bua, nobody_asked
from support.freezing import frozen
from support.patience import until
from support.sipmessage import sdp
from support.transfers import (
    Scene,
    answered,
    done,
    hang_up,
    is_as_before,
    nothing_is_left,
)


def test_a_b2bua_that_is_dead_refuses_and_one_that_died_goes_on(scene: Scene, b2bua: RunningB2bua) -> None:
    done(scene)
    with b2bua.dead() as socket:
        assert scene.refer().status in (481, 503)
        assert nobody_asked(socket)
    hang_up(scene, scene.near)
    scene.far.send("BYE")
    scene.target.respond(scene.target.wait("BYE"), 200)
    scene.telco.wait("BYE", status=200, call_id=scene.far.call_id)
    nothing_is_left(scene, b2bua)


def test_a_b2bua_that_hangs_is_seen_and_refused_for_until_it_goes_on(
    scene: Scene, b2bua: RunningB2bua
) -> None:
    b2bua.process.send_signal(signal.SIGSTOP)
    try:
        until(lambda: not b2bua.is_working(), "it hangs, and nobody sees it")
        assert scene.refer().status == 503
    finally:
        b2bua.process.send_signal(signal.SIGCONT)
    until(b2bua.is_working, "it goes on, and nobody sees it")
    done(scene)
    hang_up(scene, scene.near)
    scene.far.send("BYE")
    scene.target.respond(scene.target.wait("BYE"), 200)
    scene.telco.wait("BYE", status=200, call_id=scene.far.call_id)
    nothing_is_left(scene, b2bua)


def test_a_b2bua_that_was_slow_takes_no_call_that_was_refused_for_it(
    scene: Scene, b2bua: RunningB2bua
) -> None:
    """It reads the REFER when the edge has answered 503 in its name: the call is its parties' own."""
    with frozen(b2bua.process.pid):
        begun = time.monotonic()
        assert scene.refer().status == 503
        # Kamailio's timer may be early on a busy machine; the B2BUA goes by the clock.
        time.sleep(max(0.0, begun + ANSWER_SECONDS - time.monotonic()))
    until(b2bua.is_working, "it goes on, and nobody sees it")
    assert not scene.target.silence(1.0)
    is_as_before(scene)
    nothing_is_left(scene, b2bua)


def test_a_bye_waits_for_the_next_b2bua(scene: Scene, b2bua: RunningB2bua) -> None:
    """The proxy's own dialog is over by it: nobody else would tell the target."""
    invite = done(scene)
    hang_up(scene, scene.near)
    b2bua.kill()
    try:
        scene.far.send("BYE")
        time.sleep(3)  # a restart that takes its time
    finally:
        b2bua.start()
    scene.target.respond(scene.target.wait("BYE", call_id=invite.call_id), 200)
    scene.telco.wait("BYE", status=200, call_id=scene.far.call_id)
    nothing_is_left(scene, b2bua)


def test_a_b2bua_killed_while_it_rings_gives_the_call_back(scene: Scene, b2bua: RunningB2bua) -> None:
    assert scene.refer().status == 202
    assert scene.notified() == "SIP/2.0 100 Trying active"
    invite = scene.rings()
    b2bua.kill()
    b2bua.start()
    assert scene.notified() == "SIP/2.0 500 Failed terminated"
    scene.target.respond(invite, 200, body=sdp(scene.target.address))
    scene.target.respond(scene.target.wait("BYE", call_id=invite.call_id), 200)
    is_as_before(scene)
    nothing_is_left(scene, b2bua)


def test_a_b2bua_killed_while_the_other_party_comes_leads_it_back(scene: Scene, b2bua: RunningB2bua) -> None:
    """It has taken the target's session, or will: nobody has heard. Its late 200 ends no call."""
    invite = answered(scene)
    moved = scene.telco.wait("INVITE", call_id=scene.far.call_id)
    b2bua.kill()
    b2bua.start()
    scene.target.respond(scene.target.wait("BYE", call_id=invite.call_id), 200)
    assert scene.notified() == "SIP/2.0 500 Failed terminated"
    back = scene.telco.wait("INVITE", call_id=scene.far.call_id)
    assert scene.pbx.address in back.body
    scene.telco.respond(moved, 200, body=sdp(scene.telco.address))
    scene.telco.wait("ACK", call_id=scene.far.call_id)
    scene.telco.respond(back, 200, body=sdp(scene.telco.address))
    scene.telco.wait("ACK", call_id=scene.far.call_id)
    is_as_before(scene)
    nothing_is_left(scene, b2bua)
