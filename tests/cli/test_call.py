"""`trunkline call`: real calls through real edges, and what it says of those that fail."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from support.debian_root import NoRootError
from support.patience import PATIENCE
from support.sipua import UserAgent
from support.trunkline_command import COMMAND, ROOT, environment, run_trunkline
from support.trunkline_platform import CARRIER, PASSWORD, PBX, Platform, run_call
from support.watchers import dissect

OWN, FAR = "+390612345678", "+390699999999"
DOMAIN = "forum-shop.pstn.rome.trunkline.test"
_FIELDS = ("ip.src", "ip.dst", "sip.Method", "sip.Status-Code", "sip.Call-ID", "_ws.malformed")
_CHECKSUMS = ("ip.checksum.status", "udp.checksum.status", "tcp.checksum.status")
KEYS = [
    *("answered", "status", "text", "reason", "errorCode", "rule", "explanation", "uri", "from", "via"),
    *("transport", "source", "callId", "connection", "byeStatus", "steps"),
]


def _out(platform: Platform, *options: str | Path, caller: str = OWN) -> tuple[str | Path, ...]:
    """The arguments of a call from the PBX to the PSTN, with the right password."""
    return (
        *("call", f"sip:{FAR}@{DOMAIN}", "--from", caller, "--via", platform.edge),
        *("--source", platform.block.address(PBX), "--duration", "0.2"),
        *("--username", "pbx", "--password-file", platform.password_file),
        *options,
    )


def _result(*arguments: str | Path) -> tuple[int, dict[str, Any]]:
    done = run_call(*arguments, "-o", "json")
    assert done.stdout, done.stderr
    result: dict[str, Any] = json.loads(done.stdout)
    assert list(result) == KEYS
    return done.returncode, result


@pytest.mark.parametrize("transport", ("udp", "tcp", "tls"))
def test_a_call_with_the_right_password_is_answered(
    platform: Platform, transport: str, tmp_path: Path
) -> None:
    """The whole ladder: challenge, digest, ringing, answer, BYE; a password that sipp could misread.

    tshark reads the same ladder in the capture, and finds nothing wrong with it.
    """
    file = tmp_path / "call.pcap"
    code, result = _result(*_out(platform, "--transport", transport, "--pcap", file))
    assert (code, result["answered"], result["status"]) == (0, True, 200)
    said = [(step["direction"], step["method"], step["status"]) for step in result["steps"]]
    for step in (
        ("received", "INVITE", 407),
        ("received", "INVITE", 180),
        ("received", "INVITE", 200),
        ("sent", "BYE", None),
        ("received", "BYE", 200),
    ):
        assert step in said
    assert sum(step[:2] == ("sent", "INVITE") for step in said) == 2
    assert bool(result["connection"]) == (transport == "tls")
    try:
        packets = dissect(file, *_FIELDS, *_CHECKSUMS)
    except NoRootError as error:
        pytest.skip(str(error))
    own, edge = platform.block.address(PBX), platform.edge
    assert [packet[:4] for packet in packets] == [
        [
            *((own, edge) if step["direction"] == "sent" else (edge, own)),
            "" if step["status"] else step["method"],
            str(step["status"] or ""),
        ]
        for step in result["steps"]
    ]
    assert {packet[4] for packet in packets} == {result["callId"]}
    good = ["1", "", "1"] if transport == "tcp" else ["1", "1", ""]
    assert [packet[5:] for packet in packets] == [["", *good]] * len(packets), "tshark finds faults"
    assert b'response="(hidden)"' in file.read_bytes()


def test_the_text_is_a_ladder_and_a_sentence(platform: Platform) -> None:
    """For people: who sent what, when, and how it ended."""
    done = run_call(*_out(platform))
    assert done.returncode == 0
    lines = done.stdout.splitlines()
    assert any("INVITE ---" in line and line.lstrip().startswith("0.000") for line in lines)
    assert any("< " in line or "<-" in line for line in lines)
    assert lines[-1].startswith("Answered; hung up after 0.")


def test_a_call_from_the_carrier_reaches_the_pbx(platform: Platform) -> None:
    """Origination: no password, the source decides."""
    code, result = _result(
        *("call", f"{OWN}@{platform.edge}", "--from", FAR, "--via", platform.edge, "--duration", "0.2"),
        *("--source", platform.block.address(CARRIER)),
    )
    assert (code, result["answered"]) == (0, True)


def test_the_edges_certificate_is_verified_on_request(platform: Platform) -> None:
    """With the state directory's CA it holds, with another it is refused before any SIP."""
    good = run_call(*_out(platform, "--transport", "tls", "--ca", platform.authority))
    assert good.returncode == 0
    assert "certificate verified" in good.stdout
    bad = run_trunkline(*_out(platform, "--transport", "tls", "--ca", "/etc/ssl/certs/ca-certificates.crt"))
    assert bad.returncode == 1
    assert "does not vouch" in bad.stderr
    assert "INVITE" not in bad.stdout


