"""The way to a collector: datagrams, or a connection with a bounded queue. One that is gone costs no call."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import time
from collections import deque
from typing import Final

from sipedge.agent.location import Question
from sipedge.agent.questions import Dns, NoAnswerError

CONNECT_SECONDS: Final = 3.0
FIRST_RETRY_SECONDS: Final = 1.0
LONGEST_RETRY_SECONDS: Final = 30.0
MOST_QUEUED_BYTES: Final = 8 << 20
SHORTEST_HOLD_SECONDS: Final = 5.0
LONGEST_HOLD_SECONDS: Final = 300.0


class Place:
    """Where a collector is: its name is asked anew when the answer has run out; the last good one stays."""

    def __init__(self, host: str, dns: Dns) -> None:
        self._host, self._dns = host, dns
        self._address: str | None = None
        self._until = 0.0
        try:
            self._address, self._until = str(ipaddress.ip_address(host.strip("[]"))), float("inf")
        except ValueError:
            pass  # a name

    async def find(self) -> str | None:
        """An address; None while none is known."""
        now = time.monotonic()
        if now >= self._until:
            found, ttl = await self._asked()
            self._address = found or self._address
            self._until = now + min(max(ttl, SHORTEST_HOLD_SECONDS), LONGEST_HOLD_SECONDS)
        return self._address

    async def _asked(self) -> tuple[str | None, float]:
        ttl = 0.0
        for kind in ("A", "AAAA"):
            try:
                records, ttl = await self._dns.ask(Question(self._host, kind))
            except NoAnswerError:
                return None, 0.0
            if records:
                return str(records[0]), ttl
        return None, ttl


class UdpSink:
    """Sends each packet at once, or not at all."""

    def __init__(self, place: Place, port: int) -> None:
        self._place, self._port = place, port
        self._address: str | None = None
        self._sockets: dict[int, socket.socket] = {}
        self.fault: str | None = None

    async def run(self) -> None:
        """Keep knowing where the collector is."""
        while True:
            self._address = await self._place.find()
            self.fault = None if self._address else "the name of the collector has no address"
            await asyncio.sleep(FIRST_RETRY_SECONDS)

    def send(self, packet: bytes) -> bool:
        """False: it is lost."""
        if self._address is None:
            return False
        family = socket.AF_INET6 if ":" in self._address else socket.AF_INET
        sock = self._sockets.get(family)
        if sock is None:
            sock = self._sockets[family] = socket.socket(family, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        try:
            sock.sendto(packet, (self._address, self._port))
        except OSError:
            return False
        return True

    def close(self) -> None:
        for sock in self._sockets.values():
            sock.close()


class TcpSink:
    """Sends packets one after another; what the connection does not take waits, within a bound."""

    def __init__(self, place: Place, port: int) -> None:
        self._place, self._port = place, port
        self._queue: deque[bytes] = deque()
        self._bytes = 0
        self._more = asyncio.Event()
        self.fault: str | None = None

    async def run(self) -> None:
        """Connect, send, and connect again."""
        retry = FIRST_RETRY_SECONDS
        while True:
            try:
                async with asyncio.timeout(CONNECT_SECONDS):
                    address = await self._place.find()
                    if address is None:
                        raise OSError("its name has no address")
                    _, writer = await asyncio.open_connection(address, self._port)
            except (OSError, TimeoutError) as error:
                self.fault = f"the collector cannot be reached: {str(error) or 'no answer'}"
                await asyncio.sleep(retry)
                retry = min(retry * 2, LONGEST_RETRY_SECONDS)
                continue
            self.fault, retry = None, FIRST_RETRY_SECONDS
            try:
                await self._empty(writer)
            except OSError as error:
                self.fault = f"the collector has closed: {error}"
            finally:
                writer.close()
            await asyncio.sleep(retry)

    def send(self, packet: bytes) -> bool:
        """False: it is lost."""
        if self._bytes + len(packet) > MOST_QUEUED_BYTES:
            return False
        self._queue.append(packet)
        self._bytes += len(packet)
        self._more.set()
        return True

    def close(self) -> None:
        """Nothing is open but within `run`."""

    async def _empty(self, writer: asyncio.StreamWriter) -> None:
        while True:
            while self._queue:
                packet = self._queue.popleft()
                self._bytes -= len(packet)
                writer.write(packet)
                await writer.drain()
            self._more.clear()
            await self._more.wait()
            if writer.is_closing():
                raise OSError("connection lost")


Sink = UdpSink | TcpSink
