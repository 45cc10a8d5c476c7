"""Phones that the project did not write, each heard by the other side of the edge: PJSIP, baresip, SIPp."""

from __future__ import annotations

import json
import os
import re
import socket
import struct
import subprocess
import sys
import time
import wave
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from sipedge.table.media import TrunkMediaRow
from support.asterisk_pbx import DOMAIN, PASSWORD, certificates
from support.baresip import Phone, baresip
from support.lab import FAR_NUMBER, OWN_NUMBER, PBX, TELCO, Lab
from support.patience import PATIENCE
from support.sipp import running_scenario
from support.sipua import Invite, Leg, UserAgent
from support.sound import SoundEnd, sound_end, talk, wait_for_packets
from support.tables import make_target
from support.trunkline_command import run_trunkline
from trunkline.cli.call.sound.g711 import PCMU, decoded
from trunkline.cli.call.sound.rtp import Packet, rendered
from trunkline.cli.call.sound.tone import PACKET_SAMPLES, tone_of, tone_payload

PJSIP = Path(__file__).parents[1] / "support" / "pjsua_phone.py"
PHONE_TONE, FAR_TONE = 400, 700
KINDS = pytest.mark.parametrize("secure", (True, False), ids=("srtp", "rtp"))


def serve(lab: Lab, secure: bool, **trunk: Any) -> None:
    """The trunk's PBX at its address, opened by it, or by a password if `trunk` has a credential list."""
    transport = "tls" if secure else "udp"
    target = make_target(lab.block.address(PBX), 5061 if secure else 5060, transport=transport)
    lab.serve(
        site_changes={"relay": "Always"},
        trunk={"secure": secure, "targets": (target,), **trunk},
        credentials={("acme/users", "pbx"): PASSWORD},
    )