def test_a_refusal_is_explained(platform: Platform) -> None:
    """Status, number, rule and the meaning in words."""
    code, result = _result(*_out(platform, caller="+390600000000"))
    assert code == 1
    assert (result["status"], result["reason"], result["errorCode"], result["rule"]) == (
        403,
        "CallerIdNotAllowed",
        32204,
        "S40",
    )
    assert "neither owned nor verified" in result["explanation"]


def test_a_wrong_password_is_refused_and_told_apart_from_none(platform: Platform, tmp_path: Path) -> None:
    """403 with 32202; without credentials the 407 and the mend."""
    wrong = tmp_path / "wrong"
    wrong.write_text("Not-the-password-1")
    code, result = _result(*_out(platform, "--password-file", wrong))
    assert (code, result["reason"]) == (1, "CredentialsWrong")
    none = run_trunkline(*_out(platform)[:8])
    assert none.returncode == 1
    assert "give --username and --password-file" in none.stdout


def test_a_dropped_call_says_what_may_be_wrong(platform: Platform) -> None:
    """An unknown domain gets no answer at all."""
    code, result = _result(
        *("call", f"{FAR}@nobody.example", "--from", OWN, "--via", platform.edge, "--wait", "1")
    )
    assert (code, result["status"]) == (1, None)
    assert "nobody.example is no Trunk's termination domain" in result["explanation"]


def test_nothing_that_listens_is_told_at_once(platform: Platform) -> None:
    """TCP and TLS need not wait."""
    for transport in ("tcp", "tls"):
        done = run_trunkline(
            *("call", f"{FAR}@{DOMAIN}", "--from", OWN, "--via", platform.block.address(99)),
            *("--transport", transport),
        )
        assert done.returncode == 1
        assert "is the edge up?" in done.stderr


