"""A real edge with peers of every kind around it, and how what they get compares with what was explained."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from sipedge.routing.decision import Challenge, Forward
from sipedge.routing.dialog.decisions import ChallengeInDialog
from sipedge.routing.media.sdp import parse
from sipedge.routing.message.headers import long_name
from sipedge.secret import Secret
from sipedge.table import EdgeTable, MemoryRows
from sipedge.table.dialing import BlockedRow, CountryRow, DialingRow, NumberSort
from sipedge.table.header_policy import HeaderPolicyRow
from sipedge.table.rows import NumberFormatRow
from sipedge.uri import split_header
from support.lab import PBX, TELCO, Lab
from support.odd_messages import Case, Party
from support.oddities import (
    BLOCKED,
    CIRCLE,
    HELD,
    LOST,
    NAMED,
    NATIONAL,
    OWN,
    SECURE,
    SHAPED,
    STREAM,
    TCP_FAR,
    USERS,
    Peers,
)
from support.policies import named, policy, rule
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
FRENCH = NumberFormatRow("National", "International00", "33")
DIALING = DialingRow("acme", ("LowRisk",), (CountryRow("LV", ()),))


@dataclass
class Peered:
    """The platform of these tests, and every agent around it."""

    lab: Lab
    table: EdgeTable
    agents: dict[tuple[str, str], UserAgent]
    listening: list[UserAgent]
    run: str
    """A word for the test's platform, as ids of messages have it: the edge is the same for all."""
    asking: bool = False
    cut_off: set[UserAgent] = field(default_factory=set)
    """Whose connections the edge may have closed."""

    def numbers(self, count: int) -> range:
        """Of cases: others where the platform asks its agent."""
        return range(count, 2 * count) if self.asking else range(count)

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


TIGHT = "acme/tight"
"""A trunk that may have one call at once."""
ASKING = {"stir_shaken": True, "caller_name_url": Secret("https://names.example/{number}")}
GEO_DIALING = DialingRow(
    "geo", (), (CountryRow("US", (NumberSort.LOW_RISK,)), CountryRow("DE", (NumberSort.LOW_RISK,)))
)
GONE = HeaderPolicyRow("acme/gone", None)
DIALLED = policy(
    rule("ToNumber RemoveLeading 1", "ToNumber AddPrefix +", when=("RequestUri User StartsWith 9",)),
    rule("FromNumber AddPrefix +1415555", when=("From User Equals 0100",)),
    rule(
        "FromNumber RemoveTrailing 2",
        "FromNumber AddSuffix 00",
        when=("PAssertedIdentity Host Contains x", "Contact Uri StartsWith sip:+"),
    ),
    rule("ToNumber AddSuffix 1", when=("From DisplayName Contains Z",)),
    name="acme/dialled",
)
SHOWN = policy(
    rule("FromNumber RemovePrefix +44", "FromNumber AddPrefix 0", when=("From DisplayName NotEquals A",)),
    rule(
        "ToNumber RemovePrefix +1415",
        when=(f"Diversion User Equals {SHAPED}", "To Host NotContains else"),
        match="All",
    ),
    rule("FromNumber ReplaceWith reception", when=("RemotePartyId Header Contains privacy=off",)),
    rule("ToNumber RemoveLeading 64", when=("From User Equals reception", "From DisplayName Contains Z")),
    name="acme/shown",
)
"""Of trunk acme/shaped: a nine for a line and extensions; national numbers, at times nothing that is left."""