@contextmanager
def pjsip(lab: Lab, folder: Path, secure: bool, **task: Any) -> Iterator[subprocess.Popen[str]]:
    """PJSIP at the PBX's address, ready."""
    told = {
        "address": lab.block.address(PBX),
        "identity": f"sip:{OWN_NUMBER}@{DOMAIN}",
        "recording": str(folder / "heard.wav"),
        "sound": str(tone_file(folder / "said.wav")),
        **task,
    }
    if secure:
        pair = certificates(lab, folder / "tls")
        told |= {"transport": "tls", "port": 5061, "srtp": True, "certificates": str(pair)}
    command = [sys.executable, str(PJSIP), json.dumps(told)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            while (line := process.stdout.readline().strip()) != "ready":
                assert line or process.poll() is None, process.communicate()
            yield process
        finally:
            process.kill()


def result(process: subprocess.Popen[str]) -> dict[str, Any]:
    output, errors = process.communicate(timeout=PATIENCE)
    told = [line for line in output.splitlines() if line.startswith("{")]
    assert told, (process.returncode, errors[-2000:])
    found: dict[str, Any] = json.loads(told[0])
    return found


def tone_file(file: Path, seconds: int = 1) -> Path:
    """So much of the phone's tone."""
    with wave.open(str(file), "wb") as sound:
        sound.setparams((1, 2, 8000, 0, "NONE", ""))
        samples = decoded(tone_payload(PHONE_TONE, PCMU), PCMU) * 50 * seconds
        sound.writeframes(struct.pack(f"<{len(samples)}h", *samples))
    return file


def tone_in(file: Path) -> int | None:
    """The tone that most 20 ms of this WAV file have that are no silence."""
    with wave.open(str(file)) as sound:
        assert (sound.getframerate(), sound.getnchannels(), sound.getsampwidth()) == (8000, 1, 2)
        samples = memoryview(sound.readframes(sound.getnframes())).cast("h").tolist()
    parts = [samples[start : start + PACKET_SAMPLES] for start in range(0, len(samples), PACKET_SAMPLES)]
    loud = [part for part in parts if len(part) == PACKET_SAMPLES and max(map(abs, part)) > 1000]
    tones = [tone_of(part) for part in loud]
    assert len(loud) > 10, f"{len(loud) * 20} ms of sound in {len(parts) * 20} ms"
    best = max(set(tones), key=tones.count)
    return best if tones.count(best) > 0.8 * len(tones) else None


def take(telco: UserAgent, end: SoundEnd, seconds: float) -> None:
    """The carrier takes a call, and talks until the other side hangs up."""
    received = telco.wait("INVITE")
    telco.respond(received, 180)
    telco.respond(received, 200, body=end.answer(received.body))
    telco.wait("ACK")
    talk(end, seconds=seconds)
    telco.respond(telco.wait("BYE"), 200)


@KINDS
def test_pjsip_calls_and_both_are_heard(relayed: Lab, telco: UserAgent, tmp_path: Path, secure: bool) -> None:
    """TLS with the edge's certificate checked, SRTP and nothing else; or UDP and RTP (S98)."""
    serve(relayed, secure)
    transport = ";transport=tls" if secure else ""
    port = 5061 if secure else 5060
    with (
        pjsip(
            *(relayed, tmp_path, secure),
            call=f"sip:{FAR_NUMBER}@{DOMAIN}{transport}",
            proxy=f"sip:{relayed.edge.address}:{port}{transport};lr;hide",
        ) as phone,
        sound_end(telco.address, FAR_TONE) as end,
    ):
        take(telco, end, 0.9)
        answer = result(phone)
    assert (answer["status"], answer["ended"], answer["srtp"]) == (200, True, secure)
    assert end.heard.tone == PHONE_TONE, end.heard
    assert tone_in(tmp_path / "heard.wav") == FAR_TONE


@KINDS
def test_pjsip_is_called_and_both_are_heard(
    relayed: Lab, telco: UserAgent, tmp_path: Path, secure: bool
) -> None:
    """From a carrier that has neither TLS nor SRTP (S98)."""
    serve(relayed, secure)
    with pjsip(relayed, tmp_path, secure) as phone, sound_end(telco.address, FAR_TONE) as end:
        leg = bring_up(relayed.call_in(telco, body=end.offer()), end)
        talk(end, seconds=0.9)
        leg.send("BYE")
        telco.wait("BYE", status=200)
        said = result(phone)
    assert (said["ended"], said["srtp"]) == (True, secure)
    assert end.heard.tone == PHONE_TONE, end.heard
    assert tone_in(tmp_path / "heard.wav") == FAR_TONE


def bare_phone(lab: Lab, folder: Path, secure: bool) -> Phone:
    """A baresip with the trunk's password. Its sound comes not from where its SDP says, as behind a NAT."""
    by_password = {"access": None, "credential_lists": ("acme/users",)}
    serve(lab, secure, media=TrunkMediaRow(symmetric=True), **by_password)
    pair = certificates(lab, folder / "tls")
    transport, port = (";transport=tls", 5061) if secure else ("", 5060)
    account = (
        f"<sip:{OWN_NUMBER}@{DOMAIN}{transport}>;auth_user=pbx;auth_pass={PASSWORD};regint=0;answermode=auto"
        f';outbound="sip:{lab.edge.address}:{port}{transport}";audio_codecs=pcmu;ptime=20'
        f"{';mediaenc=srtp-mand' if secure else ''}"
    )
    return Phone(
        folder / "baresip",
        lab.block.address(PBX),
        account,
        tone_file(folder / "said.wav", seconds=2),
        *(pair / "server.crt", pair / "server.key", pair / "edge.crt"),
    )


@KINDS
def test_baresip_calls_and_both_are_heard(
    relayed: Lab, telco: UserAgent, tmp_path: Path, secure: bool
) -> None:
    """With a password, over TLS by SRTP or over UDP by RTP; it hangs up when it has said all (S25, S98)."""
    phone = bare_phone(relayed, tmp_path, secure)
    transport = ";transport=tls" if secure else ""
    with (
        baresip(phone, f"sip:{FAR_NUMBER}@{DOMAIN}{transport}"),
        sound_end(telco.address, FAR_TONE) as end,
    ):
        take(telco, end, 1.6)
    assert end.heard.tone == PHONE_TONE, end.heard
    assert tone_in(phone.recording) == FAR_TONE


@KINDS
def test_baresip_is_called_and_both_are_heard(
    relayed: Lab, telco: UserAgent, tmp_path: Path, secure: bool
) -> None:
    """From a carrier that has neither TLS nor SRTP (S25, S98)."""
    phone = bare_phone(relayed, tmp_path, secure)
    with baresip(phone), sound_end(telco.address, FAR_TONE) as end:
        wait_for_listener(phone.address, 5061)
        leg = bring_up(relayed.call_in(telco, body=end.offer()), end)
        talk(end, seconds=1.2)
        leg.send("BYE")
        telco.wait("BYE", status=200)
    assert end.heard.tone == PHONE_TONE, end.heard
    assert tone_in(phone.recording) == FAR_TONE


def wait_for_listener(address: str, port: int) -> None:
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            socket.create_connection((address, port), 1).close()
        except OSError:
            assert time.monotonic() < deadline, f"nobody listens at {address}:{port}"
            time.sleep(0.05)
        else:
            return


def bring_up(invite: Invite, end: SoundEnd) -> Leg:
    """The caller's side of a call that is answered; its end knows where to send."""
    answer = invite.final()
    assert answer.status == 200, answer.first_line
    end.connect(answer.body)
    leg = invite.leg(answer)
    leg.send("ACK")
    return leg


SCENARIOS = Path(__file__).parent / "scenarios"


def capture_file(file: Path) -> Path:
    """A capture of a second of the phone's tone: Ethernet, IPv4, UDP, RTP; sipp puts in its own addresses."""
    packets = [struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65_535, 1)]
    for number in range(50):
        sound = rendered(Packet(PCMU, number, number * PACKET_SAMPLES, 7, tone_payload(PHONE_TONE, PCMU)))
        udp = struct.pack("!HHHH", 4000, 5000, 8 + len(sound), 0) + sound
        ip = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(udp), 0, 0, 64, 17, 0, bytes(4), bytes(4)) + udp
        frame = bytes(12) + b"\x08\0" + ip
        packets.append(struct.pack("<IIII", 1, number * 20_000, len(frame), len(frame)) + frame)
    file.write_bytes(b"".join(packets))
    return file