def test_the_password_is_in_no_process_list_and_in_no_output(platform: Platform) -> None:
    """While the call runs, no process but the reader of the file could tell it."""
    command = [*COMMAND, *map(str, _out(platform, "--messages", "--duration", "2"))]
    process = subprocess.Popen(
        command, cwd=ROOT, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    seen: set[bytes] = set()
    while process.poll() is None:
        seen.update(_command_lines())
        time.sleep(0.05)
    output, _ = process.communicate()
    assert process.returncode == 0, output
    sipp = [line for line in seen if b"-sf" in line and b"trunkline-call" in line]
    assert sipp, "the call was over before it could be looked at"
    assert not [line for line in sipp if PASSWORD.encode() in line or b"-ap" in line.split(b"\0")]
    assert PASSWORD not in output
    assert 'response="(hidden)"' in output


def _command_lines() -> list[bytes]:
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            found.append((process / "cmdline").read_bytes() + (process / "environ").read_bytes())
        except OSError:
            continue  # it has ended
    return found


@pytest.mark.parametrize("answered", (True, False))
def test_an_interrupted_call_is_hung_up(platform: Platform, answered: bool) -> None:
    """Ctrl-C leaves no telephone off the hook: BYE after the answer, CANCEL before it; no process stays."""
    agent = UserAgent(platform.block.address(98), 5060)
    command = [*COMMAND, "call", "1@x.example", "--from", OWN, "--via", agent.address, "--duration", "30"]
    process = subprocess.Popen(command, cwd=ROOT, env=environment(), stdout=subprocess.PIPE, text=True)
    try:
        invite = agent.wait("INVITE")
        agent.respond(invite, 200 if answered else 180)
        if answered:
            agent.wait("ACK")
        time.sleep(0.3)
        process.send_signal(signal.SIGINT)
        ending = agent.wait("BYE" if answered else "CANCEL")
        agent.respond(ending, 200)
        process.communicate(timeout=PATIENCE)
    finally:
        agent.close()
        if process.poll() is None:
            process.kill()
            process.wait()
    assert ending.call_id == invite.call_id
    assert process.returncode == 130
    assert not [line for line in _command_lines() if invite.call_id.encode() in line]


def test_a_bye_that_is_refused_is_told_with_its_reason(platform: Platform) -> None:
    """Whoever answers without Record-Route, as sipp's own `uas` does, is found by nothing that follows."""
    agent = UserAgent(platform.block.address(96), 5060)
    command = [*COMMAND, "call", "1@x.example", "--from", OWN, "--via", agent.address, "--duration", "0.1"]
    process = subprocess.Popen(command, cwd=ROOT, env=environment(), stdout=subprocess.PIPE, text=True)
    try:
        agent.respond(agent.wait("INVITE"), 200)
        agent.respond(agent.wait("BYE"), 481)
        output, _ = process.communicate(timeout=2 * PATIENCE)
    finally:
        agent.close()
        if process.poll() is None:
            process.kill()
            process.wait()
    assert process.returncode == 1
    assert "The BYE was refused with 481: the answer to the INVITE has no Record-Route" in output
    assert "examples/quickstart/answer.xml" in output


def test_a_telephone_that_rings_for_ever_is_cancelled(platform: Platform) -> None:
    """--ring bounds it."""
    agent = UserAgent(platform.block.address(97), 5060)
    command = [*COMMAND, "call", "1@x.example", "--from", OWN, "--via", agent.address, "--ring", "1"]
    process = subprocess.Popen(command, cwd=ROOT, env=environment(), stdout=subprocess.PIPE, text=True)
    try:
        invite = agent.wait("INVITE")
        agent.respond(invite, 180)
        agent.respond(agent.wait("CANCEL"), 200)
        agent.respond(invite, 487)
        agent.wait("ACK")
        output, _ = process.communicate(timeout=PATIENCE)
    finally:
        agent.close()
        if process.poll() is None:
            process.kill()
            process.wait()
    assert process.returncode == 1
    assert "the call was cancelled" in output


def test_without_sipp_the_package_is_named(platform: Platform, tmp_path: Path) -> None:
    """The line to type is in the message."""
    done = run_trunkline(*_out(platform), PATH=str(tmp_path))
    assert done.returncode == 1
    assert "apt-get install -y sip-tester" in done.stderr


@pytest.mark.parametrize(
    ("options", "message"),
    (
        (("--username", "pbx"), "--password-file go together"),
        (("--username", "pbx", "--password-file", "no/such/file"), "no/such/file"),
        (("--username", "pbx", "--password-file", os.devnull), "first line is empty"),
        (("--ca", "x.crt"), "--transport tls"),
        (("--source", "pbx.example"), "--source"),
        (("--via", "edge"), "--via"),
    ),
)
def test_wrong_options_end_with_2(options: tuple[str, ...], message: str) -> None:
    """Before anything is sent."""
    done = run_trunkline("call", "1@x", "--from", OWN, "--via", "127.0.0.1", *options)
    assert done.returncode == 2
    assert message in done.stderr


def test_an_address_of_another_machine_is_no_source() -> None:
    """The system's own refusal, in words."""
    done = run_trunkline("call", "1@x", "--from", OWN, "--via", "127.0.0.1", "--source", "192.0.2.1")
    assert done.returncode == 1
    assert "--source must be an address of this machine" in done.stderr


def test_the_password_may_come_from_standard_input(platform: Platform) -> None:
    """For scripts that keep it in no file."""
    done = run_call(*_out(platform, "--password-file", "-"), stdin=PASSWORD)
    assert done.returncode == 0
