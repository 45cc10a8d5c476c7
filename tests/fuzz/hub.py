"""Every socket of a run in one loop: the parties' telephones, and the ears of those who must hear nothing."""

from __future__ import annotations

import selectors
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import cast

from support.sipmessage import split_stream

SEND_SECONDS = 2.0
_RECEIVE_BUFFER = 8 << 20
_MOST_AT_ONCE = 200


@dataclass(eq=False)
class Line:
    """One socket of a party, and what to do with what it receives."""

    party: str
    transport: str
    socket: socket.socket
    hear: Callable[[Line, bytes, object], None]
    is_listener: bool = False
    rest: bytes = b""
    peer: tuple[str, int] | None = None


@dataclass
class Hub:
    """Sockets by party and transport. Nothing is sent or heard but by `send` and within `turn`."""

    selector: selectors.BaseSelector = field(default_factory=selectors.DefaultSelector)
    lines: list[Line] = field(default_factory=list)
    sent: int = 0
    """Messages handed to the kernel."""

    def close(self) -> None:
        for line in list(self.lines):
            self.hang_up(line)
        self.selector.close()

    def listen(
        self,
        party: str,
        address: tuple[str, int],
        transport: str,
        hear: Callable[[Line, bytes, object], None],
    ) -> Line:
        """A UDP socket, or a TCP socket that accepts connections."""
        kind = socket.SOCK_DGRAM if transport == "udp" else socket.SOCK_STREAM
        own = socket.socket(socket.AF_INET, kind)
        own.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, int(transport == "tcp"))
        own.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_BUFFER)
        own.bind(address)
        if transport == "tcp":
            own.listen(128)
        return self.add(Line(party, transport, own, hear, is_listener=transport == "tcp"))

    def connect(
        self,
        party: str,
        address: str,
        peer: tuple[str, int],
        hear: Callable[[Line, bytes, object], None],
    ) -> Line:
        """A TCP connection from an address of the party. Raises OSError if the peer refuses."""
        own = socket.create_connection(peer, timeout=SEND_SECONDS, source_address=(address, 0))
        return self.add(Line(party, "tcp", own, hear, peer=peer))

    def add(self, line: Line) -> Line:
        line.socket.setblocking(False)
        self.selector.register(line.socket, selectors.EVENT_READ, line)
        self.lines.append(line)
        return line

    def hang_up(self, line: Line) -> None:
        if line in self.lines:
            self.lines.remove(line)
            self.selector.unregister(line.socket)
            line.socket.close()

    def send(self, line: Line, data: bytes, to: object = None) -> bool:
        """Send to `to` (UDP) or on the connection; False if that failed or the connection is gone."""
        if line not in self.lines:
            return False
        try:
            if line.transport == "udp":
                line.socket.sendto(data, cast("tuple[str, int]", to))
            else:
                line.socket.settimeout(SEND_SECONDS)
                line.socket.sendall(data)
                line.socket.setblocking(False)
        except OSError:
            if line.transport == "tcp":
                self.hang_up(line)
            return False
        self.sent += 1
        return True

    def turn(self, seconds: float) -> None:
        """Hear whatever comes within this time; returns as soon as something has."""
        for key, _ in self.selector.select(seconds):
            self._read(key.data)

    def turns(self, seconds: float) -> None:
        """Hear for this long."""
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            self.turn(left)

    def _read(self, line: Line) -> None:
        if line.is_listener:
            accepted, _ = line.socket.accept()
            self.add(Line(line.party, "tcp", accepted, line.hear))
        elif line.transport == "tcp":
            self._read_stream(line)
        else:
            for _ in range(_MOST_AT_ONCE):
                try:
                    data, peer = line.socket.recvfrom(65_535)
                except OSError:
                    return
                line.hear(line, data, peer)

    def _read_stream(self, line: Line) -> None:
        try:
            data = line.socket.recv(1 << 18)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self.hang_up(line)
            return
        messages, line.rest = split_stream(line.rest + data)
        for message in messages:
            if message.strip():
                line.hear(line, message, None)
