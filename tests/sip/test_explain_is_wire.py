"""What `trunkline explain` says is what a running edge does: for every message, whoever sends it.

Each generated message is sent through the real edge, and put to the very function that the command prints
from. What each side gets must be the same: status and error of a refusal, or where the message goes, its
Request-URI, every header and the body. `EXPLAIN_CASES=17 pytest ...` repeats one of them.
"""

from __future__ import annotations

import contextlib
import os
import ssl

import pytest

from sipedge.routing.decision import Drop
from support.dialogs import end
from support.edge import write_certificate
from support.explained import STRANGER, Blame, Peered, odd_platform
from support.explained_calls import play_call
from support.explained_requests import RelayBusyError, judge_silence, play
from support.lab import PBX, TELCO, Lab
from support.odd_messages import draw_initial
from support.sipmessage import sdp
from support.sipua import client_context

INITIAL, CALLS, RELAYED = 130, 20, 60
RELAY_TURNS = 20
ALWAYS = {
    "policy in termination", "policy in origination", "policy", "PolicyNotFound", "CountryNotPermitted",
    "TrunkConcurrencyExceeded",
}  # fmt: skip
ASKED = {"CNAM", "STIR signature"}
"""What no run of all cases may miss, and what one that asks an agent may not."""
TIMES = int(os.environ.get("EXPLAIN_TIMES", "1"))
"""How often each is sent in a row: what a worker remembers of calls alike must show nowhere."""
ONLY = [int(number) for number in os.environ.get("EXPLAIN_CASES", "").split()]


@pytest.fixture(scope="session")
def server_context(tmp_path_factory: pytest.TempPathFactory) -> ssl.SSLContext:
    """A PBX's own self-signed certificate."""
    directory = tmp_path_factory.mktemp("pbx")
    write_certificate(directory, "pbx.example")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(directory / "server.crt", directory / "server.key")
    return context


@pytest.fixture(params=(False, True), ids=("alone", "asking"))
def peered(lab: Lab, server_context: ssl.SSLContext, request: pytest.FixtureRequest) -> Peered:
    """A PBX, a carrier and a stranger, over each transport; `asking`: of a platform that asks its agent."""
    return everybody(lab, server_context, asking=request.param)


def everybody(lab: Lab, server_context: ssl.SSLContext, *, asking: bool, relayed: bool = False) -> Peered:
    table = odd_platform(lab, asking=asking, relayed=relayed).table()
    lab.edge.publish(table)
    agents = {
        ("pbx", "udp"): lab.agent(PBX),
        ("pbx", "tcp"): lab.agent(PBX, 5070, "tcp"),
        ("pbx", "tls"): lab.agent(PBX, 0, "tls", tls=client_context()),
        ("telco", "udp"): lab.agent(TELCO),
        ("telco", "tcp"): lab.agent(TELCO, 5060, "tcp"),
        ("stranger", "udp"): lab.agent(STRANGER),
        ("stranger", "tcp"): lab.agent(STRANGER, 0, "tcp"),
    }
    listening = [lab.agent(PBX, 5061, "tls", tls=server_context), lab.agent(PBX, 5080), *agents.values()]
    run = "relayed" if relayed else "asking" if asking else "alone"
    return Peered(lab, table, agents, listening, run, asking=asking)


def test_requests_outside_a_dialog_are_treated_as_explained(peered: Peered) -> None:
    """INVITEs and others, of both directions and of strangers; while one trunk has all the calls it may."""
    blame, dropped = Blame(), []
    pbx, telco = peered.agents["pbx", "udp"], peered.agents["telco", "udp"]
    held = peered.lab.call_out(pbx, host="tight.pstn.trunkline.test")
    telco.respond(telco.wait("INVITE", call_id=held.call_id), 200, body=sdp(telco.address))
    leg = held.leg(pbx.wait("INVITE", status=200, call_id=held.call_id))
    leg.send("ACK")
    telco.wait("ACK", call_id=held.call_id)
    for number in ONLY or peered.numbers(INITIAL):
        for turn in range(TIMES):
            case = draw_initial(number, peered.peers, peered.parties, f"{peered.run}-{turn}")
            if turn and case.method == "OPTIONS":
                break  # of many in a row some get no answer
            passage = play(peered, case, blame)
            if isinstance(passage.decision, Drop):
                dropped.append((case, passage))
    end(leg, telco)
    judge_silence(peered, blame, dropped)
    assert not blame.faults, blame.report()
    assert ONLY or set(blame.compared) == {"Forward", "Reject", "Challenge", "Drop", "Reply"}
    assert ONLY or blame.drawn.keys() >= (ALWAYS | ASKED if peered.asking else ALWAYS)


def test_requests_whose_media_is_relayed_are_treated_as_explained(
    relayed: Lab, server_context: ssl.SSLContext
) -> None:
    """As above; bodies are compared by what no relay changes."""
    peered, blame = everybody(relayed, server_context, asking=False, relayed=True), Blame()
    for number in ONLY or range(2 * INITIAL, 2 * INITIAL + RELAYED):
        _play_relayed(peered, number, blame)
    assert not blame.faults, blame.report()
    assert ONLY or set(blame.compared) >= {"Forward", "Reject"}


def _play_relayed(peered: Peered, number: int, blame: Blame) -> None:
    """The case, once more while the relay is too busy to answer."""
    for turn in range(RELAY_TURNS):
        run = f"{peered.run}-{turn}"
        with contextlib.suppress(RelayBusyError):
            play(peered, draw_initial(number, peered.peers, peered.parties, run), blame)
            return
        peered.forget()
    raise AssertionError(f"case {number}: the relay has not answered {RELAY_TURNS} calls")


def test_what_follows_in_a_call_is_treated_as_explained(peered: Peered) -> None:
    """Answers, ACKs and later requests of both sides, in calls of both directions; and a stranger's."""
    blame = Blame()
    for number in ONLY or peered.numbers(CALLS):
        play_call(peered, number, blame)
    assert not blame.faults, blame.report()
    kinds = {"Follow", "RefuseInDialog", "ChallengeInDialog", "DropInDialog", "AnswerDecision"}
    often = kinds - {"DropInDialog", "ChallengeInDialog"}
    assert ONLY or kinds >= set(blame.compared) >= (often if peered.asking else kinds)
    assert ONLY or blame.compared.total() >= 80