def odd_platform(lab: Lab, *, asking: bool = False, relayed: bool = False) -> Platform:
    """Trunks of every kind, each with a number. `asking`: calls are signed or judged, names asked for.
    `relayed`: media goes through the edge."""
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
        make_trunk(
            "acme/shaped",
            domain="shaped",
            access=access,
            targets=(first, backup),
            **named(termination=DIALLED, origination=SHOWN),
        ),
        make_trunk(
            "acme/lost",
            domain="lost",
            access=access,
            targets=(first,),
            **named(termination=GONE, origination=GONE),
        ),
        make_trunk("acme/named", domain=None, caller_name_lookup=True, targets=(first,)),
        make_trunk("geo/abroad", domain="abroad", access=access),
        make_trunk(TIGHT, domain="tight", access=access, max_concurrent_calls=1),
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
        site_changes={**(ASKING if asking else {}), **({"relay": "Always"} if relayed else {})},
        accounts=[
            make_account(
                calls_per_second=500,
                max_concurrent_calls=500,
                dialing=DIALING,
                blocked=(BlockedRow("acme", (BLOCKED[:5],)),),
            ),
            make_account("gone", suspended=True),
            make_account("geo", dialing=GEO_DIALING, blocked=(BlockedRow("geo", ("+1876",)),)),
        ],
        caller_ids=[("geo", OWN)],
        trunks=trunks,
        numbers={
            OWN: "acme/hq",
            HELD: None,
            SECURE: "acme/safe",
            USERS: "acme/users",
            "+14155550107": "gone/asleep",
            CIRCLE: "acme/circle",
            STREAM: "acme/stream",
            SHAPED: "acme/shaped",
            LOST: "acme/lost",
            NAMED: "acme/named",
        },
        ranges={("+14155551000", "+14155551999"): "acme/hq"},
        credentials={("acme/users", "pbx"): PASSWORD},
        carriers=[
            make_carrier(realm=CARRIER_REALM, username="edge", ha1=ha1),
            make_carrier("france", realm=CARRIER_REALM, username="edge", ha1=ha1, number_format=FRENCH),
        ],
        sources={f"{telco}/32": "telco"},
        routes={
            "+": [make_gateway(telco, 5060)],
            TCP_FAR[:3]: [make_gateway(telco, 5060, transport="tcp")],
            NATIONAL[:3]: [
                make_gateway(telco, 5060, carrier="france", uri_params=";user=phone"),
                make_gateway(telco, 5060, priority=20, transport="tcp"),
            ],
            "emergency": [make_gateway(telco, 5060)],
        },
    )


@dataclass
class Blame:
    """What differs, each with the message that shows it."""

    faults: list[str] = field(default_factory=list)
    compared: Counter[str] = field(default_factory=Counter)
    """How many messages, by the kind of decision."""
    drawn: Counter[str] = field(default_factory=Counter)
    """How many messages met a rule: by the reason of a refusal, or by what was changed."""

    def note(self, title: str, passage: Passage | LaterPassage, raw: bytes, differences: list[str]) -> None:
        """One message has been compared."""
        self.compared[type(passage.decision).__name__] += 1
        self.drawn.update(_met(passage))
        if differences:
            last = [f"{each.check}: {each.outcome} {each.detail}" for each in passage.decision.steps[-1:]]
            self.faults.append(
                f"--- {title}: {'; '.join(differences)}\n"
                f"explained: {type(passage.decision).__name__} {last}\n{raw.decode(errors='replace')}"
            )

    def report(self) -> str:
        return f"{len(self.faults)} of {self.compared.total()} differ\n" + "\n\n".join(self.faults)


def _met(passage: Passage | LaterPassage) -> Iterator[str]:
    decision = passage.decision
    reason = getattr(decision, "reason", None)
    if reason is not None:
        yield reason.name
    yield from {f"{change.stage}" for change in passage.changes}
    if isinstance(decision, Forward) and decision.shaped is not None:
        yield f"policy in {decision.direction}"


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
    if body_differs(received.body, sent):
        differences.append(f"body {received.body!r}, explained {sent.body!r}")
    return differences


def body_differs(received: str, sent: Sent) -> bool:
    """Of one that a relay has rewritten: whether its media lines, codecs and directions do."""
    return media_shape(received) != media_shape(sent.body) if sent.by_relay else received != sent.body


def media_shape(sdp: str) -> list[tuple[object, ...]]:
    """What of a description no relay changes."""
    description = parse(sdp)
    assert description is not None, sdp
    return [
        (line.kind, line.is_active, [each.name for each in line.formats], line.direction or "sendrecv")
        for line in description.media
    ]


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
