"""HEPv3: one packet for each message, as Homer and its kin take them.

A packet is `HEP3`, its length, and chunks: vendor (0), type, length, value, all big-endian.
"""

from __future__ import annotations

import ipaddress
import struct
from typing import Final

from sipedge.capture.frame import Captured
from sipedge.secret import Secret

LARGEST_PACKET: Final = 65_507
"""Bytes that a datagram may hold."""
_SIP: Final = 1
_IPV4: Final = 2
_IPV6: Final = 10
_TCP: Final = 6
_UDP: Final = 17
"""Families as Linux numbers them, protocols as IP does."""
_HEADER: Final = struct.Struct(">4sH")
_CHUNK: Final = struct.Struct(">HHH")


def hep_packet(
    captured: Captured, capture_id: int, correlation: str, auth_key: Secret | None
) -> bytes | None:
    """The packet of what was captured; None if it were too large, or its places are no pair.

    `correlation` is the CallSid, "" where none is known.
    """
    source, destination = map(ipaddress.ip_address, (captured.source, captured.destination))
    if source.version != destination.version:
        return None
    is_4 = source.version == 4
    second, microsecond = divmod(round(captured.at * 1_000_000), 1_000_000)
    chunks = [
        _chunk(0x01, struct.pack(">B", _IPV4 if is_4 else _IPV6)),
        _chunk(0x02, struct.pack(">B", _UDP if captured.transport == "udp" else _TCP)),
        _chunk(0x03 if is_4 else 0x05, source.packed),
        _chunk(0x04 if is_4 else 0x06, destination.packed),
        _chunk(0x07, struct.pack(">H", captured.source_port)),
        _chunk(0x08, struct.pack(">H", captured.destination_port)),
        _chunk(0x09, struct.pack(">I", second)),
        _chunk(0x0A, struct.pack(">I", microsecond)),
        _chunk(0x0B, struct.pack(">B", _SIP)),
        _chunk(0x0C, struct.pack(">I", capture_id)),
    ]
    if auth_key is not None:
        chunks.append(_chunk(0x0E, auth_key.reveal().encode()))
    if correlation:
        chunks.append(_chunk(0x11, correlation.encode()))
    if len(captured.message) > LARGEST_PACKET:
        return None
    chunks.append(_chunk(0x0F, captured.message))
    length = _HEADER.size + sum(map(len, chunks))
    return None if length > LARGEST_PACKET else _HEADER.pack(b"HEP3", length) + b"".join(chunks)


def _chunk(kind: int, value: bytes) -> bytes:
    return _CHUNK.pack(0, kind, _CHUNK.size + len(value)) + value
