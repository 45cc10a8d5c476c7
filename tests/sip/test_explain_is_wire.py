"""What `trunkline explain` says is what a running edge does: for every message, whoever sends it.

Each generated message is sent through the real edge and put to the very function that the command prints from.
What each side gets must be the same: status and error of a refusal, or where the message goes, its Request-URI,
every header and the body.
"""

from __future__ import annotations

import re
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field

import pytest

from sipedge.routing.decision import Challenge, Drop, Forward
from sipedge.routing.headers import long_name
from sipedge.table import EdgeTable, MemoryRows
from support.edge import write_certificate
from support.lab import PBX, TELCO, Lab
from support.odd_messages import HELD, OWN, TCP_FAR, Case, Party, Peers, draw_initial
from support.sipmessage import Message, digest_answer, render
from support.sipua import UserAgent, client_context
from support.tables import REALM, Platform, make_account, make_carrier, make_gateway, make_target, make_trunk
from trunkline.cli.explain.asking import decide
from trunkline.cli.explain.message import read_message
from trunkline.cli.explain.new_memory import CALL_SID_MADE_AT_THE_EDGE
from trunkline.cli.explain.passage import Passage
from trunkline.cli.explain.passing import Sent
from trunkline.cli.explain.request import Arrival
from trunkline.cli.render_decision import decision_document

STRANGER = 40
PASSWORD = "Correct-Horse-9"
INITIAL = 120
import os

ONLY = [int(n) for n in os.environ.get("ONLY", "").split()]


@dataclass
class Peered:
    """The platform of these tests, and every agent around it."""

    lab: Lab
    table: EdgeTable
    agents: dict[tuple[str, str], UserAgent]
    listening: list[UserAgent]
    faults: list[str] = field(default_factory=list)

    @property
    def peers(self) -> Peers:
        at = self.lab.block.address
        return Peers(self.lab.edge.address, at(PBX), at(TELCO), at(STRANGER))

    @property
    def parties(self) -> list[Party]:
        often = {"pbx": 4, "telco": 4, "stranger": 1}
        return [
            Party(name, agent.address, transport)
            for (name, transport), agent in self.agents.items()
            for _ in range(often[name] * (3 if transport == "udp" else 1))
        ]

    def everyone(self) -> set[UserAgent]:
        return {*self.agents.values(), *self.listening}


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
    """Trunks of every kind, each with a number; a PBX, a carrier and a stranger, over each transport."""
    table = _platform(lab).table()
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
    listening = [*agents.values(), lab.agent(PBX, 5061, "tls", tls=server_context), lab.agent(PBX, 5080)]
    return Peered(lab, table, agents, listening)


def _platform(lab: Lab) -> Platform:
    pbx, telco = lab.block.address(PBX), lab.block.address(TELCO)
    access = (f"{pbx}/32",)
    first = make_target(pbx, 5060, headers=(("X-Site", "one"), ("X-Env", "ours")))
    backup = make_target(pbx, 5080, priority=20, uri_user="desk", uri_params=";x=1")
    trunks = [
        make_trunk("acme/hq", domain="acme-hq", access=access, targets=(first, backup)),
        make_trunk(
            "acme/safe",
            domain="safe",
            access=access,
            secure=True,
            targets=(make_target(pbx, transport="tls", uri_params=";transport=tls"),),
        ),
        make_trunk("acme/users", domain="users", access=None, credential_lists=("acme/users",)),
        make_trunk("gone/asleep", domain="asleep", access=access),
        make_trunk("acme/open", domain="open", access=None),
        make_trunk("acme/circle", domain="circle", targets=(make_target(lab.edge.address, 5060),)),
        make_trunk(
            "acme/stream",
            domain="stream",
            targets=(make_target(pbx, 5070, transport="tcp", uri_params=";transport=tcp"),),
        ),
    ]
    return Platform(
        addresses=[lab.edge.address],
        accounts=[make_account(), make_account("gone", suspended=True)],
        trunks=trunks,
        numbers={
            OWN: "acme/hq",
            HELD: None,
            "+14155550105": "acme/safe",
            "+14155550106": "acme/users",
            "+14155550107": "gone/asleep",
            "+14155550108": "acme/circle",
            "+14155550109": "acme/stream",
        },
        ranges={("+14155551000", "+14155551999"): "acme/hq"},
        credentials={("acme/users", "pbx"): PASSWORD},
        carriers=[make_carrier()],
        sources={f"{telco}/32": "telco"},
        routes={
            "+": [make_gateway(telco, 5060)],
            TCP_FAR[:3]: [make_gateway(telco, 5060, transport="tcp")],
            "emergency": [make_gateway(telco, 5060)],
        },
    )


