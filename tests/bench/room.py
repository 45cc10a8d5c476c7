"""Where the rows of calls are measured: one platform, served by the edge and by the native peer."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from bench import peers
from bench.peers import Peer
from bench.sizes import Sizes
from bench.telephones import ANSWERS, BUSY, answering, scenario, silent, tls_tunnel
from support.addresses import Block, reserved_block
from support.edge import write_certificate
from support.lab import FAR_NUMBER, OWN_NUMBER, PBX, TELCO
from support.tables import (
    Platform,
    make_account,
    make_carrier,
    make_gateway,
    make_target,
    make_trunk,
)

PRODUCT, NATIVE, FIRST_BARE = 1, 2, 3
PBX_ANSWERS, PBX_BUSY, PBX_BUSY_TOO = 21, 22, 23
TELCO_ANSWERS, TELCO_BUSY, TELCO_BUSY_TOO, TELCO_SILENT, TELCO_SILENT_TOO, TELCO_ENCRYPTS = range(31, 37)
TLS_CALLER_SIPP, TLS_CALLER, TLS_PBX, TLS_PBX_SIPP = 26, 27, 28, 29
"""Last bytes of addresses in the block. A telephone over TLS is a sipp over TCP and a tunnel."""

DIGEST_NUMBER: Final = "+14155550101"
FAILOVER_NUMBER: Final = "+14155550102"
TLS_NUMBER: Final = "+14155550103"
FAR_BUSY: Final = "+436641234567"
FAR_SILENT: Final = "+4512345678"
FAR_ENCRYPTED: Final = "+46812345678"
PASSWORD: Final = "Correct-Horse-9"
CREDENTIAL_LIST: Final = "acme/phones"
ENCRYPTED: Final = (("RTP/AVP", "RTP/SAVP"),)


@dataclass
class Room:
    """What the benches share. Servers start when the first bench asks for them, and end with `stack`."""

    sizes: Sizes
    allocator: str | None = None
    """Kamailio's allocator for shared memory, of all peers; None = as the edge is started everywhere."""
    stack: ExitStack = field(default_factory=ExitStack)
    bares: int = 0
    entries: int = 0
    """How many bare proxies, and tunnels for callers, there are so far."""

    entries_seen: dict[str, dict[str, tuple[float, float]]] = field(default_factory=dict)
    """By direction and entry point: entries of Python and microseconds in them, per call."""

    @cached_property
    def block(self) -> Block:
        return self.stack.enter_context(reserved_block("127.82"))

    @cached_property
    def platform(self) -> Platform:
        """The account `acme` with a trunk for each sort of call."""
        return bench_platform(self.block, self.block.address(PRODUCT))

    @cached_property
    def product(self) -> Peer:
        address = self.block.address(PRODUCT)
        return self.stack.enter_context(peers.product(self.platform.table(), address, self.allocator))[0]

    @cached_property
    def native(self) -> Peer:
        return self.stack.enter_context(
            peers.native(self.platform, self.block.address(NATIVE), self.allocator)
        )

    def bare(self, callees: tuple[str, ...], defines: Mapping[str, str]) -> Peer:
        """A bare proxy of its own for the calls of one row in one direction."""
        address = self.block.address(FIRST_BARE + self.bares)
        self.bares += 1
        return self.stack.enter_context(peers.bare(address, callees, defines, self.allocator))

    @cached_property
    def telephones(self) -> None:
        """Everyone who is called."""
        answers, busy = scenario(ANSWERS), scenario(BUSY, (("486 Busy Here", "503 Service Unavailable"),))
        for number in (PBX_ANSWERS, TELCO_ANSWERS):
            self.stack.enter_context(answering(self.block.address(number), answers))
        for number in (PBX_BUSY, PBX_BUSY_TOO, TELCO_BUSY, TELCO_BUSY_TOO):
            self.stack.enter_context(answering(self.block.address(number), busy))
        self.stack.enter_context(
            silent(self.block.address(TELCO_SILENT), self.block.address(TELCO_SILENT_TOO))
        )
        self._encrypting()

    def _encrypting(self) -> None:
        pbx = self.block.address(TLS_PBX)
        contact = (r"Contact: <[^>]*>", f"Contact: <sip:callee@{pbx}:5061;transport=tls>")
        of_pbx = scenario(ANSWERS, (*ENCRYPTED, contact))
        sipp = self.block.address(TLS_PBX_SIPP)
        self.stack.enter_context(answering(self.block.address(TELCO_ENCRYPTS), scenario(ANSWERS, ENCRYPTED)))
        self.stack.enter_context(answering(sipp, of_pbx, ("-t", "t1")))
        directory = Path(self.stack.enter_context(TemporaryDirectory(prefix="bench-")))
        write_certificate(directory, "pbx", pbx)
        accept = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        accept.load_cert_chain(directory / "server.crt", directory / "server.key")
        self.stack.enter_context(tls_tunnel((pbx, 5061), (sipp, 5060), accept=accept))

    def tls_entry(self, peer: Peer) -> str:
        """Where a sipp over TCP calls, for its calls to reach the peer over TLS."""
        connect = ssl.create_default_context()
        connect.check_hostname, connect.verify_mode = False, ssl.CERT_NONE
        self.entries += 1
        entry = (self.block.address(TLS_CALLER), 5060 + self.entries)
        self.stack.enter_context(tls_tunnel(entry, (peer.address, 5061), connect=connect))
        return f"{entry[0]}:{entry[1]}"


