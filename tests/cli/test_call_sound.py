"""`trunkline call --media`: a tone goes out with a real call, and what comes back is told."""

from __future__ import annotations

import json
import socket
import subprocess
import time
from collections.abc import Callable
from typing import Any

import pytest

from support.addresses import reserved_block
from support.events import whole_lines
from support.patience import PATIENCE
from support.sipua import user_agent
from support.sound import SUITES, SoundEnd, sound_end, talk
from support.trunkline_command import COMMAND, ROOT, environment, run_trunkline
from support.trunkline_platform import PBX, Platform, run_call

Behaviour = Callable[[SoundEnd], None]
TONE = 1000


def silent(end: SoundEnd) -> None:
    """It answers, and that is all."""
    end.listen()


def another_tone(end: SoundEnd) -> None:
    end.send()


def echo(end: SoundEnd) -> None:
    """What came in these 20 ms goes back."""
    for payload in end.heard.payloads[end.reports.sent :]:
        end.send(payload)


def noise(end: SoundEnd) -> None:
    """Of no key: as a far side whose SRTP went wrong."""
    assert end.towards is not None
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
        stranger.sendto(b"\x80\0" + bytes(170), end.towards)


def called(behaviour: Behaviour, kind: str, *, secure: bool) -> tuple[int, dict[str, Any], SoundEnd]:
    """The command's exit code and document, calling a phone that behaves so."""
    with (
        reserved_block() as block,
        user_agent(block.address(2), 5060) as phone,
        sound_end(phone.address, 400, secure=secure, suites=SUITES) as end,
    ):
        arguments = (
            *("call", f"sip:+12125550111@{phone.address}", "--from", "+14155550100", "--media", kind),
            *("--via", phone.address, "--source", block.address(1), "--duration", "0.6", "-o", "json"),
        )
        with subprocess.Popen(
            [*COMMAND, *arguments], cwd=ROOT, env=environment(), stdout=subprocess.PIPE, text=True
        ) as process:
            invite = phone.wait("INVITE")
            as_asked = secure is (kind == "srtp")
            phone.respond(invite, 200, body=end.answer(invite.body) if as_asked else end.offer())
            phone.wait("ACK")
            end.silent = True
            talk(end, seconds=0.5, each=lambda _: behaviour(end))
            phone.respond(phone.wait("BYE"), 200)
            output, _ = process.communicate(timeout=PATIENCE)
        return process.returncode, json.loads(output), end


def test_a_call_through_an_edge_leaves_what_it_sounded_like(platform: Platform) -> None:
    """There and back through the relay of a running `up`; its record and `calls show` tell of it."""
    call = (
        *("call", "sip:+390699999999@forum-shop.pstn.rome.trunkline.test", "--from", "+390612345678"),
        *("--via", platform.edge, "--source", platform.block.address(PBX), "--duration", "0.6"),
        *("--username", "pbx", "--password-file", platform.password_file, "--media", "rtp", "-o", "json"),
    )
    for _ in range(3):  # the far side of a busy machine may be late for all of such a short call
        if (done := run_call(*call)).returncode == 0:
            break
    assert done.returncode == 0, done.stdout + done.stderr
    result = json.loads(done.stdout)
    sound = result["sound"]
    assert sound["cameBack"]
    assert {each.rpartition(":")[0] for each in sound["from"]} == {platform.edge}
    record = record_of(platform, result["callId"])
    assert record["media"]["caller"]["codec"] == "PCMU"
    counted = record["media"]["caller"]["packetsFromParty"]
    # What leaves while the call ends is counted by nobody.
    assert 0.5 * sound["packetsSent"] < counted <= sound["packetsSent"]
    # One may be on its way when the relay is asked.
    assert record["media"]["callee"]["packetsFromParty"] >= sound["packetsHeard"] - 3
    told = run_trunkline("calls", "show", record["callSid"], "--state-dir", platform.state).stdout
    assert f"PCMU, sent {counted} packets" in told


def record_of(platform: Platform, call_id: str) -> dict[str, Any]:
    """Of the call with this Call-ID, at the edge that it called."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        for file in (platform.state / "calls").glob("*.jsonl"):
            for record in map(json.loads, whole_lines(file)):
                if record.get("sipCallId") == call_id:
                    found: dict[str, Any] = record
                    return found
        time.sleep(0.1)
    raise TimeoutError(f"no record of {call_id}")


@pytest.mark.parametrize("kind", ("rtp", "srtp"))
def test_the_tone_comes_back(kind: str) -> None:
    """The far side hears it, and sends it back; by SRTP of the suite that it chose."""
    code, result, end = called(echo, kind, secure=kind == "srtp")
    sound = result["sound"]
    assert (code, sound["cameBack"], sound["toneHeard"], sound["packetsUnreadable"]) == (0, True, TONE, 0)
    assert sound["suite"] == (SUITES[0] if kind == "srtp" else None)
    assert sound["from"] == [f"{end.address}:{sound['from'][0].rpartition(':')[2]}"]
    assert end.heard.tone == TONE
    assert "it came back in" in result["explanation"]


@pytest.mark.parametrize(
    ("behaviour", "kind", "secure", "said"),
    (
        (silent, "rtp", False, "heard nothing"),
        (another_tone, "rtp", False, "it did not come back"),
        (noise, "srtp", True, "none could be read"),
        (silent, "srtp", False, "no crypto line can be used"),
    ),
)
def test_what_came_instead_is_told_and_the_command_fails(
    behaviour: Behaviour, kind: str, secure: bool, said: str
) -> None:
    code, result, _ = called(behaviour, kind, secure=secure)
    assert (code, result["answered"], result["sound"]["cameBack"]) == (1, True, False)
    assert said in result["explanation"]