def with_sound(name: str, folder: Path, *changes: tuple[str, str]) -> Path:
    """A scenario whose media are its own."""
    text = re.sub(r"m=audio \d+", "m=audio [media_port]", (SCENARIOS / f"{name}.xml").read_text())
    for old, new in changes:
        text = text.replace(old, new)
    file = folder / f"{name}.xml"
    file.write_text(text)
    return file


@pytest.mark.skipif(os.geteuid() != 0, reason="sipp plays a capture by a raw socket: root alone may")
def test_sipp_plays_a_capture(relayed: Lab, telco: UserAgent, tmp_path: Path) -> None:
    """All of it arrives, and nothing else."""
    capture = capture_file(tmp_path / "tone.pcap")
    played = f'<nop><action><exec play_pcap_audio="{capture}"/></action></nop><pause milliseconds="1200" />'
    scenario = with_sound(
        "termination-answered-and-ended-by-caller-expect-200",
        tmp_path,
        ('<pause milliseconds="100" />', played),
    )
    with (
        sound_end(telco.address, FAR_TONE) as end,
        running_scenario(
            scenario,
            relayed.block.address(PBX),
            keys={"called": FAR_NUMBER, "caller": OWN_NUMBER, "transport": "UDP"},
            peer=f"{relayed.edge.address}:5060",
        ),
    ):
        end.silent = True
        take(telco, end, 1.3)
        wait_for_packets(end, 50)
    assert (end.heard.tone, end.heard.packets, end.heard.broken) == (PHONE_TONE, 50, 0), end.heard


@KINDS
def test_trunkline_call_hears_its_tone_come_back(relayed: Lab, tmp_path: Path, secure: bool) -> None:
    """From a carrier's sipp that echoes RTP, to a customer who speaks SRTP over TLS, or RTP (S17, S98)."""
    serve(relayed, secure)
    kind, transport = ("srtp", "tls") if secure else ("rtp", "udp")
    scenario = with_sound("callee-answers-and-waits-for-bye", tmp_path)
    with running_scenario(scenario, relayed.block.address(TELCO), echoes=True):
        done = run_trunkline(
            *("call", f"sip:{FAR_NUMBER}@{DOMAIN}", "--from", OWN_NUMBER, "--via", relayed.edge.address),
            *(
                "--source",
                relayed.block.address(PBX),
                "--transport",
                transport,
                "--media",
                kind,
                "-o",
                "json",
            ),
        )
    assert done.returncode == 0, done.stdout + done.stderr
    sound = json.loads(done.stdout)["sound"]
    assert (sound["cameBack"], sound["packetsUnreadable"]) == (True, 0)
    assert 0 < sound["packetsHeard"] <= sound["packetsSent"]
    assert {each.rpartition(":")[0] for each in sound["from"]} == {relayed.edge.address}
