"""S67: a call that no target takes is led by its trunk's call instructions, and its caller hears them."""

from __future__ import annotations

import wave
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy
import pytest

from sipedge.recording.spool import READY
from support.b2bua import RunningB2bua
from support.lab import FAR_NUMBER, OWN_NUMBER, TELCO, Lab
from support.patience import PATIENCE
from support.recovery import OTHER_PLAYED, TARGET, Recovery, hears, make_recovery
from support.relay import Relay
from support.sipmessage import Message
from support.sipua import Leg, UserAgent, callee_leg, client_context
from support.sound import SoundEnd, sound_end, talk
from support.tables import make_carrier, make_gateway
from support.talking import OTHER_TONE
from support.web_app import WebApp

BEEP = 1000
"""Hz; of the tone before a recording."""
RINGING = 450
"""Hz; of the tone while it rings elsewhere."""
BRITISH = "+442079460999"
FINAL = (400, 404, 486, 603)
"""Of S64."""


@pytest.mark.parametrize("method", ("POST", "GET"))
def test_a_call_that_no_uri_takes_hears_what_the_application_plays(recovery: Recovery, method: str) -> None:
    recovery.serve("<Play>/tone.wav</Play>", method)
    recovery.call()
    recovery.answered()
    recovery.hears()
    asked = recovery.app.next()
    assert (asked.method, asked.path) == (method, "/start")
    told = {name: asked.form.get(name) for name in ("From", "To", "CallStatus", "Direction")}
    assert told == {"From": FAR_NUMBER, "To": OWN_NUMBER, "CallStatus": "ringing", "Direction": "inbound"}
    assert asked.form["CallSid"].startswith("CA")
    recovery.hangs_up()


def test_a_trunk_without_an_enabled_uri_asks_at_once(recovery: Recovery) -> None:
    """And its document's end hangs up."""
    recovery.serve("<Play>/short.wav</Play>", trunk={"targets": ()})
    recovery.call(refused=None)
    recovery.answered()
    recovery.hung_up()
    assert not recovery.pbx.inbox


@pytest.mark.parametrize("status", FINAL)
def test_a_pbx_that_has_answered_has_the_last_word(recovery: Recovery, status: int) -> None:
    recovery.serve("<Play>/tone.wav</Play>")
    assert recovery.call(refused=status).final(PATIENCE).status == status
    assert recovery.app.asked.empty()


@pytest.mark.parametrize(("verbs", "status"), (("<Reject/>", 603), ('<Reject reason="busy"/>', 486)))
def test_instructions_may_refuse_the_call(recovery: Recovery, verbs: str, status: int) -> None:
    recovery.serve(verbs)
    assert recovery.call().final(PATIENCE).status == status


def test_keys_lead_to_the_next_document(recovery: Recovery) -> None:
    """The first one ends the prompt; what follows is another document's, where a Redirect leads."""
    recovery.app.say("/digits", "<Redirect>/further</Redirect>")
    recovery.app.say("/further", "<Play>/other.wav</Play>")
    recovery.instructed('<Gather numDigits="3" action="/digits"><Play>/tone.wav</Play></Gather>')
    recovery.hears()
    recovery.sound.press("12#")
    recovery.sound.press("3")
    recovery.hears(OTHER_PLAYED)
    paths = [recovery.app.next() for _ in range(recovery.app.asked.qsize())]
    told = {each.path: each.form for each in paths}
    assert told["/digits"]["Digits"] == "12"
    assert told["/further"]["CallStatus"] == "in-progress"
    recovery.hangs_up()


@pytest.mark.parametrize("answer", (500, b"<html>", b"<Response><Say>"), ids=("500", "html", "torn"))
def test_a_document_that_cannot_be_had_is_apologised_for(recovery: Recovery, answer: bytes | int) -> None:
    recovery.serve()
    recovery.app.answers["/start"] = answer
    recovery.call()
    recovery.answered()
    if isinstance(answer, int):
        recovery.hears_some()
        recovery.hung_up()
    else:
        recovery.hangs_up()


def test_a_caller_who_gives_up_while_the_application_thinks_gets_487(recovery: Recovery) -> None:
    recovery.serve("<Play>/tone.wav</Play>")
    recovery.app.hold()
    invite = recovery.call()
    recovery.telco.wait("INVITE", status=180, call_id=invite.call_id, seconds=PATIENCE)
    recovery.app.next()
    invite.cancel()
    assert invite.final(PATIENCE).status == 487
    recovery.app.release()


def test_what_the_caller_says_is_recorded_and_told(recovery: Recovery) -> None:
    """His tone, and the key that ends it: the application is told where the recording is."""
    recovery.app.say("/after", "<Play>/tone.wav</Play>")
    recovery.instructed('<Record finishOnKey="#" timeout="60" action="/after"/>')
    recovery.hears_some(BEEP)
    talk(recovery.sound, seconds=3.0)
    recovery.sound.press("#")
    recovery.hears()
    told = {each.path: each.form for each in recovery.app.all()}["/after"]
    assert int(told["RecordingDuration"]) >= 1
    assert told["Digits"] == "#"
    media = recovery.lab.edge.settings.media
    assert media is not None
    (file,) = (media.spool / READY).glob(f"{told['RecordingSid']}*.wav")
    assert loudest(file) == recovery.sound.tone
    recovery.hangs_up()


