"""A SIP user agent whose socket is somewhere else: on a host of the LAN, or in a pod.

The test keeps the agent and every message; a small program there sends and receives its datagrams.
"""

from __future__ import annotations

import base64
import os
import select
import subprocess
import time
from collections.abc import Sequence
from typing import Final, cast

from support.sipua import UserAgent

START_SECONDS: Final = 20.0

PROGRAM: Final = """
import base64, os, selectors, socket, sys
address, port = sys.argv[1], int(sys.argv[2])
sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
sock.bind((address, port))
print("open", sock.getsockname()[1], flush=True)
REPEATED = (b"via", b"from", b"to", b"call-id", b"cseq", b"record-route")
selector = selectors.DefaultSelector()
selector.register(sock, selectors.EVENT_READ)
selector.register(0, selectors.EVENT_READ)
rest = b""
while True:
    for key, _ in selector.select():
        if key.fileobj is sock:
            data, (host, number) = sock.recvfrom(65535)
            print(host, number, base64.b64encode(data).decode(), flush=True)
            if data.startswith(b"OPTIONS "):
                lines = data.split(b"\\r\\n\\r\\n")[0].split(b"\\r\\n")[1:]
                kept = [each for each in lines if each.split(b":")[0].strip().lower() in REPEATED]
                answer = [b"SIP/2.0 200 OK", *kept, b"Content-Length: 0", b"", b""]
                sock.sendto(b"\\r\\n".join(answer), (host, number))
            continue
        given = os.read(0, 65536)
        if not given:
            sys.exit(0)
        *lines, rest = (rest + given).split(b"\\n")
        for line in lines:
            host, number, text = line.decode().split(" ")
            sock.sendto(base64.b64decode(text), (host, int(number)))
"""
"""Run as `python3 -c PROGRAM ADDRESS PORT`: one datagram a line each way, `HOST PORT BASE64`.

OPTIONS are answered there and then: an edge asks each side of a call now and then whether it lives, also
while no test is looking.
"""


class WiredAgent(UserAgent):
    """A UDP user agent; `command` runs its arguments where the socket is to be."""

    def __init__(self, address: str, port: int, command: Sequence[str]) -> None:
        self.address, self.transport = address, "udp"
        self._begin()
        bound = ("setpriv", "--pdeathsig", "KILL", "--")
        self._process = subprocess.Popen(
            [*bound, *command, "python3", "-c", PROGRAM, address, str(port)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        self._rest = b""
        self._lines: list[bytes] = []
        self._read(START_SECONDS)
        if not self._lines:
            raise RuntimeError(f"no socket on {address}:{port}: {self._process.poll()}")
        self.port = int(self._lines.pop(0).split()[1])

    def close(self) -> None:
        assert self._process.stdin
        assert self._process.stdout
        self._process.kill()
        self._process.wait()
        self._process.stdin.close()
        self._process.stdout.close()

    def forget(self) -> None:
        """Leave nothing of earlier calls, so that a later `wait` cannot take it."""
        self._receive(0)
        self.inbox.clear()

    def send(self, data: bytes, to: object) -> None:
        host, port = cast("tuple[str, int]", to)
        assert self._process.stdin
        self._process.stdin.write(b"%s %d %s\n" % (host.encode(), port, base64.b64encode(data)))
        self._process.stdin.flush()

    def _receive(self, seconds: float) -> None:
        self._read(seconds)
        for line in self._lines:
            host, port, text = line.decode().split(" ")
            self._deliver(base64.b64decode(text), (host, int(port)))
        self._lines.clear()

    def _read(self, seconds: float) -> None:
        """Take in whole lines until there is one, for `seconds` at most."""
        assert self._process.stdout
        end = time.monotonic() + seconds
        while True:
            left = max(0.0, end - time.monotonic())
            if not select.select([self._process.stdout], [], [], left)[0]:
                return
            given = os.read(self._process.stdout.fileno(), 1 << 20)
            if not given:
                raise RuntimeError(f"the socket on {self.address} is gone: {self._process.wait()}")
            *lines, self._rest = (self._rest + given).split(b"\n")
            self._lines += lines
            if lines:
                return
