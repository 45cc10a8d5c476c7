"""A SIP message on its way from a process of Kamailio to the agent: where it went, and when."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass

from sipedge.values import quickly_made

LARGEST_FRAME = 66_000
"""Bytes: a message of the largest datagram, and its line."""


@quickly_made
@dataclass(frozen=True)
class Captured:
    """One message that the edge has received or sent."""

    at: float
    """Seconds since the epoch."""
    transport: str
    """`udp`, `tcp` or `tls`."""
    source: str
    """An IP address."""
    source_port: int
    destination: str
    destination_port: int
    message: bytes


def frame(at: float, source: str, destination: str, message: bytes) -> bytes:
    """Both places as Kamailio writes them: `udp:192.0.2.1:5060`, `tls:[2001:db8::1]:5061`."""
    return f"{at:.6f} {source} {destination}\n".encode() + message


def read_frame(data: bytes) -> Captured | None:
    """What `frame` has made; None for anything else. Total."""
    line, found, message = data.partition(b"\n")
    parts = line.decode("ascii", "replace").split(" ")
    if not found or len(parts) != 3:
        return None
    try:
        at = float(parts[0])
        (transport, source, source_port), (_, destination, destination_port) = map(_place, parts[1:])
    except ValueError:
        return None
    if not 0 <= at < 2**32:
        return None
    return Captured(at, transport, source, source_port, destination, destination_port, message)


def _place(text: str) -> tuple[str, str, int]:
    """Raises ValueError for what is no place."""
    transport, _, rest = text.partition(":")
    host, _, port = rest.rpartition(":")
    number = int(port)
    if not 0 <= number < 65_536:
        raise ValueError("no port")
    return transport, str(ipaddress.ip_address(host.strip("[]"))), number