def loudest(file: Path) -> int:
    """Hz of the tone in the middle of a recording, to the next multiple of 50."""
    with wave.open(str(file)) as sound:
        frames, rate = sound.getnframes(), sound.getframerate()
        samples = numpy.frombuffer(sound.readframes(frames), "<i2")
    middle = samples[len(samples) // 4 : len(samples) * 3 // 4]
    spectrum = numpy.abs(numpy.fft.rfft(middle))
    return int(50 * round(float(numpy.argmax(spectrum)) * rate / len(middle) / 50))


# --------------------------------------------------------------------------------------------------- Dial


def dialled(
    recovery: Recovery, ends: ExitStack, target: UserAgent, verbs: str, **changes: Any
) -> tuple[Leg, SoundEnd, Message]:
    """Somebody is called by these verbs, and both hear each other: his leg, his sound, and his INVITE."""
    recovery.instructed(verbs, **changes)
    invite = target.wait("INVITE", seconds=PATIENCE)
    sound = ends.enter_context(sound_end(target.address, OTHER_TONE))
    target.respond(invite, 200, body=sound.answer(invite.body))
    target.wait("ACK", call_id=invite.call_id, seconds=PATIENCE)
    sound.connect(invite.body)
    recovery.moved()
    hears(recovery.sound, OTHER_TONE, sound)
    hears(sound, recovery.sound.tone, recovery.sound)
    return callee_leg(target, invite, invite.path), sound, invite


def test_a_number_is_dialled_by_way_of_a_carrier_and_the_next_verb_follows(
    recovery: Recovery, relay: Relay, ends: ExitStack
) -> None:
    target = recovery.lab.agent(31)
    recovery.app.say("/after", "<Play>/tone.wav</Play>")
    verbs = f'<Dial action="/after">{BRITISH}</Dial>'
    routes = {"+": [make_gateway(target.address, 5060)]}
    leg, _, invite = dialled(recovery, ends, target, verbs, routes=routes)
    assert invite.first_line.startswith(f"INVITE sip:{BRITISH}@")
    assert len(relay.sessions()) == 1
    leg.send("BYE")
    target.wait("BYE", status=200, call_id=leg.call_id, seconds=PATIENCE)
    recovery.moved()
    recovery.hears()
    told = {each.path: each.form for each in recovery.app.all()}["/after"]
    assert (told["DialCallStatus"], told["CallStatus"]) == ("completed", "in-progress")
    recovery.hangs_up()


def test_a_sip_uri_is_dialled_and_the_caller_ends_both(recovery: Recovery, ends: ExitStack) -> None:
    target = recovery.lab.agent(TARGET)
    leg, _, invite = dialled(recovery, ends, target, f"<Dial><Sip>sip:bob@{target.address}</Sip></Dial>")
    assert FAR_NUMBER in invite.header("From")
    recovery.hangs_up()
    target.respond(target.wait("BYE", call_id=leg.call_id, seconds=PATIENCE), 200)


@pytest.mark.parametrize(("status", "told"), ((486, "busy"), (503, "failed")))
def test_who_does_not_take_the_call_leaves_the_caller_where_he_was(
    recovery: Recovery, status: int, told: str
) -> None:
    """Who hears it ring until then."""
    target = recovery.lab.agent(TARGET)
    recovery.app.say("/after", "<Play>/tone.wav</Play>")
    recovery.instructed(f'<Dial action="/after"><Sip>sip:bob@{target.address}</Sip></Dial>')
    invite = target.wait("INVITE", seconds=PATIENCE)
    target.respond(invite, 180)
    recovery.hears_some(RINGING)
    target.respond(invite, status)
    recovery.hears()
    assert {each.path: each.form for each in recovery.app.all()}["/after"]["DialCallStatus"] == told
    recovery.hangs_up()


def test_a_caller_who_hangs_up_while_it_rings_takes_the_call_back(recovery: Recovery) -> None:
    target = recovery.lab.agent(TARGET)
    recovery.instructed(f"<Dial><Sip>sip:bob@{target.address}</Sip></Dial>")
    invite = target.wait("INVITE", seconds=PATIENCE)
    target.respond(invite, 180)
    recovery.hangs_up()
    target.respond(target.wait("CANCEL", call_id=invite.call_id, seconds=PATIENCE), 200)
    target.respond(invite, 487)


@pytest.mark.parametrize(
    "dial",
    ("<Dial>+14155550911</Dial>", '<Dial callerId="+14155559999"><Sip>sip:bob@{target}</Sip></Dial>'),
    ids=("no-route", "foreign-caller-id"),
)
def test_what_the_trunk_may_not_call_nobody_gets(recovery: Recovery, dial: str) -> None:
    """A number without a carrier, or a caller id that is not the customer's (S40)."""
    target = recovery.lab.agent(TARGET)
    recovery.app.say("/after", "<Play>/tone.wav</Play>")
    verbs = dial.replace("<Dial", '<Dial action="/after"').format(target=target.address)
    recovery.instructed(verbs, routes={})
    recovery.hears()
    assert {each.path: each.form for each in recovery.app.all()}["/after"]["DialCallStatus"] == "failed"
    assert not target.inbox
    recovery.hangs_up()


# ------------------------------------------------------------------------------------- what lies beneath


def test_a_caller_with_srtp_hears_it_too(
    relayed: Lab, relay: Relay, ends: ExitStack, pbx: UserAgent, b2bua: RunningB2bua, app: WebApp
) -> None:
    phone = relayed.agent(TELCO, 0, "tls", tls=client_context())
    recovery = make_recovery(relayed, app, pbx, phone, ends, secure=True)
    recovery.instructed("<Play>/tone.wav</Play>", carriers=[make_carrier(secure=True)])
    recovery.hears()
    assert recovery.sound.heard.broken == 0
    recovery.hangs_up()
    assert "a=crypto" not in b2bua.log()
