"""`trunkline explain` of what follows a first INVITE, of a whole message, and as a check in a script."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from support.trunkline_command import LOCAL, run_trunkline

GOLDEN = Path(__file__).parent / "explain"
OUT = (
    *("--edge", "ashburn", "--source", "127.0.10.1", "--username", "pbx"),
    *("--request-uri", "sip:+12125550111@acme-hq.pstn.trunkline.test"),
    *("--from", '"Reception" <sip:+14155550100@pbx1.acme.example>'),
)
IN = (
    *("--edge", "dublin", "--source", "127.0.9.1", "--header", "Privacy: id"),
    *("--request-uri", "sip:+14155550100@127.0.12.1", "--from", "sip:+12125550111@127.0.9.1"),
    *("--resolve", "pbx1.acme.example=127.0.10.1", "--resolve", "pbx2.acme.example=127.0.12.1"),
)
CALLS = {"out": OUT, "in": IN}
OFFER = "v=0\no=- 1 1 IN IP4 127.0.10.1\ns=-\nc=IN IP4 127.0.10.1\nt=0 0\nm=audio 4000 RTP/SAVP 0\n"


@pytest.fixture(scope="module")
def remembered(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What `explain -o json` says of a call each way, as out.json and in.json."""
    directory = tmp_path_factory.mktemp("calls")
    for name, options in CALLS.items():
        done = run_trunkline("explain", *LOCAL, *options, "-o", "json")
        assert done.returncode == 0, done.stderr
        (directory / f"{name}.json").write_text(done.stdout)
    (directory / "secure.sdp").write_text(OFFER)
    return directory


LATER = {
    "in-dialog-update-with-a-foreign-number": (
        "out",
        ("--method", "UPDATE", "--header", "P-Asserted-Identity: <sip:+19998887777@x.example>"),
    ),
    "in-dialog-refer-refused": ("out", ("--method", "REFER")),
    "in-dialog-secure-media-refused": ("out", ("--method", "INVITE", "--body", "secure.sdp")),
    "in-dialog-bye-of-the-callee": ("out", ("--method", "BYE", "--sender", "callee")),
    "in-dialog-from-elsewhere-challenged": ("in", ("--sender", "callee", "--source", "192.0.2.1")),
    "in-dialog-from-elsewhere-dropped": ("out", ("--sender", "callee", "--source", "192.0.2.1")),
    "in-dialog-hidden-caller": (
        "in",
        ("--method", "UPDATE", "--header", "P-Asserted-Identity: <sip:+12125550111@x.example>"),
    ),
    "in-dialog-answer-that-sets-the-call-up": ("out", ("--answer", "200", "--set-up")),
}


@pytest.mark.parametrize("name", sorted(LATER))
def test_what_follows_in_a_call_reads_well(
    name: str, remembered: Path, golden: Callable[[Path, str], None]
) -> None:
    """The whole text, kept as a file: read a change of it as prose."""
    call, options = LATER[name]
    given = [str(remembered / each) if each.endswith(".sdp") else each for each in options]
    edge = CALLS[call][1]
    done = run_trunkline(
        "explain", *LOCAL, "--edge", edge, "--in-dialog", remembered / f"{call}.json", *given
    )
    assert done.returncode == 0, done.stderr
    golden(GOLDEN / f"{name}.txt", done.stdout)
    assert done.stdout.isascii()


def _explained(*arguments: str | Path) -> dict[str, Any]:
    done = run_trunkline("explain", *LOCAL, *arguments, "-o", "json")
    assert done.returncode == 0, done.stderr
    document: dict[str, Any] = json.loads(done.stdout)
    return document


def test_a_later_message_has_the_same_keys_and_a_memory_to_go_on_with(remembered: Path) -> None:
    """One question after another: each answer is the next one's memory."""
    place = ("--edge", "ashburn", "--in-dialog")
    moved = _explained(
        *place,
        remembered / "out.json",
        "--header",
        "Contact: <sip:127.0.10.1:5099>",
        "--source",
        "127.0.10.1",
    )
    assert (moved["action"], moved["sender"], moved["hop"]) == ("forward", "caller", "udp 127.0.9.1:5060")
    assert moved["reason"] is moved["status"] is moved["endsCall"] is None
    assert {"steps", "changes", "headers", "requestUri", "direction", "trunk"} <= moved.keys()
    (remembered / "moved.json").write_text(json.dumps(moved))
    back = _explained(*place, remembered / "moved.json", "--sender", "callee", "--method", "BYE")
    assert back["hop"] == "udp 127.0.10.1:5099"
    assert back["requestUri"] == "sip:127.0.10.1:5099"