def bench_platform(block: Block, address: str) -> Platform:
    """The account `acme` with a trunk for each sort of call; the edge is at `address`."""
    pbx = {"access": (f"{block.address(PBX)}/32",)}
    plain = make_target(block.address(PBX_ANSWERS), 5060)
    failing = [
        make_target(block.address(number), 5060, priority=priority)
        for priority, number in enumerate((PBX_BUSY, PBX_BUSY_TOO, PBX_ANSWERS), start=1)
    ]
    trunks = [
        make_trunk(**pbx, targets=(plain,)),
        make_trunk("acme/digest", **pbx, credential_lists=(CREDENTIAL_LIST,), targets=(plain,)),
        make_trunk("acme/failover", **pbx, targets=tuple(failing)),
        make_trunk(
            "acme/tls",
            access=(f"{block.address(TLS_CALLER)}/32",),
            secure=True,
            targets=(make_target(block.address(TLS_PBX), 5061, transport="tls"),),
        ),
    ]
    return Platform(
        addresses=[address],
        accounts=[make_account()],
        trunks=trunks,
        numbers=dict(
            zip(
                (OWN_NUMBER, DIGEST_NUMBER, FAILOVER_NUMBER, TLS_NUMBER),
                (each.id for each in trunks),
                strict=True,
            )
        ),
        credentials={(CREDENTIAL_LIST, "pbx"): PASSWORD},
        carriers=[make_carrier()],
        sources={f"{block.address(TELCO)}/32": "telco"},
        routes={
            prefix: [gateway(block, each, priority) for priority, each in enumerate(numbers, start=1)]
            for prefix, numbers in GATEWAYS.items()
        },
    )


GATEWAYS: Final[Mapping[str, tuple[int, ...]]] = {
    FAR_NUMBER[:3]: (TELCO_ANSWERS,),
    FAR_BUSY[:3]: (TELCO_BUSY, TELCO_BUSY_TOO, TELCO_ANSWERS),
    FAR_SILENT[:3]: (TELCO_SILENT, TELCO_SILENT_TOO, TELCO_ANSWERS),
    FAR_ENCRYPTED[:3]: (TELCO_ENCRYPTS,),
}
"""Prefixes of one length, so that there is one look-up as on a platform with one carrier for everything."""


def gateway(block: Block, number: int, priority: int) -> Any:
    return make_gateway(block.address(number), 5060, priority=priority)
