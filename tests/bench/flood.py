"""A flood of wrong digests and OPTIONS from the address of a PBX: how many of its calls come through."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from bench import peers
from bench.call import ROWS
from bench.comparison import Bench, Comparison, Unit
from bench.room import DIGEST_NUMBER, Room, bench_platform
from bench.telephones import call, scenario
from support.lab import FAR_NUMBER
from support.sipmessage import digest_answer, new_token, parse, render, sdp
from support.sipp import ScenarioFailedError
from support.tables import BASE_DOMAIN

EDGE_ADDRESS: Final = 62
"""Last byte of its address in the block."""
CALLS_PER_SECOND: Final = 10
HOST: Final = f"acme-digest.pstn.{BASE_DOMAIN}"
_URI: Final = f"sip:{FAR_NUMBER}@{HOST}"
_BURST: Final = 20
"""Messages that are sent at once, one of two an OPTIONS."""


@dataclass
class Flooder:
    """Sends wrong digests for one challenge, each in an INVITE of its own, and OPTIONS."""

    own: socket.socket
    edge: tuple[str, int]
    per_second: int
    sent: int = 0

    def run(self, ended: threading.Event) -> None:
        """Until the event is set."""
        challenge, begun = self._challenge(), time.monotonic()
        while not ended.is_set():
            for _ in range(_BURST // 2):
                wrong = digest_answer(challenge, "pbx", f"wrong-{self.sent}", "INVITE", uri=_URI)
                self._send("INVITE", _URI, [("Proxy-Authorization", wrong)])
                self._send("OPTIONS", f"sip:{HOST}", [])
            time.sleep(max(0.0, begun + self.sent / self.per_second - time.monotonic()))

    def _challenge(self) -> str:
        self.own.settimeout(5)
        self._send("INVITE", _URI, [])
        answer = parse(self.own.recv(65_535))
        while answer.status != 407:
            answer = parse(self.own.recv(65_535))
        return answer.header("Proxy-Authenticate")

    def _send(self, method: str, uri: str, extra: list[tuple[str, str]]) -> None:
        address, port = self.own.getsockname()
        fields = [
            ("Via", f"SIP/2.0/UDP {address}:{port};branch=z9hG4bK{new_token()}"),
            ("Max-Forwards", "70"),
            ("From", f"<sip:{DIGEST_NUMBER}@{address}>;tag=flood"),
            ("To", f"<{uri}>"),
            ("Call-ID", "flood" if method == "INVITE" else new_token()),
            ("CSeq", f"1 {method}"),
            ("Contact", f"<sip:{address}:{port}>"),
            *extra,
        ]
        body = ""
        if method == "INVITE":
            fields.append(("Content-Type", "application/sdp"))
            body = sdp(address)
        self.own.sendto(render(f"{method} {uri} SIP/2.0", fields, body), self.edge)
        self.sent += 1


@contextmanager
def flooded(address: str, edge: str, per_second: int) -> Iterator[Flooder]:
    """A flood from another port of this address, while the context lasts."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as own:
        own.bind((address, 0))
        flooder, ended = Flooder(own, (edge, 5060), per_second), threading.Event()
        thread = threading.Thread(target=flooder.run, args=(ended,))
        thread.start()
        try:
            yield flooder
        finally:
            ended.set()
            thread.join()


@contextmanager
def flood_bench(room: Room) -> Iterator[Bench]:
    """An edge of its own, at the size that it has everywhere."""
    _ = room.telephones
    address, sizes = room.block.address(EDGE_ADDRESS), room.sizes
    way = next(row for row in ROWS if row.name == "digest").ways[0]
    caller, text = room.block.address(way.caller), scenario(way.script, way.replacements)
    table = bench_platform(room.block, address).table()
    offered = CALLS_PER_SECOND * sizes.flood_seconds
    with peers.product(table, address, room.allocator, shm_mb=None, calls_per_second=200) as (_peer, _edge):

        def through() -> float:
            """Calls that came through; each of them from its INVITE to the answer of its BYE."""
            with flooded(caller, address, sizes.flood_per_second) as flooder:
                begun = time.monotonic()
                try:
                    call(text, caller, f"{address}:5060", way.keys, offered, CALLS_PER_SECOND, way.options)
                except ScenarioFailedError:
                    return 0.0
                rate = flooder.sent / (time.monotonic() - begun)
            if rate < sizes.flood_per_second / 2:
                raise AssertionError(f"the flood was of {rate:.0f} messages a second only")
            return offered

        yield Bench(
            {"through": through, "offered": lambda: float(offered)},
            (
                Comparison(
                    "calls under a flood",
                    "through",
                    "offered",
                    "calls with a digest that came through, while another port of the caller's address sends"
                    f" {sizes.flood_per_second} wrong digests and OPTIONS a second / calls; 0 if one is lost",
                    1.0,
                    "who is wrong gets silence, and costs little; nobody else notices",
                    at_least=True,
                    unit=Unit.CALLS,
                ),
            ),
            rounds_for_one=0.4,
        )
