"""S67 when something fails: the B2BUA that carries call instructions out is full, drains, or is killed."""

from __future__ import annotations

import signal
import time
from typing import Final

import pytest

from sipedge.routing.handover import HEADER, INSTRUCT, PLACE, SPEAK, Sought
from sipedge.routing.sealed import Proof, Seal
from sipedge.secret import Secret
from support.b2bua import RunningB2bua, nobody_asked
from support.events import Event, all_events_of_caller, events_of_caller
from support.lab import OWN_NUMBER, Lab
from support.patience import PATIENCE, until
from support.recovery import TARGET, Recovery
from support.relay import Relay
from support.sipmessage import sdp
from support.sipua import Invite

VERBS = "<Play>/tone.wav</Play>"
PURPOSES: Final = (PLACE, INSTRUCT, SPEAK)


def told(lab: Lab, invite: Invite) -> list[Event]:
    """The events of the call, once it has ended."""
    return all_events_of_caller(lab.edge, invite.call_id)


def test_a_b2bua_that_is_killed_ends_its_own_calls_and_no_other(
    recovery: Recovery, relay: Relay, b2bua: RunningB2bua
) -> None:
    """Those that it had answered get a BYE of the next one, those that ring a 503."""
    recovery.serve(VERBS)
    recovery.call()
    recovery.answered()
    recovery.hears()
    other = recovery.lab.call_in(recovery.telco, body=sdp(recovery.telco.address))
    received = recovery.pbx.wait("INVITE", call_id=other.call_id, seconds=PATIENCE)
    recovery.pbx.respond(received, 200, body=sdp(recovery.pbx.address))
    other_leg = other.leg(other.final(PATIENCE))
    other_leg.send("ACK")
    up = recovery.leg
    recovery.app.hold()
    ringing = recovery.call()
    recovery.telco.wait("INVITE", status=180, call_id=ringing.call_id, seconds=PATIENCE)
    with b2bua.dead():
        recovery.hears()
    assert ringing.final(PATIENCE).status == 503
    recovery.leg = up
    recovery.hung_up()
    recovery.app.release()
    assert all(each.startswith(told_sid(recovery.lab, other)) for each in until_one(relay))
    other_leg.send("BYE")
    recovery.pbx.respond(recovery.pbx.wait("BYE", call_id=other.call_id, seconds=PATIENCE), 200)
    recovery.telco.wait("BYE", status=200, call_id=other.call_id, seconds=PATIENCE)
    assert b2bua.journal == []


def told_sid(lab: Lab, invite: Invite) -> str:
    """The CallSid of a call that has begun."""
    until(lambda: events_of_caller(lab.edge, invite.call_id), f"the begin of {invite.call_id}")
    return str(events_of_caller(lab.edge, invite.call_id)[0]["callSid"])


def until_one(relay: Relay) -> list[str]:
    """The sessions of the relay, once there is one."""
    deadline = time.monotonic() + PATIENCE
    while len(found := relay.sessions()) != 1:
        assert time.monotonic() < deadline, found
        time.sleep(0.05)
    return found


def test_without_a_b2bua_the_call_is_refused(recovery: Recovery, b2bua: RunningB2bua) -> None:
    """Nobody waits for one that is not there."""
    recovery.serve(VERBS)
    with b2bua.dead() as socket:
        assert recovery.call().final(PATIENCE).status == 503
        assert nobody_asked(socket)


def test_a_trunk_has_so_many_such_calls_and_no_more(recovery: Recovery) -> None:
    recovery.serve(VERBS)
    recovery.app.hold()
    calls = [recovery.call() for _ in range(2)]
    for each in calls:
        recovery.telco.wait("INVITE", status=180, call_id=each.call_id, seconds=PATIENCE)
    assert recovery.call().final(PATIENCE).status == 503
    for each in calls:
        each.cancel()
        assert each.final(PATIENCE).status == 487
    recovery.app.release()


