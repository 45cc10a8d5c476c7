"""The messages of a call as a file that Wireshark, tshark and sngrep open (libpcap's format, raw IPv4).

The headers around a message are made from what is known: addresses and ports of both ends. Over TCP each
message is one segment; a message that went over TLS is a datagram, so that it is read as what it says: as TCP
at the port of TLS it would be taken for a record of TLS that is broken.
"""

from __future__ import annotations

import ipaddress
import re
import struct
from collections.abc import Iterable
from typing import Final

from trunkline.cli.call.request import CallRequest, Transport
from trunkline.cli.call.trace import SipMessage, masked

_MAGIC: Final = 0xA1B2C3D4
_RAW_IP: Final = 101
"""LINKTYPE_RAW: a packet begins with its IP header."""
_LARGEST: Final = 65_535
_TCP: Final = 6
_UDP: Final = 17
_PUSHED: Final = 0x18
"""Flags PSH and ACK."""
_WINDOW: Final = 65_535
_TIME_TO_LIVE: Final = 64

End = tuple[str, int]
"""IPv4 address and port."""


def pcap_of(request: CallRequest, source: str, messages: Iterable[SipMessage]) -> bytes:
    """The file. Digests in it are hidden; `source` is the address that was called from."""
    packets = [struct.pack("<IHHiIII", _MAGIC, 2, 4, 0, 0, _LARGEST, _RAW_IP)]
    edge = (request.address, request.port)
    own_port = 0
    # Bytes that each side has sent so far: sequence numbers of TCP, which begin at 1.
    sent = {True: 1, False: 1}
    for message in messages:
        own_port = _own_port(message) or own_port
        own = (source, own_port)
        ends = (own, edge) if message.sent else (edge, own)
        data = masked(message.text).encode("utf-8", "surrogateescape")
        if request.transport is Transport.TCP:
            payload = _tcp(*ends, data, sent[message.sent], sent[not message.sent])
            sent[message.sent] += len(data)
            packet = _ip(_TCP, *ends, payload)
        else:
            packet = _ip(_UDP, *ends, _udp(*ends, data))
        second, microsecond = divmod(round(message.at.timestamp() * 1_000_000), 1_000_000)
        packets.append(struct.pack("<IIII", second, microsecond, len(packet), len(packet)) + packet)
    return b"".join(packets)


def _own_port(message: SipMessage) -> int | None:
    """The port that our own Via names; None of a request of the other side's."""
    if message.sent != (message.status is None):
        return None
    found = re.match(r"SIP/2\.0/\w+ [^;,\s]+:(\d{1,5})", message.header("Via"))
    return int(found[1]) if found else None


def _ip(protocol: int, source: End, destination: End, payload: bytes) -> bytes:
    ends, length = _packed(source, destination), 20 + len(payload)
    head = struct.pack(">BBHHHBBH4s4s", 0x45, 0, length, 0, 0, _TIME_TO_LIVE, protocol, 0, *ends)
    return head[:10] + struct.pack(">H", _checksum(head)) + head[12:] + payload


def _udp(source: End, destination: End, data: bytes) -> bytes:
    head = struct.pack(">HHHH", source[1], destination[1], 8 + len(data), 0)
    found = _checksum(_pseudo(_UDP, source, destination, len(head) + len(data)) + head + data)
    return head[:6] + struct.pack(">H", found or 0xFFFF) + data


def _tcp(source: End, destination: End, data: bytes, sequence: int, acknowledged: int) -> bytes:
    ports = (source[1], destination[1])
    head = struct.pack(">HHIIBBHHH", *ports, sequence, acknowledged, 5 << 4, _PUSHED, _WINDOW, 0, 0)
    found = _checksum(_pseudo(_TCP, source, destination, len(head) + len(data)) + head + data)
    return head[:16] + struct.pack(">H", found) + head[18:] + data


def _pseudo(protocol: int, source: End, destination: End, length: int) -> bytes:
    return struct.pack(">4s4sBBH", *_packed(source, destination), 0, protocol, length)


def _packed(source: End, destination: End) -> tuple[bytes, bytes]:
    return ipaddress.IPv4Address(source[0]).packed, ipaddress.IPv4Address(destination[0]).packed


def _checksum(data: bytes) -> int:
    """RFC 1071: the complement of the sum of 16-bit words, in ones' complement."""
    padded = data + b"\0" * (len(data) % 2)
    total: int = sum(struct.unpack(f">{len(padded) // 2}H", padded))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF
