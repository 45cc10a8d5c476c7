"""A real edge with peers of every kind around it, and how what they get compares with what was explained."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field

from sipedge.routing.decision import Challenge
from sipedge.routing.dialog import ChallengeInDialog
from sipedge.routing.headers import long_name
from sipedge.table import EdgeTable, MemoryRows
from sipedge.uri import split_header
from support.lab import PBX, TELCO, Lab
from support.odd_messages import Case, Party
from support.oddities import CIRCLE, HELD, OWN, SECURE, STREAM, TCP_FAR, USERS, Peers
from support.sipmessage import Message
from support.sipua import UserAgent
from support.tables import (
    REALM,
    Platform,
    make_account,
    make_carrier,
    make_gateway,
    make_ha1,
    make_target,
    make_trunk,
)
from trunkline.cli.explain.asking import decide
from trunkline.cli.explain.document import document_of
from trunkline.cli.explain.later import LaterPassage
from trunkline.cli.explain.message import read_message
from trunkline.cli.explain.new_memory import CALL_SID_MADE_AT_THE_EDGE
from trunkline.cli.explain.passage import Passage
from trunkline.cli.explain.passing import Sent
from trunkline.cli.explain.request import Arrival

STRANGER = 40
PASSWORD = "Correct-Horse-9"
CARRIER_REALM = "telco.example"


@dataclass
class Peered:
    """The platform of these tests, and every agent around it."""

    lab: Lab
    table: EdgeTable
    agents: dict[tuple[str, str], UserAgent]
    listening: list[UserAgent]

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

    def entry(self, agent: UserAgent) -> tuple[str, int]:
        """Where an agent's messages enter the edge."""
        return (self.lab.edge.address, 5061 if agent.transport == "tls" else 5060)

    def listener(self, sent: Sent) -> UserAgent:
        """Who listens where a message is sent to, whatever its port: it may go by a living connection."""
        known = [
            each
            for each in self.listening
            if (each.address, each.transport) == (sent.address, sent.transport)
        ]
        return next((each for each in known if each.port == sent.port), known[0])

    def forget(self) -> None:
        """Take in what is late, so that nothing of it is taken for an answer to what follows."""
        for agent in self.everyone():
            agent.silence(0)

    def everyone(self) -> set[UserAgent]:
        return {*self.agents.values(), *self.listening}


def odd_platform(lab: Lab) -> Platform:
    """Trunks of every kind, each with a number."""
    pbx, telco = lab.block.address(PBX), lab.block.address(TELCO)
    access = (f"{pbx}/32",)
    first = make_target(pbx, 5060, headers=(("X-Site", "one"), ("X-Env", "ours")))
    backup = make_target(pbx, 5080, priority=20, uri_user="desk", uri_params=";x=1")
    ha1 = make_ha1("edge", "any", CARRIER_REALM)
    trunks = [
        make_trunk("acme/hq", domain="acme-hq", access=access, targets=(first, backup)),
        make_trunk(
            "acme/safe",
            domain="safe",
            access=access,
            secure=True,
            targets=(make_target(pbx, transport="tls", uri_params=";transport=tls"),),
        ),
        make_trunk(
            "acme/users",
            domain="users",
            access=None,
            credential_lists=("acme/users",),
            targets=(make_target(pbx, 5080),),
        ),
        make_trunk("gone/asleep", domain="asleep", access=access),
        make_trunk("acme/open", domain="open", access=None),
        make_trunk("acme/circle", domain="circle", targets=(make_target(lab.edge.address, 5060),)),
        make_trunk(
            "acme/stream",
            domain="stream",
            access=access,
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
            SECURE: "acme/safe",
            USERS: "acme/users",
            "+14155550107": "gone/asleep",
            CIRCLE: "acme/circle",
            STREAM: "acme/stream",
        },
        ranges={("+14155551000", "+14155551999"): "acme/hq"},
        credentials={("acme/users", "pbx"): PASSWORD},
        carriers=[make_carrier(realm=CARRIER_REALM, username="edge", ha1=ha1)],
        sources={f"{telco}/32": "telco"},
        routes={
            "+": [make_gateway(telco, 5060)],
            TCP_FAR[:3]: [make_gateway(telco, 5060, transport="tcp")],
            "emergency": [make_gateway(telco, 5060)],
        },
    )


