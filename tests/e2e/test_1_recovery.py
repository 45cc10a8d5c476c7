"""Call instructions in an edge pod: the B2BUA's container asks an application, and the caller hears it."""

from __future__ import annotations

from contextlib import ExitStack

import pytest

from e2e.calls import MAIN_LINE, PSTN, SECONDS, arrived, end_at
from e2e.installation import Installation
from e2e.own_node import OwnNode, entered
from support.recovery import ENOUGH, PLAYED, SOUNDS
from support.sipua import Leg, send_invite
from support.sound import SoundEnd, talk
from support.web_app import WebApp, running_app

# The first test of a run also waits for images to be built.
pytestmark = [pytest.mark.cluster, pytest.mark.timeout(900)]

CALLER = 400
"""Hz."""
TALKS = 100
"""Longer than anything takes to be heard, in turns of a fifth of a second and more."""


def test_a_call_that_no_pbx_takes_follows_instructions(installation: Installation, own: OwnNode) -> None:
    """S67: asked for by the pod, played by its relay, heard by the caller; a key leads on, and to the end."""
    carrier, pbxs = own.phones["telco-a"], [own.phones[name] for name in ("pbx1", "pbx2")]
    pod = installation.wait_pods("dublin", 2)[-1]
    with ExitStack() as stack:
        with entered(own.hosts["pbx2"]):
            app = stack.enter_context(running_app(own.hosts["pbx2"].address))
        app.answers |= SOUNDS
        url = app.say("/start", '<Gather numDigits="1" action="/typed"><Play>/tone.wav</Play></Gather>')
        app.say("/typed", "<Hangup/>")
        stack.enter_context(installation.changed("hq", origination={"disasterRecovery": {"url": url}}))
        sound = stack.enter_context(end_at(own.hosts["telco-a"], CALLER))
        invite = send_invite(
            carrier, (pod.address, 5060), f"sip:{MAIN_LINE}@{pod.address}", caller=PSTN, body=sound.offer()
        )
        for pbx in pbxs:
            pbx.respond(arrived(pbx, invite), 503)
        answer = invite.final(SECONDS)
        assert answer.status == 200, answer.first_line
        sound.connect(answer.body)
        leg = invite.leg(answer)
        leg.send("ACK")
        until_heard(sound, PLAYED)
        sound.press("7")
        until_typed(app, sound, "7")
        hung_up(leg)


def until_heard(sound: SoundEnd, hertz: int) -> None:
    for _ in range(TALKS):
        talk(sound, seconds=0.2)
        if sound.heard.tones[hertz] >= ENOUGH:
            return
    raise AssertionError(sound.heard)


def until_typed(app: WebApp, sound: SoundEnd, key: str) -> None:
    for _ in range(TALKS):
        if any(each.form.get("Digits") == key for each in app.all()):
            return
        talk(sound, seconds=0.2)
    raise AssertionError("nobody has asked for what follows the key")


def hung_up(leg: Leg) -> None:
    leg.agent.respond(leg.agent.wait("BYE", call_id=leg.call_id, seconds=SECONDS), 200)
