"""A client of rtpengine's ng protocol: one connected UDP socket, few tries, short waits.

Connected, so that a dead rtpengine is known at once (the kernel says "connection refused") and nobody else
can answer. A repeated command keeps its cookie: rtpengine answers it as before, and does nothing twice.
"""

from __future__ import annotations

import contextlib
import secrets
import socket
import time
from collections.abc import Mapping
from typing import Final

from sipedge.ng.packets import Read, Value, packet_of, read_answer

TRIES: Final = 2
TRY_SECONDS: Final = 0.5
"""How long one try waits. An rtpengine that is alive answers within some milliseconds, but where all
processors are taken it may wait some tenths of a second for its turn."""
_LARGEST_PACKET: Final = 65_535
_HOST: Final = "127.0.0.1"
"""ng has no password: rtpengine listens to its own machine alone."""


class NgError(Exception):
    """A command that was not carried out."""


class NgRefusedError(NgError):
    """rtpengine has answered with an error, which is the text of this."""


class NgUnreachableError(NgError):
    """Nobody has answered. `hangs`: somebody listens, but says nothing; it has cost all tries."""

    def __init__(self, why: str, *, hangs: bool) -> None:
        super().__init__(why)
        self.hangs = hangs


class NgClient:
    """For one process and one thread: to be made after a fork. The socket is opened by the first command."""

    def __init__(self, port: int, *, host: str = _HOST) -> None:
        self._place = (host, port)
        self._socket: socket.socket | None = None

    def ask(
        self, command: Mapping[str, Value], *, tries: int = TRIES, try_seconds: float = TRY_SECONDS
    ) -> dict[str, Read]:
        """rtpengine's answer, whose `result` is no error. Raises NgRefusedError, NgUnreachableError."""
        cookie = secrets.token_hex(8).encode() + b" "
        packet = packet_of(cookie, command)
        try:
            answer = self._answer(packet, cookie, tries, try_seconds)
        except OSError as error:
            self.close()
            raise NgUnreachableError(str(error), hangs=False) from error
        if answer is None:
            waited = f"no answer within {tries} x {try_seconds:g} s"
            raise NgUnreachableError(waited, hangs=True)
        if answer.get("result") == "error":
            raise NgRefusedError(str(answer.get("error-reason", "")))
        return answer

    def tell(self, command: Mapping[str, Value]) -> None:
        """Send a command, and do not wait for what comes of it. One that hangs reads it when it goes on."""
        with contextlib.suppress(OSError):
            self._connected().send(packet_of(secrets.token_hex(8).encode() + b" ", command))

    def close(self) -> None:
        """Close the socket; the next command opens another."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _answer(self, packet: bytes, cookie: bytes, tries: int, try_seconds: float) -> dict[str, Read] | None:
        sock = self._connected()
        for _ in range(tries):
            sock.send(packet)
            deadline = time.monotonic() + try_seconds
            while (left := deadline - time.monotonic()) > 0:
                sock.settimeout(left)
                try:
                    received = sock.recv(_LARGEST_PACKET)
                except TimeoutError:
                    break
                if (answer := read_answer(received, cookie)) is not None:
                    return answer
        return None

    def _connected(self) -> socket.socket:
        if self._socket is None:
            self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            self._socket.connect(self._place)
        # What an earlier packet came to, after its answer was given up: it says nothing of the next one.
        self._socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        return self._socket
