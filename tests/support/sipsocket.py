"""Where a test's user agent is: an address, a transport and its connections. Bytes in, bytes out."""

from __future__ import annotations

import select
import socket
import ssl
from typing import cast

from support.patience import PATIENCE
from support.sipmessage import split_stream


class SipSocket:
    """Gives what arrived in the order in which it did, with where an answer to it goes."""

    def __init__(self, address: str, port: int, transport: str, tls: ssl.SSLContext | None) -> None:
        self._address, self._transport, self._tls = address, transport, tls
        kind = socket.SOCK_DGRAM if transport == "udp" else socket.SOCK_STREAM
        self._socket = socket.socket(socket.AF_INET, kind)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, int(transport != "udp"))
        self._socket.bind((address, port))
        self.port: int = self._socket.getsockname()[1]
        if transport != "udp":
            self._socket.listen(16)
        self.connections: dict[socket.socket, bytes] = {}
        """Those that are open, each with the part of a message that has come by it."""
        self._by_peer: dict[tuple[str, int], socket.socket] = {}

    def close(self) -> None:
        for each in (*self.connections, self._socket):
            each.close()

    def hang_up(self) -> None:
        """Close every connection; it still listens."""
        for each in list(self.connections):
            each.close()
        self.connections.clear()
        self._by_peer.clear()

    def port_towards(self, peer: tuple[str, int]) -> int:
        """Where messages to the peer come from: of a stream, its connection's port."""
        known = self._by_peer.get(peer)
        return int(known.getsockname()[1]) if known in self.connections else self.port

    def send(self, data: bytes, to: object) -> None:
        """Send bytes to (address, port), or on the connection that a message came by."""
        if self._transport == "udp":
            self._socket.sendto(data, cast("tuple[str, int]", to))
        else:
            connection = to if isinstance(to, socket.socket) else self._connect(cast("tuple[str, int]", to))
            connection.sendall(data)

    def receive(self, seconds: float) -> list[tuple[bytes, object]]:
        """What has come once something has, after this time at most: messages, or the CRLFs between them."""
        ready, _, _ = select.select([self._socket, *self.connections], [], [], max(0.0, seconds))
        received: list[tuple[bytes, object]] = []
        for each in ready:
            if each is not self._socket:
                received += [(message, each) for message in self._read_stream(each)]
            elif self._transport == "udp":
                received.append(self._socket.recvfrom(65_535))
            else:
                self._accept()
        return received

    def _connect(self, peer: tuple[str, int]) -> socket.socket:
        known = self._by_peer.get(peer)
        if known in self.connections:
            return known
        plain = socket.create_connection(peer, timeout=PATIENCE, source_address=(self._address, 0))
        connection = (
            self._tls.wrap_socket(plain, server_hostname="acme-hq.pstn.trunkline.test")
            if self._tls
            else plain
        )
        connection.settimeout(PATIENCE)
        self.connections[connection] = b""
        self._by_peer[peer] = connection
        return connection

    def _accept(self) -> None:
        connection, _ = self._socket.accept()
        connection.settimeout(PATIENCE)
        try:
            accepted = self._tls.wrap_socket(connection, server_side=True) if self._tls else connection
        except (ssl.SSLError, OSError):
            connection.close()
            return
        self.connections[accepted] = b""

    def _read_stream(self, connection: socket.socket) -> list[bytes]:
        try:
            data = connection.recv(65_535)
            while isinstance(connection, ssl.SSLSocket) and connection.pending():
                data += connection.recv(65_535)
        except (ssl.SSLWantReadError, TimeoutError):
            return []
        except OSError:
            data = b""
        if not data:
            del self.connections[connection]
            connection.close()
            return []
        messages, self.connections[connection] = split_stream(self.connections[connection] + data)
        return messages
