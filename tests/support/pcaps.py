"""Files of packets, as a media relay writes them; and what is heard in a recording."""

from __future__ import annotations

import struct
import wave
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from siprecorder.sound.g711 import A_LAW, MU_LAW
from siprecorder.sound.timeline import RATE

START = 1_700_000_000.0
"""When calls of these tests begin."""
FRAME = RATE // 50
CALLER_PORT, CALLEE_PORT = 30_000, 30_002


@dataclass(frozen=True)
class Sent:
    """A packet on its way."""

    at: float
    """When it comes, in seconds since the call began."""
    port: int
    data: bytes


@lru_cache
def tone(hertz: int, samples: int = RATE) -> NDArray[np.int16]:
    """A tone at a quarter of full scale."""
    return (8192 * np.sin(2 * np.pi * hertz * np.arange(samples) / RATE)).astype(np.int16)


def compressed(samples: NDArray[np.int16], table: NDArray[np.int16] = MU_LAW) -> bytes:
    """As G.711: the nearest value of the table."""
    order = np.argsort(table, kind="stable")
    values = table[order].astype(np.int32)
    middle = (values[1:] + values[:-1]) / 2
    return bytes(order[np.searchsorted(middle, samples)].astype(np.uint8))


def rtp(
    payload: bytes, sequence: int, timestamp: int, payload_type: int = 0, ssrc: int = 1, first: int = 0x80
) -> bytes:
    """A packet of RTP."""
    head = (first, payload_type, sequence & 0xFFFF, timestamp & 0xFFFFFFFF, ssrc)
    return struct.pack("!BBHII", *head) + payload


def stream(
    hertz: int,
    seconds: float,
    *,
    begin: float = 0.0,
    port: int = CALLER_PORT,
    payload_type: int = 0,
    ssrc: int = 1,
    sequence: int = 0,
    timestamp: int = 0,
) -> list[Sent]:
    """A party that speaks in a tone without a pause, by a network that keeps time."""
    table = A_LAW if payload_type == 8 else MU_LAW
    sound = tone(hertz, int(seconds * RATE) // FRAME * FRAME)
    return [
        Sent(
            begin + number / 50,
            port,
            rtp(
                compressed(sound[number * FRAME : (number + 1) * FRAME], table),
                sequence + number, timestamp + number * FRAME, payload_type, ssrc,
            ),
        )
        for number in range(len(sound) // FRAME)
    ]  # fmt: skip


def moved(packets: Iterable[Sent], seconds: float) -> list[Sent]:
    """The same packets, later."""
    return [replace(packet, at=packet.at + seconds) for packet in packets]


def pcap(packets: Iterable[Sent], start: float = START, *, in_order: bool = True) -> bytes:
    """The file; `in_order`: as they come, whatever the order in which they are given."""
    ordered = sorted(packets, key=lambda packet: packet.at) if in_order else list(packets)
    head = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65_535, 1)
    return head + b"".join(_packet(start + each.at, each.port, each.data) for each in ordered)


def _packet(at: float, port: int, data: bytes) -> bytes:
    udp = struct.pack("!HHHH", 40_000, port, 8 + len(data), 0) + data
    address = struct.pack(
        "!BBHHHBBH4s4s", 0x45, 0, 20 + len(udp), 0, 0, 64, 17, 0, b"\x7f\0\0\1", b"\x7f\0\0\1"
    )
    frame = bytes(12) + b"\x08\x00" + address + udp
    second, microsecond = divmod(round(at * 1e6), 1_000_000)
    return struct.pack("<IIII", second, microsecond, len(frame), len(frame)) + frame


# ------------------------------------------------------------------------------------- listening


def sound_of(path: Path) -> NDArray[np.int16]:
    """The samples of a WAV file: `(samples, channels)`; it must be of 16 bit at 8 kHz."""
    with wave.open(str(path)) as file:
        assert (file.getsampwidth(), file.getframerate()) == (2, RATE)
        data = file.readframes(file.getnframes())
        assert len(data) == file.getnframes() * 2 * file.getnchannels()
        return np.frombuffer(data, "<i2").reshape(-1, file.getnchannels())


def tones(samples: NDArray[np.int16], hertz: Sequence[int]) -> dict[int, float]:
    """How many seconds of each of these tones are in one channel."""
    frames = samples[: len(samples) // FRAME * FRAME].reshape(-1, FRAME).astype(np.float64)
    power = (frames**2).sum(1) + 1e-9
    found = {}
    for each in hertz:
        wave_of = np.exp(-2j * np.pi * each * np.arange(FRAME) / RATE)
        share = 2 * np.abs(frames @ wave_of) ** 2 / FRAME / power
        found[each] = float(((share > 0.8) & (power > FRAME * 500**2)).sum()) / 50
    return found


def loudest(samples: NDArray[np.int16]) -> int:
    """The loudest tone of one channel, Hz, to the next multiple of 50: whatever a codec has made of it."""
    spectrum = np.abs(np.fft.rfft(samples))
    return int(50 * round(float(np.argmax(spectrum)) * RATE / len(samples) / 50))


def first_loud(samples: NDArray[np.int16]) -> int:
    """The first sample of one channel that is no silence; its length if there is none."""
    loud = np.flatnonzero(np.abs(samples.astype(np.int32)) > 400)
    return int(loud[0]) if len(loud) else len(samples)
