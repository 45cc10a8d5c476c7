"""Packets of a pcap file, as a media relay writes it: UDP over IPv4 or IPv6, with Ethernet or without.

A file may be cut off anywhere, and its packets are what strangers sent: what cannot be read is passed over.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Final, NamedTuple, Protocol

LONGEST_PACKET: Final = 65_535
_ETHERNET: Final = 14
_HEAD: Final = 24
_MAGIC: Final = {
    b"\xd4\xc3\xb2\xa1": ("<", 1e-6),
    b"\xa1\xb2\xc3\xd4": (">", 1e-6),
    b"\x4d\x3c\xb2\xa1": ("<", 1e-9),
    b"\xa1\xb2\x3c\x4d": (">", 1e-9),
}
_LINK_ETHERNET: Final = 1
_UDP_HEAD: Final = 8
_IPV6_HEAD: Final = 40


class Datagram(NamedTuple):
    """What came to a port of the relay."""

    at: float
    """When, in seconds since the epoch, by the clock of the relay."""
    port: int
    """The relay's."""
    payload: bytes


class Readable(Protocol):
    """An open file."""

    def read(self, size: int, /) -> bytes: ...


def datagrams(file: Readable) -> Iterator[Datagram]:
    """All whole ones; what is behind something that is no packet is not read."""
    head = file.read(_HEAD)
    order, unit = _MAGIC.get(head[:4], ("", 0.0))
    if len(head) < _HEAD or not order:
        return
    link = _ETHERNET if struct.unpack(f"{order}I", head[20:24])[0] == _LINK_ETHERNET else 0
    packet_head, read = struct.Struct(f"{order}IIII"), file.read
    unpack, size = packet_head.unpack, packet_head.size
    while len(said := read(size)) == size:
        second, fraction, length, _ = unpack(said)
        if length > LONGEST_PACKET or len(packet := read(length)) < length:
            return
        found = _payload(packet, link)
        if found is not None:
            yield Datagram(second + fraction * unit, *found)


def _payload(packet: bytes, link: int) -> tuple[int, bytes] | None:
    """The destination port, and what it was sent."""
    if len(packet) < link + 28:
        return None
    version = packet[link] >> 4
    udp = link + (4 * (packet[link] & 0x0F) if version == 4 else _IPV6_HEAD)
    if version not in (4, 6) or len(packet) < udp + _UDP_HEAD:
        return None
    return (packet[udp + 2] << 8) | packet[udp + 3], packet[udp + _UDP_HEAD :]
