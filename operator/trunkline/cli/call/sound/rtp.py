"""RTP packets (RFC 3550 section 5.1) and telephone events (RFC 4733), as bytes."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Final

_HEADER: Final = struct.Struct("!BBHII")
_VERSION: Final = 2
EVENTS: Final = "0123456789*#ABCD"
"""Of DTMF, in the order of their numbers."""


@dataclass(frozen=True, slots=True)
class Packet:
    """One RTP packet without extensions."""

    payload_type: int
    sequence: int
    timestamp: int
    ssrc: int
    payload: bytes
    marker: bool = False


def rendered(packet: Packet) -> bytes:
    """Its bytes. Sequence number and timestamp go round by themselves."""
    second = packet.payload_type | (0x80 if packet.marker else 0)
    header = _HEADER.pack(
        _VERSION << 6, second, packet.sequence & 0xFFFF, packet.timestamp & 0xFFFFFFFF, packet.ssrc
    )
    return header + packet.payload


def parsed(data: bytes) -> Packet | None:
    """The packet in these bytes; None where they are none, RTCP among them (RFC 5761 section 4)."""
    if len(data) < _HEADER.size or data[0] >> 6 != _VERSION or 192 <= data[1] <= 223:
        return None
    first, second, sequence, timestamp, ssrc = _HEADER.unpack_from(data)
    start = _HEADER.size + 4 * (first & 0x0F)
    if first & 0x10:
        if len(data) < start + 4:
            return None
        start += 4 + 4 * int.from_bytes(data[start + 2 : start + 4], "big")
    end = len(data) - (data[-1] if first & 0x20 else 0)
    if start > end:
        return None
    return Packet(second & 0x7F, sequence, timestamp, ssrc, data[start:end], bool(second & 0x80))


def event_payload(digit: str, duration: int, *, end: bool = False) -> bytes:
    """A telephone event: `duration` in samples of 8000 a second, so far. Raises ValueError for no digit."""
    return struct.pack("!BBH", EVENTS.index(digit), (0x80 if end else 0) | 10, duration)


def event_digit(payload: bytes) -> str | None:
    """The digit of a telephone event that has ended; None where it goes on or is none of DTMF."""
    if len(payload) < 4 or not payload[1] & 0x80 or payload[0] >= len(EVENTS):
        return None
    return EVENTS[payload[0]]
