"""What `trunkline explain` says is what a running edge does: for every message, whoever sends it.

Each generated message is sent through the real edge, and put to the very function that the command prints
from. What each side gets must be the same: status and error of a refusal, or where the message goes, its
Request-URI, every header and the body. `EXPLAIN_CASES=17 pytest ...` repeats one of them.
"""

from __future__ import annotations

import os
import ssl

import pytest

from sipedge.routing.decision import Drop
from support.edge import write_certificate
from support.explained import STRANGER, Blame, Peered, odd_platform
from support.explained_calls import play_call
from support.explained_requests import judge_silence, play
from support.lab import PBX, TELCO, Lab
from support.odd_messages import draw_initial
from support.sipua import client_context

INITIAL, CALLS = 120, 16
ONLY = [int(number) for number in os.environ.get("EXPLAIN_CASES", "").split()]


@pytest.fixture(scope="session")
def server_context(tmp_path_factory: pytest.TempPathFactory) -> ssl.SSLContext:
    """A PBX's own self-signed certificate."""
    directory = tmp_path_factory.mktemp("pbx")
    write_certificate(directory, "pbx.example")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(directory / "server.crt", directory / "server.key")
    return context


@pytest.fixture
def peered(lab: Lab, server_context: ssl.SSLContext) -> Peered:
    """A PBX, a carrier and a stranger, over each transport."""
    table = odd_platform(lab).table()
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
    return Peered(lab, table, agents, listening)


def test_requests_outside_a_dialog_are_treated_as_explained(peered: Peered) -> None:
    """INVITEs and others, of both directions and of strangers."""
    blame, dropped = Blame(), []
    for number in ONLY or range(INITIAL):
        case = draw_initial(number, peered.peers, peered.parties)
        passage = play(peered, case, blame)
        if isinstance(passage.decision, Drop):
            dropped.append((case, passage))
    judge_silence(peered, blame, dropped)
    assert not blame.faults, blame.report()
    assert ONLY or set(blame.compared) == {"Forward", "Reject", "Challenge", "Drop", "Reply"}


def test_what_follows_in_a_call_is_treated_as_explained(peered: Peered) -> None:
    """Answers, ACKs and later requests of both sides, in calls of both directions; and a stranger's."""
    blame = Blame()
    for number in ONLY or range(CALLS):
        play_call(peered, number, blame)
    assert not blame.faults, blame.report()
    kinds = {"Follow", "RefuseInDialog", "ChallengeInDialog", "DropInDialog", "AnswerDecision"}
    assert ONLY or set(blame.compared) == kinds
    assert ONLY or blame.compared.total() >= 80
