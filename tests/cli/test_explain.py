"""`trunkline explain`: the decision of an edge, without an edge."""

from __future__ import annotations

import json
import os
import pty
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from support.trunkline_command import COMMAND, LOCAL, ROOT, environment, run_trunkline

GOLDEN = Path(__file__).parent / "explain"

KEYS = [
    "action",
    "direction",
    "trunk",
    "status",
    "text",
    "reason",
    "errorCode",
    "rule",
    "targets",
    "headers",
    "steps",
    "decidedBy",
    "changes",
    "attempts",
    "unresolved",
    "limits",
    "maxDurationSeconds",
    "memory",
]
DOMAIN = "acme-hq.pstn.ashburn.trunkline.test"
TERMINATION = (
    *("--edge", "ashburn", "--source", "127.0.10.1:5080", "--request-uri", f"sip:+12125550111@{DOMAIN}"),
    *("--from", "sip:+14155550100@pbx1.acme.example"),
)
ORIGINATION = (
    *("--edge", "dublin", "--source", "127.0.9.1", "--from", "sip:+12125550111@127.0.9.1"),
    *("--request-uri", "sip:+14155550100@127.0.12.1"),
)
MEDIA_PLANS = (("--username", "pbx"), ("--username", "pbx", "--no-relay"))
CASES = {
    "termination-forwarded": (*TERMINATION, "--username", "pbx"),
    "termination-challenged": TERMINATION,
    "termination-caller-id-refused": (
        *(*TERMINATION[:-1], "sip:+12025550123@pbx1.acme.example"),
        *("--username", "pbx"),
    ),
    "termination-unknown-user-refused": (*TERMINATION, "--username", "nobody"),
    "termination-source-refused": (*TERMINATION[:3], "192.0.2.1", *TERMINATION[4:]),
    "origination-forwarded": ORIGINATION,
    "origination-held-number-refused": (*ORIGINATION[:-1], "sip:+14155550199@127.0.12.1"),
    "unknown-domain-dropped": (*TERMINATION[:5], "sip:1@nobody.example"),
    "stranger-at-the-edge-dropped": (*TERMINATION[:5], "sip:+14155550100@127.0.11.1"),
    "options-answered": (*TERMINATION[:5], "sip:127.0.11.1", "--method", "options"),
}


@pytest.mark.parametrize("name", sorted(CASES))
def test_the_ladder_reads_well(name: str, golden: Callable[[Path, str], None]) -> None:
    """The whole text, kept as a file: read a change of it as prose."""
    done = run_trunkline("explain", *LOCAL, *CASES[name])
    assert done.returncode == 0
    golden(GOLDEN / f"{name}.txt", done.stdout)
    assert done.stdout.isascii()


def _explained(*arguments: str | Path) -> dict[str, Any]:
    done = run_trunkline("explain", *LOCAL, *arguments, "-o", "json")
    assert done.returncode == 0, done.stderr
    document: dict[str, Any] = json.loads(done.stdout)
    assert list(document) == KEYS
    assert all(list(step) == ["check", "outcome", "detail", "rule"] for step in document["steps"])
    assert {step["outcome"] for step in document["steps"]} <= {"pass", "fail", "skip"}
    return document


def test_a_refusal_has_status_reason_number_and_rule() -> None:
    """The example of the API, word for word."""
    found = _explained(*CASES["termination-caller-id-refused"])
    assert (found["action"], found["direction"], found["trunk"]) == ("reject", "termination", "acme/hq")
    assert (found["status"], found["reason"], found["errorCode"], found["rule"]) == (
        403,
        "CallerIdNotAllowed",
        32204,
        "S40",
    )
    assert found["headers"] == {"X-Trunkline-Error": "32204 Invalid Caller ID"}
    assert found["targets"] == []
    assert found["steps"][-1]["outcome"] == "fail"


def test_a_forwarded_call_lists_its_targets_in_order() -> None:
    """Primary, then backup; the Diversion that each INVITE bears is shown."""
    found = _explained(*ORIGINATION)
    assert (found["action"], found["direction"], found["status"]) == ("forward", "origination", None)
    assert [
        (each["uri"], each["transport"], each["priority"], each["share"]) for each in found["targets"]
    ] == [
        ("sip:+14155550100@pbx1.acme.example:5060", "udp", 10, 1.0),
        ("sip:+14155550100@pbx2.acme.example:5060", "udp", 20, 0.0),
    ]
    assert all(list(each) == ["uri", "transport", "priority", "weight", "share"] for each in found["targets"])
    assert found["headers"]["Diversion"] == "<sip:+14155550100@trunkline.test>;reason=unconditional"


def test_a_challenge_a_drop_and_an_answer_have_actions_of_their_own() -> None:
    """What is not on the wire is null."""
    challenge = _explained(*CASES["termination-challenged"])
    assert (challenge["action"], challenge["status"]) == ("challenge", 407)
    assert "sip.trunkline.test" in challenge["headers"]["Proxy-Authenticate"]
    drop = _explained(*CASES["unknown-domain-dropped"])
    assert (drop["action"], drop["status"], drop["direction"]) == ("drop", None, None)
    answer = _explained(*CASES["options-answered"])
    assert (answer["action"], answer["status"], answer["reason"]) == ("answer", 200, None)


def test_a_known_user_is_assumed_to_know_the_password_and_it_is_said() -> None:
    """The digest itself cannot be made here."""
    found = _explained(*CASES["termination-forwarded"])
    step = next(step for step in found["steps"] if step["check"] == "digest")
    assert step["outcome"] == "pass"
    assert "assumed" in step["detail"]