def test_every_change_is_told_with_stage_rule_and_cause() -> None:
    """Removed, set, added; what one target alone is sent bears its place."""
    found = _explained(*IN, "--header", "Session-Expires: 90", "--header", "Supported: timer, 100rel")
    told = {(each["stage"], each["change"], each["header"]): each for each in found["changes"]}
    assert told["allow", "remove", "Session-Expires"]["value"] == "90"
    assert told["allow", "replace", "Supported"]["value"] == "100rel"
    assert told["identity", "replace", "From"]["value"].startswith('"Anonymous"')
    assert told["Diversion", "append", "Diversion"]["rule"] == "S81"
    site = told["target", "append", "X-Site"]
    assert (site["value"], site["target"], site["because"]) == ("backup", 2, "spec.sipUri of acme/hq-backup")
    stages = [each["stage"] for each in found["changes"]]
    assert stages == sorted(stages, key=["allow", "number", "identity", "Diversion", "target", "proxy"].index)
    assert [(each["target"], each["address"]) for each in found["attempts"]] == [
        ("acme/hq-primary", "127.0.10.1")
    ], "an address of the edge itself is never called"
    assert found["limits"][0]["key"] == "trunk:acme/hq"


def test_names_are_not_looked_up_unless_they_are_told() -> None:
    """What only a running edge knows is said to be so."""
    found = _explained(*IN[: IN.index("--resolve")])
    assert found["unresolved"] == ["pbx1.acme.example", "pbx2.acme.example"]
    assert found["attempts"] == []
    assert found["memory"] is None


def test_a_whole_message_is_read_as_it_was_captured(tmp_path: Path) -> None:
    """Compact names, folded lines, LF alone; what is wrong with it is judged as an edge would."""
    capture = tmp_path / "invite.txt"
    lines = (
        "INVITE sip:+12125550111@acme-hq.pstn.trunkline.test SIP/2.0",
        "v: SIP/2.0/UDP 127.0.10.1;branch=z9hG4bK1",
        "f: <sip:+14155550100@pbx1.acme.example>",
        "  ;tag=1",
        "t: <sip:+12125550111@acme-hq.pstn.trunkline.test>",
        "i: 1@pbx",
        "CSeq: 1 INVITE",
        "m: <sip:127.0.10.1>",
        "l: 0",
        "",
        "",
    )
    capture.write_text("\n".join(lines))
    where = ("--edge", "ashburn", "--source", "127.0.10.1", "--username", "pbx", "--message", capture)
    assert _explained(*where)["action"] == "forward"
    capture.write_text("\r\n".join(each for each in lines if not each.startswith("m:")))
    refused = _explained(*where)
    assert (refused["status"], refused["reason"]) == (400, "MalformedRequest")
    assert "Contact" in refused["steps"][-1]["detail"]


def test_a_script_can_ask_for_a_decision() -> None:
    """0 as long as it is the expected one, 1 otherwise, and the difference in one line."""
    assert run_trunkline("explain", *LOCAL, *OUT, "--expect", "forward").returncode == 0
    other = run_trunkline("explain", *LOCAL, *OUT, "--expect", "reject")
    assert other.returncode == 1
    assert "--expect reject, but it is forward" in other.stderr


FAULTS = {
    "no file": (None, "No such file"),
    "no JSON": ("{", "is not JSON"),
    "no memory": ("[]", "holds no call's memory"),
    "a refused call": ('{"action": "reject", "memory": null}', "action 'reject'"),
    "a call to a name": ('{"memory": null, "unresolved": ["pbx.example"]}', "--resolve pbx.example=ADDRESS"),
    "too little": ('{"secure": true}', "lacks direction, ends, caller, callee"),
}


@pytest.mark.parametrize("fault", sorted(FAULTS))
def test_a_file_that_is_no_memory_is_refused_with_the_mend(tmp_path: Path, fault: str) -> None:
    """Exit code 2, the file, and where a memory comes from."""
    text, message = FAULTS[fault]
    path = tmp_path / "call.json"
    if text is not None:
        path.write_text(text)
    done = run_trunkline("explain", *LOCAL, "--edge", "ashburn", "--in-dialog", path)
    assert (done.returncode, done.stdout) == (2, "")
    assert message in done.stderr
    assert str(path) in done.stderr


@pytest.mark.parametrize(
    ("options", "message"),
    (
        (("--answer", "200"), "--in-dialog"),
        (("--sender", "callee"), "--in-dialog"),
        ((), "--source is missing"),
        (("--source", "127.0.10.1"), "--request-uri is missing"),
        (("--source", "127.0.10.1", "--resolve", "pbx"), "--resolve 'pbx'"),
        (("--source", "127.0.10.1", "--message", "no-such-file"), "--message no-such-file"),
    ),
)
def test_options_that_ask_nothing_are_refused(options: tuple[str, ...], message: str) -> None:
    """Exit code 2, and the option at fault."""
    uri = ("--request-uri", "sip:1@x") if "--resolve" in options else ()
    done = run_trunkline("explain", *LOCAL, "--edge", "ashburn", *options, *uri)
    assert (done.returncode, done.stdout) == (2, "")
    assert message in done.stderr
