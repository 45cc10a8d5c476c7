"""Packets to another process of this machine, by a connection that never makes the sender wait."""

from __future__ import annotations

import socket
from typing import Final

AGAIN_SECONDS: Final = 1.0
"""From one attempt to find the other process to the next."""


class PacketSender:
    """The way to whoever listens at a socket of kind SOCK_SEQPACKET: unlike datagrams, as much may wait there
    as the sender has room for (unix(7): of datagrams ten, as a rule)."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._socket: socket.socket | None = None
        self._again_at = 0.0

    def send(self, packet: bytes, now: float) -> bool:
        """False: it is lost, since nobody listens or there is no room. `now` in seconds of any clock."""
        had_one = self._socket is not None
        # Where the one that was there has gone, another may be there at once.
        return self._sent(packet, now) or (had_one and self._socket is None and self._sent(packet, now))

    def _sent(self, packet: bytes, now: float) -> bool:
        sock = self._connected(now)
        if sock is None:
            return False
        try:
            sock.send(packet)
        except BlockingIOError:
            return False
        except OSError:
            sock.close()
            self._socket, self._again_at = None, now
            return False
        return True

    def _connected(self, now: float) -> socket.socket | None:
        if self._socket is None and now >= self._again_at:
            self._again_at = now + AGAIN_SECONDS
            sock = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET | socket.SOCK_NONBLOCK)
            try:
                sock.connect(self._path)
            except OSError:
                sock.close()
            else:
                self._socket = sock
        return self._socket
