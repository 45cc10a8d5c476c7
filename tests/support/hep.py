"""A collector of HEPv3, written from the format alone, and an agent's capture beside a test's edge."""

from __future__ import annotations

import asyncio
import socket
import struct
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from sipedge.agent.capture import CaptureServer
from sipedge.agent.faults import Faults
from sipedge.agent.questions import Dns
from sipedge.agent.rpc import KamailioRpc
from sipedge.table import CaptureRow
from support.edge import Edge
from support.events import events
from support.patience import PATIENCE


@dataclass(frozen=True)
class HepPacket:
    """What a packet said."""

    protocol: int
    source: tuple[str, int]
    destination: tuple[str, int]
    at: float
    capture_id: int
    auth_key: str | None
    correlation: str | None
    message: bytes


def parse_hep(packet: bytes) -> HepPacket:
    """Fails where a collector would."""
    assert packet[:4] == b"HEP3"
    assert struct.unpack(">H", packet[4:6])[0] == len(packet)
    chunks: dict[int, bytes] = {}
    place = 6
    while place < len(packet):
        vendor, kind, length = struct.unpack(">HHH", packet[place : place + 6])
        assert vendor == 0
        assert length >= 6
        assert kind not in chunks
        chunks[kind] = packet[place + 6 : place + length]
        assert len(chunks[kind]) == length - 6
        place += length
    family = {2: socket.AF_INET, 10: socket.AF_INET6}[chunks[1][0]]
    near, far = (3, 4) if family == socket.AF_INET else (5, 6)
    assert chunks[0x0B] == b"\x01"  # SIP

    def number(kind: int) -> int:
        return int.from_bytes(chunks[kind], "big")

    return HepPacket(
        protocol=number(2),
        source=(socket.inet_ntop(family, chunks[near]), number(7)),
        destination=(socket.inet_ntop(family, chunks[far]), number(8)),
        at=number(9) + number(10) / 1e6,
        capture_id=number(0x0C),
        auth_key=chunks[0x0E].decode() if 0x0E in chunks else None,
        correlation=chunks[0x11].decode() if 0x11 in chunks else None,
        message=chunks[0x0F],
    )


def _both() -> tuple[socket.socket, socket.socket]:
    """A socket for datagrams and one for streams, at a port that is free for both."""
    while True:
        stream = socket.create_server(("127.0.0.1", 0))
        datagrams = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        try:
            datagrams.bind(stream.getsockname())
        except OSError:
            datagrams.close()
            stream.close()
        else:
            return datagrams, stream


class Collector:
    """Takes packets by UDP, and by TCP at the same port."""

    def __init__(self) -> None:
        self._udp, self._tcp = _both()
        self.port: int = self._udp.getsockname()[1]
        self.packets: list[HepPacket] = []
        for work in (self._datagrams, self._stream):
            threading.Thread(target=work, daemon=True).start()

    def _datagrams(self) -> None:
        try:
            while data := self._udp.recv(65_536):
                self.packets.append(parse_hep(data))
        except OSError:
            pass  # closed

    def _stream(self) -> None:
        try:
            while True:
                connection, _ = self._tcp.accept()
                with connection, connection.makefile("rb") as stream:
                    while head := stream.read(6):
                        rest = stream.read(struct.unpack(">H", head[4:])[0] - 6)
                        self.packets.append(parse_hep(head + rest))
        except OSError:
            pass  # closed

    def close(self) -> None:
        self._udp.close()
        self._tcp.close()

    def of_call(self, call_id: str, *starts: str) -> list[HepPacket]:
        """The packets of a call, once there is one for each of these beginnings of a start line."""
        deadline = time.monotonic() + PATIENCE
        while True:
            found = [each for each in self.packets if f"Call-ID: {call_id}".encode() in each.message]
            lines = [each.message.split(b"\r\n")[0].decode() for each in found]
            if all(any(line.startswith(start) for line in lines) for start in starts):
                return sorted(found, key=lambda each: each.at)
            assert time.monotonic() < deadline, lines
            time.sleep(0.05)


@contextmanager
def captured(edge: Edge, row: CaptureRow) -> Iterator[CaptureServer]:
    """The agent's capture for an edge that has no agent; calls are known from the edge's events."""
    loop = asyncio.new_event_loop()
    made: list[CaptureServer] = []

    async def serve() -> None:
        server = CaptureServer(edge.settings, KamailioRpc(edge.settings.rpc_socket), Dns(None), Faults())
        server.follow(row)
        made.append(server)
        async with asyncio.TaskGroup() as parts:
            parts.create_task(server.run())
            parts.create_task(_tell(edge, server))

    def work() -> None:
        asyncio.set_event_loop(loop)
        try:
            loop.run_until_complete(task)
        except asyncio.CancelledError:
            pass

    task = loop.create_task(serve())
    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    deadline = time.monotonic() + PATIENCE
    while edge.rpc("siptrace.status", "check") != "Enabled" or not edge.settings.capture_socket.exists():
        assert time.monotonic() < deadline
        time.sleep(0.02)
    try:
        yield made[0]
    finally:
        loop.call_soon_threadsafe(task.cancel)
        thread.join(PATIENCE)
        loop.close()
        edge.rpc("siptrace.status", "off")


async def _tell(edge: Edge, server: CaptureServer) -> None:
    told = 0
    while True:
        lines = events(edge)
        for line in lines[told:]:
            if "sipCallId" in line and "callSid" in line:
                server.begun(line["sipCallId"], line["callSid"])
        told = len(lines)
        await asyncio.sleep(0.1)