@dataclass
class Blame:
    """What differs, each with the message that shows it."""

    faults: list[str] = field(default_factory=list)
    compared: Counter[str] = field(default_factory=Counter)
    """How many messages, by the kind of decision."""

    def note(self, title: str, passage: Passage | LaterPassage, raw: bytes, differences: list[str]) -> None:
        """One message has been compared."""
        self.compared[type(passage.decision).__name__] += 1
        if differences:
            last = [f"{each.check}: {each.outcome} {each.detail}" for each in passage.decision.steps[-1:]]
            self.faults.append(
                f"--- {title}: {'; '.join(differences)}\n"
                f"explained: {type(passage.decision).__name__} {last}\n{raw.decode(errors='replace')}"
            )

    def report(self) -> str:
        return f"{len(self.faults)} of {self.compared.total()} differ\n" + "\n\n".join(self.faults)


def explained(peered: Peered, case: Case, port: int) -> Passage:
    """What the command says of a request outside a dialog; `port` is where it comes from."""
    arrival = Arrival(
        case.sender.address, port, case.sender.transport, peered.lab.edge.address, case.username
    )
    return decide(MemoryRows(peered.table), read_message(case.raw), arrival)


def request_differs(received: Message, sent: Sent) -> list[str]:
    """How a request that was sent on differs from what was explained."""
    differences = []
    if received.uri != sent.request_uri:
        differences.append(f"Request-URI {received.uri!r}, explained {sent.request_uri!r}")
    return differences + message_differs(received, sent)


def message_differs(received: Message, sent: Sent) -> list[str]:
    """How headers and body of what was sent on differ from what was explained."""
    seen = _seen(received)
    told = {name: list(values) for name, values in sent.headers.items() if name not in _NOT_TOLD and values}
    if "route" in told:
        told["route"] = [member for value in told["route"] for member in split_header(value)]
    differences = [
        f"{name}: {seen.get(name)}, explained {told.get(name)}"
        for name in sorted({*seen, *told})
        if seen.get(name) != told.get(name)
    ]
    if received.body != sent.body:
        differences.append(f"body {received.body!r}, explained {sent.body!r}")
    return differences


_NOT_TOLD = frozenset({"content-length", "via", "record-route"})
_CALL_SID = re.compile("CA[0-9a-f]{32}")


def _seen(received: Message) -> dict[str, list[str]]:
    """The headers of a received message as `explain` tells them."""
    found: dict[str, list[str]] = {}
    for name, value in received.headers:
        if (key := long_name(name)) in _NOT_TOLD:
            continue
        known = _CALL_SID.sub(CALL_SID_MADE_AT_THE_EDGE, value) if key == "x-trunkline-callsid" else value
        members = split_header(known) if key == "route" else (" ".join(known.split()),)
        found.setdefault(key, []).extend(members)
    return found


_OF_THE_EDGE = ("X-Trunkline-Error", "Retry-After", "Allow", "Unsupported", "Accept")


def refusal_differs(answer: Message, passage: Passage | LaterPassage) -> list[str]:
    """How an answer of the edge's own differs from what was explained."""
    told = document_of(passage)
    differences = [
        f"{name}: {answer.header(name)!r}, explained {told['headers'].get(name)!r}"
        for name in _OF_THE_EDGE
        if answer.header(name) != told["headers"].get(name, "")
    ]
    if (answer.status, answer.reason) != (told["status"], told["text"]):
        differences.append(f"{answer.first_line}, explained {told['status']} {told['text']}")
    asked = answer.header("Proxy-Authenticate")
    if isinstance(passage.decision, Challenge | ChallengeInDialog) and f'realm="{REALM}"' not in asked:
        differences.append("another realm")
    return differences
