"""The platform that a run attacks: two tenants' trunks, one left alone, and who may be reached at all."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Network, ip_network
from typing import Final

from fuzz.draft import World
from support.addresses import Block
from support.tables import (
    Platform,
    make_account,
    make_carrier,
    make_gateway,
    make_ha1,
    make_target,
    make_trunk,
)

EDGE, CUSTOMER, TENANT, CARRIER, GOOD_CUSTOMER, GOOD_CARRIER, STRANGER = 1, 20, 21, 30, 40, 41, 66
"""Last bytes of addresses. The good ones place the calls that must go on whatever the others do."""
MEDIA_ADDRESS: Final = "127.0.0.1"
"""In every session description that is not broken."""
DURATION_SECONDS: Final = 15
"""The longest call: the edge then ends by itself whatever a broken message left behind."""


@dataclass(frozen=True)
class Numbers:
    """Whom a pair calls, by transport."""

    own: dict[str, str]
    far: dict[str, str]
    domain: str


ATTACKED: Final = Numbers(
    {"udp": "+14155550100", "tcp": "+14155550101"},
    {"udp": "+442079460000", "tcp": "+492079460000"},
    "acme-hq.pstn.trunkline.test",
)
GOOD: Final = Numbers(
    {"udp": "+12025550140", "tcp": "+12025550141"},
    {"udp": "+13035550140", "tcp": "+13045550141"},
    "good-udp.pstn.trunkline.test",
)
TENANTS_NUMBER: Final = "+33100000000"


def world(block: Block) -> World:
    address = block.address
    return World(address(EDGE), address(CUSTOMER), address(CARRIER), address(STRANGER), address(TENANT))


def parties(block: Block) -> frozenset[str]:
    """The only addresses that the edge may send anything to by itself."""
    return frozenset(block.address(number) for number in (CUSTOMER, CARRIER, GOOD_CUSTOMER, GOOD_CARRIER))


def platform(block: Block) -> Platform:
    """What the edge is told. Every address but the parties' is denied, as a cluster's own networks are."""
    address = block.address
    pairs = {
        "acme/hq": (CUSTOMER, "udp"),
        "acme/tcp": (CUSTOMER, "tcp"),
        "good/udp": (GOOD_CUSTOMER, "udp"),
        "good/tcp": (GOOD_CUSTOMER, "tcp"),
        "other/pbx": (TENANT, "udp"),
    }
    trunks = [
        make_trunk(
            name,
            access=(f"{address(number)}/32",),
            targets=(make_target(address(number), 5060, transport=transport),),
        )
        for name, (number, transport) in pairs.items()
    ]
    duration = DURATION_SECONDS
    return Platform(
        addresses=[address(EDGE)],
        site_changes={"denied_targets": denied_targets(parties(block))},
        accounts=[
            make_account(name, max_call_duration_seconds=duration) for name in ("acme", "good", "other")
        ],
        trunks=trunks,
        numbers={
            ATTACKED.own["udp"]: "acme/hq",
            ATTACKED.own["tcp"]: "acme/tcp",
            GOOD.own["udp"]: "good/udp",
            GOOD.own["tcp"]: "good/tcp",
            TENANTS_NUMBER: "other/pbx",
        },
        carriers=[
            make_carrier(realm="carrier", username="us", ha1=make_ha1("us", "Carrier-Password-1", "carrier")),
            make_carrier("good-telco"),
        ],
        sources={f"{address(CARRIER)}/32": "telco", f"{address(GOOD_CARRIER)}/32": "good-telco"},
        routes={
            "+44": [make_gateway(address(CARRIER), 5060)],
            "+49": [make_gateway(address(CARRIER), 5060, transport="tcp")],
            "+1303": [make_gateway(address(GOOD_CARRIER), 5060, carrier="good-telco")],
            "+1304": [make_gateway(address(GOOD_CARRIER), 5060, carrier="good-telco", transport="tcp")],
        },
    )


def relaying(block: Block) -> dict[str, object]:
    """What an edge is told whose relay all media pass: they may be sent where the descriptions say."""
    allowed = parties(block) | {MEDIA_ADDRESS}
    return {"denied_targets": denied_targets(allowed), "relay": "Always"}


def denied_targets(allowed: frozenset[str]) -> tuple[str, ...]:
    """Every IPv4 network but these addresses."""
    left: list[IPv4Network] = [IPv4Network("0.0.0.0/0")]
    for address in sorted(allowed):
        own = IPv4Network(address)
        left = [
            part
            for network in left
            for part in (network.address_exclude(own) if own.subnet_of(network) else (network,))
        ]
    return (*(str(network) for network in left), str(ip_network("::/0")))
