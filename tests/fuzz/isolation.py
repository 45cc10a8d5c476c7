"""A network and a name server of the run's own, so that everything the edge sends anywhere can be seen.

As root the command starts itself again in namespaces: every IPv4 address is then this machine's own loopback,
and /etc/resolv.conf names a server of ours that writes down who asks. Without that right a run listens on
loopback addresses alone, and says what it could not prove.
"""

from __future__ import annotations

import os
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

INSIDE: Final = "FUZZ_INSIDE"
"""Set to `yes` in the run's own namespaces."""
RESOLVER: Final = ("127.0.0.53", 53)
_OUTGOING: Final = 4
"""PACKET_OUTGOING of packet(7): each packet of the loopback is seen twice."""
_ALL: Final = 3
_FORCED_BUFFER: Final = 33
"""SO_RCVBUFFORCE of socket(7)."""
_BUFFER_BYTES: Final = 64 << 20
_PACKETS, _STATISTICS = 263, 6
"""SOL_PACKET and PACKET_STATISTICS of packet(7)."""
_INTO: Final = """
ip link set lo up
ip route add local 0.0.0.0/0 dev lo
printf 'nameserver {server}\\noptions attempts:1 timeout:2\\n' > "$1"
mount --bind "$1" /etc/resolv.conf
shift
exec "$@"
"""


def is_inside() -> bool:
    return os.environ.get(INSIDE) == "yes"


def run_inside(module: str, arguments: Sequence[str]) -> int | None:
    """Run `python -m module` in namespaces of its own; its exit code, or None if none can be made here."""
    flags = ["-mn"] if os.geteuid() == 0 else ["-Urmn"]
    if shutil.which("unshare") is None:
        return None
    if subprocess.run(["unshare", *flags, "true"], capture_output=True, check=False).returncode:
        return None
    with tempfile.NamedTemporaryFile(prefix="resolv-") as file:
        script = _INTO.format(server=RESOLVER[0])
        command = ["unshare", *flags, "sh", "-euc", script, "sh", file.name]
        command += [sys.executable, "-m", module, *arguments]
        return subprocess.run(command, env={**os.environ, INSIDE: "yes"}, check=False).returncode


@dataclass(frozen=True)
class Packet:
    """One packet that left the edge: a datagram, or the first of a connection."""

    transport: str
    source_port: int
    address: str
    port: int
    payload: bytes

    @property
    def place(self) -> str:
        return f"{self.transport} {self.address}:{self.port}"


@dataclass
class Tap:
    """Sees every packet that leaves one address of this network namespace."""

    source: str
    socket: socket.socket = field(init=False)

    def __post_init__(self) -> None:
        self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(_ALL))
        try:
            self.socket.setsockopt(socket.SOL_SOCKET, _FORCED_BUFFER, _BUFFER_BYTES)
        except PermissionError:  # in a user namespace
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BUFFER_BYTES)
        self.socket.bind(("lo", _ALL))
        self.socket.setblocking(False)
        self._source = socket.inet_aton(self.source)

    def packets(self) -> list[Packet]:
        """What has left since the last call."""
        found: list[Packet] = []
        for _ in range(2000):
            try:
                data, place = self.socket.recvfrom(65_535)
            except BlockingIOError:
                break
            if place[2] == _OUTGOING and data[12:16] == self._source:
                packet = parse_packet(data)
                if packet is not None:
                    found.append(packet)
        return found

    def lost(self) -> int:
        """How many packets the kernel had no room for since the last call."""
        _, dropped = struct.unpack("II", self.socket.getsockopt(_PACKETS, _STATISTICS, 8))
        return int(dropped)

    def close(self) -> None:
        self.socket.close()


def parse_packet(data: bytes) -> Packet | None:
    """The datagram or the opening of a connection in an IPv4 packet; None for anything else."""
    start = (data[0] & 15) * 4
    if len(data) < start + 8 or data[0] >> 4 != 4:
        return None
    address = socket.inet_ntoa(data[16:20])
    source_port, port = (int.from_bytes(data[start + at : start + at + 2], "big") for at in (0, 2))
    if data[9] == socket.IPPROTO_UDP:
        return Packet("udp", source_port, address, port, data[start + 8 :])
    is_opening = data[9] == socket.IPPROTO_TCP and len(data) > start + 13 and data[start + 13] & 0x12 == 0x02
    return Packet("tcp", source_port, address, port, b"") if is_opening else None


@dataclass
class NameServer:
    """Answers every question for an address with the stranger's, and keeps what was asked."""

    answer: str
    socket: socket.socket = field(init=False)
    asked: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(RESOLVER)
        self.socket.setblocking(False)

    def serve(self) -> list[str]:
        """Answer what has come; the names that were asked for."""
        names: list[str] = []
        while True:
            try:
                query, peer = self.socket.recvfrom(4096)
            except BlockingIOError:
                break
            name, end = _name(query)
            names.append(name)
            is_address = query[end : end + 2] == b"\0\1"
            head = query[:2] + b"\x81\x80\0\1" + (b"\0\1" if is_address else b"\0\0") + b"\0\0\0\0"
            record = b"\xc0\x0c\0\1\0\1\0\0\0\1\0\4" + socket.inet_aton(self.answer) if is_address else b""
            self.socket.sendto(head + query[12 : end + 4] + record, peer)
        self.asked += names
        return names

    def close(self) -> None:
        self.socket.close()


def _name(query: bytes) -> tuple[str, int]:
    labels, place = [], 12
    while place < len(query) and query[place]:
        labels.append(query[place + 1 : place + 1 + query[place]].decode("latin-1"))
        place += 1 + query[place]
    return ".".join(labels), place + 1


def unproven() -> list[str]:
    """What a run without namespaces of its own cannot say."""
    if is_inside():
        return []
    return [
        "what the edge sends to addresses where nobody listens (needs a network namespace)",
        "that no name of the wire is resolved (needs a mount namespace)",
    ]