def explained(peered: Peered, case: Case) -> Passage:
    """What the command says."""
    arrival = Arrival(
        case.sender.address, 5060, case.sender.transport, peered.lab.edge.address, case.username
    )
    return decide(MemoryRows(peered.table), read_message(case.raw), arrival)


def test_requests_outside_a_dialog_are_treated_as_explained(peered: Peered) -> None:
    """INVITEs and others, of both directions and of strangers."""
    silent = []
    for number in ONLY or range(INITIAL):
        case = draw_initial(number, peered.peers, peered.parties)
        passage = explained(peered, case)
        if isinstance(passage.decision, Drop):
            silent.append((case, passage))
        _play(peered, case, passage)
    peered.agents["pbx", "udp"].silence(1.0)
    for case, passage in silent:
        for agent in peered.everyone():
            agent.silence(0)
            came = [each.first_line for each in agent.all_received if each.call_id == case.call_id]
            if came:
                _blame(peered, case, passage, f"explained as dropped; {agent.address} got {came}")
    assert not peered.faults, f"{len(peered.faults)} of {INITIAL} differ\n" + "\n\n".join(peered.faults)


def _play(peered: Peered, case: Case, passage: Passage) -> None:
    """Send the message; compare what comes of it with what was explained."""
    sender = peered.agents[case.sender.name, case.sender.transport]
    entry = (peered.lab.edge.address, 5061 if case.sender.transport == "tls" else 5060)
    sender.send(case.raw, entry)
    if isinstance(passage.decision, Drop):
        return
    try:
        if case.username is not None and not isinstance(passage.decision, Challenge):
            _answer_challenge(sender, entry, case, passage)
        if isinstance(passage.decision, Forward):
            _compare_attempts(peered, sender, entry, case, passage)
        else:
            answer = _final(sender, case)
            _acknowledge(sender, entry, case, answer)
            differences = _of_answer(answer, passage)
            if differences:
                _blame(peered, case, passage, "; ".join(differences))
    except TimeoutError as error:
        _blame(peered, case, passage, str(error))
        for agent in peered.everyone():
            agent.silence(0)


def _final(sender: UserAgent, case: Case, seconds: float = 1.0) -> Message:
    while True:
        answer = sender.wait(status=0, call_id=case.call_id, seconds=seconds)
        if answer.status >= 200:
            return answer


def _answer_challenge(sender: UserAgent, entry: tuple[str, int], case: Case, passage: Passage) -> None:
    """Send the message again with the right digest, where the edge asks for one."""
    try:
        answer = sender.wait(status=407, call_id=case.call_id, seconds=0.2)
    except TimeoutError:
        return
    _acknowledge(sender, entry, case, answer)
    challenge = answer.header("Proxy-Authenticate")
    uri = read_message(case.raw).request_uri
    value = digest_answer(challenge, case.username or "", PASSWORD, case.method, uri)
    head, _, body = case.raw.partition(b"\r\n\r\n")
    again = head.replace(b"branch=z9hG4bKodd", b"branch=z9hG4bKagain")
    sender.send(again + f"\r\nProxy-Authorization: {value}\r\n\r\n".encode() + body, entry)


def _acknowledge(sender: UserAgent, entry: tuple[str, int], case: Case, answer: Message) -> None:
    if case.method != "INVITE" or answer.status < 300:
        return
    given = read_message(case.raw)
    fields = [
        ("Via", re.sub(";(rport|received)=[^;,]*", "", answer.header("Via"))),
        ("From", given.first("from")),
        ("To", answer.header("To")),
        ("Call-ID", case.call_id),
        ("CSeq", f"{given.first('cseq').split()[0]} ACK"),
        ("Max-Forwards", "70"),
    ]
    sender.send(render(f"ACK {given.request_uri} SIP/2.0", fields), entry)


