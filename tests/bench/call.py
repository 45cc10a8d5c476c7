"""Whole calls through the edge, through a native Kamailio that does the same, and through a bare one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Final

from bench.comparison import Bench, Comparison, Measure
from bench.peers import Peer
from bench.room import (
    DIGEST_NUMBER,
    ENCRYPTED,
    FAILOVER_NUMBER,
    FAR_BUSY,
    FAR_ENCRYPTED,
    FAR_SILENT,
    PASSWORD,
    PBX_ANSWERS,
    PBX_BUSY,
    PBX_BUSY_TOO,
    TELCO_ANSWERS,
    TELCO_BUSY,
    TELCO_BUSY_TOO,
    TELCO_ENCRYPTS,
    TELCO_SILENT,
    TELCO_SILENT_TOO,
    TLS_CALLER_SIPP,
    TLS_NUMBER,
    TLS_PBX,
    Room,
)
from bench.telephones import CALLER, CALLER_WITH_PASSWORD, Replacements, calling, scenario
from support.lab import FAR_NUMBER, OWN_NUMBER, PBX, TELCO
from support.tables import BASE_DOMAIN, REALM, make_ha1

OF_NATIVE, OF_BARE = 1.35, 2.6
"""The largest ratios that are good."""
GOAL_OF_NATIVE, GOAL_OF_BARE = 1.2, 2.0
"""What is aimed at."""
TERMINATION, ORIGINATION = "termination", "origination"


@dataclass(frozen=True, slots=True)
class Way:
    """How calls of a row go in one direction."""

    direction: str
    keys: Mapping[str, str]
    caller: int
    """Last bytes of addresses: who calls, and who is called in turn."""
    callees: tuple[int, ...]
    script: str = CALLER
    replacements: Replacements = ()
    defines: Mapping[str, str] = field(default_factory=dict)
    """What the bare proxy needs for such calls."""
    by_tls: bool = False
    """True: the caller speaks TLS."""
    callee_uri: str = "sip:{address}:5060"
    options: tuple[str, ...] = ()
    """Of sipp."""


@dataclass(frozen=True, slots=True)
class Row:
    """Calls of one sort."""

    name: str
    ways: tuple[Way, ...]
    meaning: str
    """What such a call is."""
    rate: float = 1.0
    """Calls a second, as a multiple of `Sizes.calls_per_second`."""
    count: float = 1.0
    """How many calls, as a multiple of `Sizes.calls`."""


def out(own: str = OWN_NUMBER, far: str = FAR_NUMBER) -> dict[str, str]:
    return {"caller": own, "called": far}


def back(own: str = OWN_NUMBER) -> dict[str, str]:
    return {"caller": FAR_NUMBER, "called": own}


PLAIN: Final = (
    Way(TERMINATION, out(), PBX, (TELCO_ANSWERS,)),
    Way(ORIGINATION, back(), TELCO, (PBX_ANSWERS,)),
)
_FAILOVER: Final = {"WITH_FAILOVER": ""}
_DOMAIN: Final = "acme-hq"
ROWS: Final = (
    Row("plain", PLAIN, "INVITE, 180, 200, ACK, BYE, 200 over UDP"),
    Row("busy", PLAIN, "the same, five times as many a second", rate=5.0, count=5.0),
    Row(
        "digest",
        (
            Way(
                TERMINATION,
                out(DIGEST_NUMBER),
                PBX,
                (TELCO_ANSWERS,),
                CALLER_WITH_PASSWORD,
                ((_DOMAIN, "acme-digest"),),
                {
                    "WITH_DIGEST": "",
                    "REALM": f'"{REALM}"',
                    "HA1": f'"{make_ha1("pbx", PASSWORD).reveal()}"',
                },
                # Else sipp's digest names the address that it sends to.
                options=("-auth_uri", f"{FAR_NUMBER}@acme-digest.pstn.{BASE_DOMAIN}"),
            ),
        ),
        "the INVITE is challenged, and sent again with a digest; the bare proxy asks for it as well",
    ),
    Row(
        "tls",
        (
            Way(
                TERMINATION,
                out(TLS_NUMBER, FAR_ENCRYPTED),
                TLS_CALLER_SIPP,
                (TELCO_ENCRYPTS,),
                replacements=(
                    *ENCRYPTED,
                    (_DOMAIN, "acme-tls"),
                    (r"2\.0/\[transport\]", "2.0/TLS"),
                ),
                defines={"WITH_TLS": ""},
                by_tls=True,
            ),
            Way(
                ORIGINATION,
                back(TLS_NUMBER),
                TELCO,
                (TLS_PBX,),
                replacements=ENCRYPTED,
                defines={"WITH_TLS": ""},
                callee_uri="sip:{address}:5061;transport=tls",
            ),
        ),
        "a secure trunk: the customer's side over TLS, the carrier's over UDP",
    ),
    Row(
        "failover",
        (
            Way(
                TERMINATION,
                out(FAILOVER_NUMBER, FAR_BUSY),
                PBX,
                (TELCO_BUSY, TELCO_BUSY_TOO, TELCO_ANSWERS),
                replacements=((_DOMAIN, "acme-failover"),),
                defines=_FAILOVER,
            ),
            Way(
                ORIGINATION,
                back(FAILOVER_NUMBER),
                TELCO,
                (PBX_BUSY, PBX_BUSY_TOO, PBX_ANSWERS),
                defines=_FAILOVER,
            ),
        ),
        "two targets answer 503, the third takes the call",
    ),
    Row(
        "silent",
        (
            Way(
                TERMINATION,
                out(OWN_NUMBER, FAR_SILENT),
                PBX,
                (TELCO_SILENT, TELCO_SILENT_TOO, TELCO_ANSWERS),
                defines=_FAILOVER,
            ),
        ),
        "two targets say nothing for 4 s each, the third takes the call",
        count=0.5,
    ),
)


@contextmanager
def row_bench(row: Row, room: Room) -> Iterator[Bench]:
    """Every direction of a row through each peer, in turn."""
    _ = room.telephones
    measures: dict[str, Measure] = {}
    for way in row.ways:
        callees = tuple(way.callee_uri.format(address=room.block.address(each)) for each in way.callees)
        bare = room.bare(callees, way.defines)
        for name, peer in (("edge", room.product), ("native", room.native), ("bare", bare)):
            measures[f"{way.direction} {name}"] = measure_of(row, way, peer, room)
    yield Bench(measures, tuple(comparisons(row, room)))


def measure_of(row: Row, way: Way, peer: Peer, room: Room) -> Measure:
    """CPU seconds of the peer for one call of the row."""
    text = scenario(way.script.format(direction=way.direction), way.replacements)
    begin = partial(
        calling,
        peer,
        text,
        room.block.address(way.caller),
        way.keys,
        calls=max(1, round(row.count * room.sizes.calls)),
        per_second=max(1, round(row.rate * room.sizes.calls_per_second)),
    )
    if way.by_tls:
        return begin(to=room.tls_entry(peer), options=("-t", "t1", *way.options))
    return begin(options=way.options)


def comparisons(row: Row, room: Room) -> Iterator[Comparison]:
    rate = round(row.rate * room.sizes.calls_per_second)
    for way in row.ways:
        for other, most, goal, why in (
            ("native", OF_NATIVE, GOAL_OF_NATIVE, "the native peer keeps the same rules by its own script"),
            (
                "bare",
                OF_BARE,
                GOAL_OF_BARE,
                "a bare proxy does nothing but relay; the native peer needs about three times its CPU",
            ),
        ):
            yield Comparison(
                f"{row.name}, {way.direction} / {other}",
                f"{way.direction} edge",
                f"{way.direction} {other}",
                f"Kamailio's CPU for one {way.direction} at {rate} a second ({row.meaning}): "
                f"through the edge / through a {other} Kamailio",
                most,
                why,
                goal=goal,
            )