def test_a_second_call_of_the_same_call_id_takes_the_place_of_none(recovery: Recovery) -> None:
    """Nor does a trunk have more calls by that."""
    recovery.serve(VERBS)
    recovery.app.hold()
    first = recovery.call()
    recovery.telco.wait("INVITE", status=180, call_id=first.call_id, seconds=PATIENCE)
    second = recovery.lab.call_in(recovery.telco, body=recovery.sound.offer(), call_id=first.call_id)
    recovery.pbx.respond(recovery.pbx.wait("INVITE", call_id=first.call_id, seconds=PATIENCE), 503)
    assert second.final(PATIENCE).status == 503
    recovery.app.release()
    recovery.invite = first
    recovery.answered()
    recovery.hears()
    recovery.hangs_up()


def test_whoever_answers_without_a_session_is_hung_up(recovery: Recovery) -> None:
    target = recovery.lab.agent(TARGET)
    recovery.instructed(f"<Dial><Sip>sip:bob@{target.address}</Sip></Dial><Play>/tone.wav</Play>")
    invite = target.wait("INVITE", seconds=PATIENCE)
    target.respond(invite, 200)
    target.respond(target.wait("BYE", call_id=invite.call_id, seconds=PATIENCE), 200)
    recovery.hears()
    assert not [each for each in recovery.telco.inbox if each.is_request]
    recovery.hangs_up()


def test_a_b2bua_that_drains_goes_on_with_what_it_has(recovery: Recovery, b2bua: RunningB2bua) -> None:
    """And the events of that call say what it was."""
    recovery.serve(VERBS)
    call = recovery.call()
    up = recovery.answered()
    b2bua.process.send_signal(signal.SIGTERM)
    try:
        until_refused(recovery)
        recovery.hears()
        recovery.leg = up
        recovery.hangs_up()
        assert b2bua.process.wait(PATIENCE) == 0
    finally:
        b2bua.process.kill()
        b2bua.process.wait()
        b2bua.start()
    events = told(recovery.lab, call)
    answered = next(each for each in events if each["event"] == "answered")
    assert answered["target"] == "disasterRecovery"
    assert events[-1]["endedBy"] == "caller"


def until_refused(recovery: Recovery) -> None:
    """No more calls are taken; one that still is ends at once."""
    deadline, telco = time.monotonic() + PATIENCE, recovery.telco
    while (answer := (invite := recovery.call()).final(PATIENCE)).status != 503:
        leg = invite.leg(answer)
        leg.send("ACK")
        leg.send("BYE")
        telco.wait("BYE", status=200, call_id=leg.call_id, seconds=PATIENCE)
        assert time.monotonic() < deadline


@pytest.mark.parametrize("purpose", PURPOSES)
def test_nobody_else_speaks_as_the_platform(recovery: Recovery, purpose: str) -> None:
    """A header of the platform's own that a stranger has sealed is none: his call is as any other."""
    recovery.serve(VERBS)
    call_id = f"forged-{purpose}"
    own = recovery.lab.edge.address
    told = Sought("a;to-tag=b;from-tag=c", "acme/hq").to_text()
    headers = []
    for hop, uri in ((own, f"sip:{OWN_NUMBER}@{own}"), (own, f"sip:{own}:7060")):
        proof = Proof(hop, call_id, 1, uri)
        headers.append((HEADER, Seal(Secret("0" * 64), purpose).value(told, proof, time.time())))
    body = recovery.sound.offer()
    recovery.invite = recovery.lab.call_in(recovery.telco, body=body, call_id=call_id, headers=headers)
    received = recovery.pbx.wait("INVITE", call_id=call_id, seconds=PATIENCE)
    assert not received.all(HEADER)
    recovery.pbx.respond(received, 503)
    recovery.answered()
    recovery.hears()
    assert recovery.leg is not None
    recovery.leg.send("REFER", headers=[("Refer-To", f"<sip:bob@{recovery.pbx.address}>"), *headers])
    refused = recovery.telco.wait("REFER", status=0, call_id=call_id, seconds=PATIENCE)
    assert refused.status == 403
    recovery.hangs_up()