def _compare_attempts(
    peered: Peered, sender: UserAgent, entry: tuple[str, int], case: Case, passage: Passage
) -> None:
    """The first two attempts: each is refused as the next one is wanted, the last as final."""
    for place, sent in enumerate(passage.sent[:2], 1):
        received, agent = _received_by(peered, case, sent)
        differences = _of_request(received, agent, sent)
        if differences:
            _blame(peered, case, passage, f"attempt {place}: " + "; ".join(differences))
        agent.respond(received, 503 if place < len(passage.sent) else 486)
    answer = _final(sender, case)
    _acknowledge(sender, entry, case, answer)
    if answer.status != 486:
        _blame(peered, case, passage, f"the last attempt got 486, the caller {answer.first_line}")


def _received_by(peered: Peered, case: Case, sent: Sent) -> tuple[Message, UserAgent]:
    agent = next(
        each
        for each in peered.listening
        if (each.address, each.port, each.transport) == (sent.address, sent.port, sent.transport)
    )
    return agent.wait(call_id=case.call_id, seconds=1.0), agent


def _of_request(received: Message, agent: UserAgent, sent: Sent) -> list[str]:
    """How a request that was sent on differs from what was explained."""
    differences = []
    if received.uri != sent.request_uri:
        differences.append(f"Request-URI {received.uri!r}, explained {sent.request_uri!r}")
    if received.body != sent.body:
        differences.append(f"body {received.body!r}, explained {sent.body!r}")
    return differences + _of_headers(_seen(received), sent.headers)


def _of_headers(seen: Mapping[str, list[str]], explained: Mapping[str, tuple[str, ...]]) -> list[str]:
    told = {name: list(values) for name, values in explained.items() if name not in _NOT_TOLD and values}
    return [
        f"{name}: {seen.get(name)}, explained {told.get(name)}"
        for name in sorted({*seen, *told})
        if seen.get(name) != told.get(name)
    ]


_NOT_TOLD = frozenset({"content-length", "via", "record-route"})
_CALL_SID = re.compile("CA[0-9a-f]{32}")


def _seen(received: Message) -> dict[str, list[str]]:
    """The headers of a received message as `explain` tells them."""
    found: dict[str, list[str]] = {}
    for name, value in received.headers:
        if (key := long_name(name)) not in _NOT_TOLD:
            known = _CALL_SID.sub(CALL_SID_MADE_AT_THE_EDGE, value) if key == "x-trunkline-callsid" else value
            found.setdefault(key, []).append(" ".join(known.split()))
    return found


_OF_THE_EDGE = ("X-Trunkline-Error", "Retry-After", "Allow")


def _of_answer(answer: Message, passage: Passage) -> list[str]:
    """How an answer of the edge's own differs from what was explained."""
    told = decision_document(passage.decision)
    differences = []
    if (answer.status, answer.reason) != (told["status"], told["text"]):
        differences.append(f"{answer.first_line}, explained {told['status']} {told['text']}")
    for name in _OF_THE_EDGE:
        if answer.header(name) != told["headers"].get(name, ""):
            differences.append(f"{name}: {answer.header(name)!r}, explained {told['headers'].get(name)!r}")
    if isinstance(passage.decision, Challenge) and f'realm="{REALM}"' not in answer.header(
        "Proxy-Authenticate"
    ):
        differences.append("another realm")
    return differences


def _blame(peered: Peered, case: Case, passage: Passage, what: str) -> None:
    steps = [f"{each.check}: {each.outcome} {each.detail}" for each in passage.decision.steps]
    peered.faults.append(
        f"--- case {case.number} of {case.sender.name} over {case.sender.transport}: {what}\n"
        f"explained: {type(passage.decision).__name__} {steps[-1:]}\n{case.raw.decode(errors='replace')}"
    )
