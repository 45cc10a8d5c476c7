"""RTP packets (RFC 3550)."""

from __future__ import annotations

from typing import Final, NamedTuple

_HEAD: Final = 12
_RTCP: Final = range(192, 224)
"""Packet types of RTCP, where RTP has its marker and payload type (RFC 5761)."""


class Packet(NamedTuple):
    """What a packet says of itself, and its payload."""

    payload_type: int
    sequence: int
    timestamp: int
    ssrc: int
    payload: bytes


def packet_of(data: bytes) -> Packet | None:
    """The packet; None for RTCP, and for what is no RTP."""
    if len(data) < _HEAD or data[0] >> 6 != 2 or data[1] in _RTCP:
        return None
    begin = _HEAD + 4 * (data[0] & 0x0F)
    if data[0] & 0x10:
        if len(data) < begin + 4:
            return None
        begin += 4 + 4 * ((data[begin + 2] << 8) | data[begin + 3])
    end = len(data) - (data[-1] if data[0] & 0x20 else 0)
    if begin > end:
        return None
    return Packet(
        data[1] & 0x7F,
        (data[2] << 8) | data[3],
        int.from_bytes(data[4:8], "big"),
        int.from_bytes(data[8:12], "big"),
        data[begin:end],
    )