def test_files_do_not_say_whether_edges_have_a_media_relay_so_one_is_assumed_unless_told() -> None:
    has, has_not = (run_trunkline("explain", *LOCAL, *TERMINATION, *more).stdout for more in MEDIA_PLANS)
    assert "  caller  customer: RTP to the address of its SDP (rule S24), codecs PCMU, PCMA" in has
    assert "  callee  carrier: RTP to the address of its SDP (rule S24), codecs PCMU, PCMA" in has
    assert "Media goes between the parties: this edge does not relay it." in has_not


def test_headers_count_also_in_their_short_form() -> None:
    """Privacy takes the identity away; f is From."""
    found = _explained(*TERMINATION[:-2], "--username", "pbx", "--header", "f: <sip:+14155550100@x.example>")
    assert found["action"] == "forward"
    assert found["headers"]["P-Asserted-Identity"] == "<sip:+14155550100@trunkline.test>"


def test_a_bare_number_will_do_as_from() -> None:
    """Nobody should have to write a URI for a number."""
    assert _explained(*TERMINATION[:-1], "+14155550100", "--username", "pbx")["action"] == "forward"


def _weighted(directory: Path) -> Path:
    """The quickstart's trunk hq with three targets of weights 60, 20, 20."""
    uris = "---\n".join(
        f"apiVersion: trunkline.dev/v1alpha1\nkind: OriginationUri\nmetadata: {{name: u{weight}{place}, "
        f"namespace: acme}}\nspec: {{trunkRef: {{name: hq}}, sipUri: 'sip:u{place}.acme.example', "
        f"priority: 1, weight: {weight}}}\n"
        for place, weight in enumerate((60, 20, 20))
    )
    path = directory / "weighted.yaml"
    path.write_text(uris)
    return path


def test_a_seed_repeats_the_draw_and_shares_follow_the_weights(tmp_path: Path) -> None:
    """60/20/20; over seeds the first target changes, with one seed it does not."""
    extra = _weighted(tmp_path)
    first = {
        seed: _explained(extra, *ORIGINATION, "--seed", str(seed))["targets"] for seed in (1, 2, 3, 4, 5, 6)
    }
    assert _explained(extra, *ORIGINATION, "--seed", "1")["targets"] == first[1]
    assert sorted(each["share"] for each in first[1] if each["share"]) == [0.2, 0.2, 0.6]
    assert len({targets[0]["uri"] for targets in first.values()}) > 1


@pytest.mark.parametrize(
    ("changed", "message"),
    (
        (("--edge", "paris"), "which have: ashburn, dublin"),
        (("--source", "here"), "--source 'here'"),
        (("--source", "127.0.0.1:99999"), "--source '127.0.0.1:99999'"),
        (("--header", "no colon"), "--header 'no colon'"),
        (("--request-uri", "+12125550111"), "like sip:+12125550111@"),
        (("--request-uri", "sip:"), "cannot be read as a SIP URI"),
        (("--request-uri", "sip:\x01"), "cannot be read as a SIP URI"),
        (("--request-uri", "sip:a@[::1"), "cannot be read as a SIP URI"),
        (("--request-uri", "sip:" + "☎" * 300), "cannot be read as a SIP URI"),
    ),
)
def test_a_question_that_no_edge_could_get_is_refused(changed: tuple[str, ...], message: str) -> None:
    """Exit code 2 and the option at fault."""
    done = run_trunkline("explain", *LOCAL, *TERMINATION, *changed)
    assert done.returncode == 2
    assert message in done.stderr
    assert done.stdout == ""


def test_a_tenants_files_alone_have_no_edge_and_say_so() -> None:
    done = run_trunkline("explain", LOCAL[0], *TERMINATION)
    assert (done.returncode, "have no Edge: name the platform's files too" in done.stderr) == (2, True)


@pytest.mark.parametrize("uri", ("tel:+1", "sip:a@[::1", "sip:" + "☎" * 300))
def test_any_message_gives_a_decision(uri: str, tmp_path: Path) -> None:
    """A captured one whose Request-URI cannot be read is dropped, as at the edge."""
    message = tmp_path / "invite.txt"
    message.write_text(f"INVITE {uri} SIP/2.0\r\nFrom: <sip:a@b>;tag=1\r\nCall-ID: 1\r\n\r\n")
    assert _explained(*TERMINATION[:4], "--message", str(message))["action"] == "drop"


def test_errors_in_the_files_are_mentioned_and_the_call_is_explained(tmp_path: Path) -> None:
    """One bad object does not keep the others from being explained."""
    (tmp_path / "broken.yaml").write_text("kind: [")
    done = run_trunkline("explain", *LOCAL, tmp_path, *ORIGINATION)
    assert done.returncode == 0
    assert "1 error" in done.stderr
    assert "Forwarded" in done.stdout


def _on_a_terminal(**changes: str) -> str:
    """What the command prints when its standard output is a terminal."""
    controller, terminal = pty.openpty()
    process = subprocess.Popen(
        [*COMMAND, "explain", *map(str, LOCAL), *CASES["termination-caller-id-refused"]],
        cwd=ROOT,
        env=environment(TERM="xterm", PYTHONUTF8="1", **changes),
        stdin=subprocess.DEVNULL,
        stdout=terminal,
    )
    os.close(terminal)
    shown = b""
    try:
        while data := os.read(controller, 65_536):
            shown += data
    except OSError:
        pass  # the terminal's other side is closed: that is its end of file
    os.close(controller)
    assert process.wait() == 0
    return shown.decode()


def test_a_terminal_gets_signs_and_colours() -> None:
    """And NO_COLOR takes both away."""
    shown = _on_a_terminal()
    assert "✓" in shown
    assert "✗" in shown
    assert "\x1b[31m" in shown
    assert _on_a_terminal(NO_COLOR="1").isascii()
