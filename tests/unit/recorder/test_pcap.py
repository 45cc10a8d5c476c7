"""Packets of files that are whole, cut off, of the other byte order, or nonsense."""

from __future__ import annotations

import io
import struct

import pytest

from sipedge.recording.rtp import packet_of
from siprecorder.sound.pcap import Datagram, datagrams
from support.pcaps import START, Sent, pcap, rtp

DATA = rtp(b"\x7f" * 160, 7, 160)
WHOLE = pcap([Sent(0.0, 30_000, DATA), Sent(0.02, 30_002, DATA)])


def read(data: bytes) -> list[Datagram]:
    return list(datagrams(io.BytesIO(data)))


def test_what_came_to_which_port_and_when() -> None:
    first, second = read(WHOLE)
    assert (first.port, first.payload, second.port) == (30_000, DATA, 30_002)
    assert second.at == pytest.approx(START + 0.02)


@pytest.mark.parametrize("length", range(0, len(WHOLE), 7))
def test_a_file_that_is_cut_off_has_its_whole_packets(length: int) -> None:
    assert read(WHOLE[:length]) == read(WHOLE)[: max(0, length - 24) // ((len(WHOLE) - 24) // 2)]


def test_other_byte_orders_units_and_link_types() -> None:
    for order, magic, unit in (("<", 0xA1B23C4D, 10**9), (">", 0xA1B2C3D4, 10**6), (">", 0xA1B23C4D, 10**9)):
        ip = bytes([0x45, *bytes(19)]) + struct.pack("!HHHH", 1, 30_000, 8 + len(DATA), 0) + DATA
        file = struct.pack(f"{order}IHHiIII", magic, 2, 4, 0, 0, 65_535, 101)
        file += struct.pack(f"{order}IIII", 5, unit // 2, len(ip), len(ip)) + ip
        assert read(file) == [Datagram(5.5, 30_000, DATA)]


def test_ipv6() -> None:
    frame = (
        bytes(12)
        + b"\x86\xdd"
        + bytes([0x60, *bytes(39)])
        + struct.pack("!HHHH", 1, 9, 8 + len(DATA), 0)
        + DATA
    )
    file = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65_535, 1)
    file += struct.pack("<IIII", 1, 0, len(frame), len(frame)) + frame
    assert read(file) == [Datagram(1.0, 9, DATA)]


@pytest.mark.parametrize(
    "data",
    (
        b"", b"\x80", bytes(12),
        rtp(b"", 1, 1, payload_type=200),
        rtp(b"x", 1, 1, first=0x90),
        rtp(b"\0\0\xff\xff", 1, 1, first=0x90),
        rtp(b"\xff", 1, 1, first=0xA0),
        rtp(b"", 1, 1, first=0x8F),
    ),
)  # fmt: skip
def test_what_is_no_rtp(data: bytes) -> None:
    """Too short; RTCP; an extension, padding or contributing sources that are longer than the packet."""
    assert packet_of(data) is None


def test_extension_padding_and_contributing_sources_are_no_payload() -> None:
    extension, sources = b"\xbe\xde\0\1abcd", b"\0\0\0\5"
    found = packet_of(rtp(sources + extension + b"sound" + b"\0\0\3", 1, 2, 8, 3, 0x80 | 0x31))
    assert found == (8, 1, 2, 3, b"sound")
