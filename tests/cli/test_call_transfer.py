"""`trunkline call --transfer-to`: the call is moved by the edge and its B2BUA, and each step is told."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from support.patience import PATIENCE
from support.sipmessage import sdp
from support.sipua import Leg, UserAgent, callee_leg, user_agent
from support.trunkline_command import COMMAND, ROOT, environment, run_trunkline
from support.trunkline_platform import PBX, Platform
from trunkline.cli.call.trace import SipMessage
from trunkline.cli.call.transfer import transfer_result

TARGET = 40


def arguments(platform: Platform, to: str) -> tuple[str | Path, ...]:
    """Of a call out of the PBX that is then transferred."""
    return (
        *("call", "+390699999999@forum-shop.pstn.rome.trunkline.test", "--from", "+390612345678"),
        *("--via", platform.edge, "--source", platform.block.address(PBX), "--duration", "0.1"),
        *("--username", "pbx", "--password-file", platform.password_file, "--transfer-to", to, "-o", "json"),
    )


def transferring(platform: Platform, target: UserAgent) -> list[str | Path]:
    """The command that transfers to this target."""
    return [*COMMAND, *arguments(platform, f"sip:bob@{target.address}")]


@contextmanager
def calling(command: Sequence[str | Path]) -> Iterator[subprocess.Popen[str]]:
    """The command, as it runs."""
    with subprocess.Popen(command, cwd=ROOT, env=environment(), stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            if process.poll() is None:
                process.kill()


def result_of(process: subprocess.Popen[str]) -> tuple[int, dict[str, Any]]:
    """The exit code and the document."""
    output, _ = process.communicate(timeout=PATIENCE)
    return process.returncode, json.loads(output)


def test_the_other_party_is_moved_to_the_target(platform: Platform) -> None:
    """202, a NOTIFY for each step, BYE; the other party and the target go on without the caller."""
    with (
        user_agent(platform.block.address(TARGET), 5060) as target,
        calling(transferring(platform, target)) as process,
    ):
        invite = target.wait("INVITE", seconds=PATIENCE)
        target.respond(invite, 180)
        target.respond(invite, 200, body=sdp(target.address))
        target.wait("ACK", seconds=PATIENCE, call_id=invite.call_id)
        code, result = result_of(process)
        callee_leg(target, invite, (platform.edge, 5060)).send("BYE")
        target.wait("BYE", status=200, seconds=PATIENCE, call_id=invite.call_id)
    transfer = result["transfer"]
    assert (code, result["answered"], result["byeStatus"]) == (0, True, 200)
    assert (transfer["succeeded"], transfer["referStatus"]) == (True, 202)
    assert (transfer["told"][0], transfer["told"][-1]) == ("100 Trying", "200 OK")
    assert result["explanation"].endswith(f"Transferred to {transfer['to']}: 200 OK.")


def test_a_target_that_is_busy_fails_the_command(platform: Platform) -> None:
    with (
        user_agent(platform.block.address(TARGET), 5060) as target,
        calling(transferring(platform, target)) as process,
    ):
        target.respond(target.wait("INVITE", seconds=PATIENCE), 486)
        code, result = result_of(process)
    assert (code, result["answered"], result["byeStatus"]) == (1, True, 200)
    assert not result["transfer"]["succeeded"]
    assert f"Not transferred to sip:bob@{target.address}: 486" in result["explanation"]


def test_a_target_that_is_not_allowed_fails_the_command_with_its_reason(platform: Platform) -> None:
    done = run_trunkline(*arguments(platform, "tel:+911"))
    result = json.loads(done.stdout)
    assert (done.returncode, result["byeStatus"], result["transfer"]["told"]) == (1, 200, [])
    assert result["transfer"]["referStatus"] >= 400
    assert "the REFER was refused with" in result["explanation"]


@pytest.mark.parametrize("notify_first", (False, True))
def test_what_an_edge_repeats_costs_no_call_its_end(platform: Platform, notify_first: bool) -> None:
    """As a busy one does, to which an answer seems lost (RFC 3261 section 17); its 202 may come late."""
    address = platform.block.address(TARGET + 1)
    command = [*COMMAND, "call", f"1@{address}", "--from", "1", "--via", address, "--duration", "0.1"]
    with (
        user_agent(address, 5060) as edge,
        calling([*command, "--transfer-to", "tel:2", "-o", "json"]) as run,
    ):
        invite = edge.wait("INVITE")
        edge.respond(invite, 200, body=sdp(address))
        edge.wait("ACK")
        refer, leg = edge.wait("REFER"), callee_leg(edge, invite, invite.path)
        leg.send("OPTIONS")
        edge.wait("OPTIONS", status=200)
        if notify_first:
            notify_the_last(leg)
        edge.respond(refer, 202)
        notify_the_last(leg)
        edge.wait("NOTIFY", status=200)
        bye = edge.wait("BYE")
        notify_the_last(leg)
        edge.wait("NOTIFY", status=200)
        edge.forget()
        edge.respond(invite, 200, body=sdp(address))
        edge.wait("ACK")
        edge.respond(refer, 202)
        edge.respond(bye, 200)
        code, result = result_of(run)
    assert (code, result["byeStatus"], result["transfer"]["referStatus"]) == (0, 200, 202)


def notify_the_last(leg: Leg) -> None:
    """The target has answered."""
    headers = [("Subscription-State", "terminated;reason=noresource"), ("Content-Type", "message/sipfrag")]
    leg.send("NOTIFY", cseq=102, headers=headers, body="SIP/2.0 200 OK\r\n")


@pytest.mark.parametrize("target", ("bob", "sip:", "tel:", "http://x.example/", ""))
def test_who_is_nobody_to_transfer_to_ends_with_2(target: str) -> None:
    done = run_trunkline("call", "1@x", "--from", "1", "--via", "127.0.0.1", "--transfer-to", target)
    assert done.returncode == 2
    assert "--transfer-to" in done.stderr


def message(sent: bool, start: str, cseq: str, state: str = "", body: str = "") -> SipMessage:
    """One that passed."""
    head = f"{start}\r\nCSeq: {cseq}\r\n" + (f"Subscription-State: {state}\r\n" if state else "")
    return SipMessage(datetime(2026, 11, 30, tzinfo=UTC), sent, f"{head}\r\n{body}")


REFER = message(True, "REFER sip:a@b SIP/2.0", "2 REFER")
ACCEPTED = message(False, "SIP/2.0 202 Accepted", "2 REFER")


def notify(number: int, body: str, state: str = "active") -> SipMessage:
    """The edge tells."""
    return message(False, "NOTIFY sip:call@c SIP/2.0", f"{number} NOTIFY", state, body)


@pytest.mark.parametrize(
    ("messages", "told", "succeeded"),
    (
        ((), [], False),
        ((REFER,), [], False),
        ((REFER, ACCEPTED, notify(1, "SIP/2.0 200 OK")), ["200 OK"], False),
        ((REFER, ACCEPTED, notify(1, "SIP/2.0 200 OK", "Terminated;reason=noresource")), ["200 OK"], True),
        ((REFER, notify(1, "SIP/2.0 200 OK\r\n", "terminated"), ACCEPTED), ["200 OK"], True),
        ((REFER, ACCEPTED, *2 * (notify(1, "SIP/2.0 100 Trying"),)), ["100 Trying"], False),
        ((REFER, ACCEPTED, notify(1, "SIP/2.0 603 No", "terminated")), ["603 No"], False),
        ((REFER, ACCEPTED, notify(1, "", "terminated")), ["nothing that can be read"], False),
        ((REFER, ACCEPTED, notify(1, "\0SIP/9", "terminated")), ["nothing that can be read"], False),
    ),
)
def test_a_transfer_has_succeeded_when_its_last_word_is_2xx(
    messages: tuple[SipMessage, ...], told: list[str], succeeded: bool
) -> None:
    found = transfer_result("sip:bob@pbx2.example", messages)
    assert ([each.text for each in found.told], found.succeeded) == (told, succeeded)
    assert found.asked is bool(messages)
