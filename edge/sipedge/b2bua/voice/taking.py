"""What a Record hears: mu-law samples in the order of their timestamps, silence where packets are missing.
Pure."""

from __future__ import annotations

from collections import Counter
from typing import Final

from sipedge.recording.rtp import Packet

RATE: Final = 8_000
PAYLOAD_TYPE: Final = 0
"""PCMU (RFC 3551)."""
SILENCE: Final = 0xFF
LONGEST_SECONDS: Final = 3_600.0
"""Of one recording, whatever its document allows."""
MOST_BYTES: Final = 256 * 1024 * 1024
"""Nine hours in all."""
_SHARES: Final = 4
"""So many trunks fill it; one alone does not."""
LONGEST_PAYLOAD: Final = 1_600
"""Samples of one packet: 200 ms."""
_LONGEST_GAP: Final = RATE * 2
"""A jump of timestamps beyond that is a stream that began anew: what is missing is then not known."""
_LOUD: Final = 500
"""Of 32,124: a sample that is speech, not the noise of a line."""
_LOUD_SHARE: Final = 0.1
"""Of a packet's samples, which must be loud for speech."""


def _size(code: int) -> int:
    """How far from zero a mu-law sample is (ITU-T G.711)."""
    inverted = ~code & 0xFF
    return (((inverted & 0x0F) << 3) + 132 << ((inverted >> 4) & 7)) - 132


_IS_LOUD: Final = bytes(1 if _size(code) >= _LOUD else 0 for code in range(256))


def is_speech(packet: Packet) -> bool:
    """True for a packet of PCMU that holds more than a line's noise."""
    payload = packet.payload[:LONGEST_PAYLOAD]
    if packet.payload_type != PAYLOAD_TYPE or not payload:
        return False
    return sum(payload.translate(_IS_LOUD)) >= len(payload) * _LOUD_SHARE


class Memory:
    """For all recordings of one process: what there is no room for is not recorded. One trunk has a share of
    it, so that those of others are recorded as well."""

    def __init__(self, most_bytes: int = MOST_BYTES) -> None:
        self._left, self._share = most_bytes, most_bytes // _SHARES
        self._taken: Counter[str] = Counter()
        """By trunk."""

    def take(self, trunk: str, count: int) -> bool:
        """So many bytes more; False if there is no room for them."""
        if count > self._left or self._taken[trunk] + count > self._share:
            return False
        self._left -= count
        self._taken[trunk] += count
        return True

    def give_back(self, trunk: str, count: int) -> None:
        """So many bytes are not needed any more."""
        self._left += count
        self._taken[trunk] -= count
        if not self._taken[trunk]:
            del self._taken[trunk]


class Taking:
    """A recording that goes on."""

    def __init__(self, most_seconds: float, memory: Memory, trunk: str) -> None:
        """`memory`: takes what it needs of it, until `give_back`."""
        self._most, self._memory, self._trunk = int(min(most_seconds, LONGEST_SECONDS) * RATE), memory, trunk
        self._samples = bytearray()
        self._stream: tuple[int, int] | None = None
        """SSRC and the timestamp that the first sample would have in its stream."""

    @property
    def samples(self) -> bytes:
        return bytes(self._samples)

    def give_back(self) -> None:
        """It is over; its samples are no longer here."""
        self._memory.give_back(self._trunk, len(self._samples))
        self._samples = bytearray()

    def put(self, packet: Packet) -> None:
        """Take a packet of PCMU, in whatever order it comes; any other is passed over."""
        payload = packet.payload[:LONGEST_PAYLOAD]
        if packet.payload_type != PAYLOAD_TYPE or not payload:
            return
        place = self._place(packet)
        if place is None or place >= self._most:
            return
        payload = payload[: self._most - place]
        growth = place + len(payload) - len(self._samples)
        if growth > 0:
            if not self._memory.take(self._trunk, growth):
                return
            self._samples += bytes((SILENCE,)) * growth
        self._samples[place : place + len(payload)] = payload

    def _place(self, packet: Packet) -> int | None:
        """Where the packet's first sample belongs; None: before the beginning."""
        if self._stream is None or self._stream[0] != packet.ssrc:
            self._follow(packet)
            return len(self._samples)
        place = (packet.timestamp - self._stream[1]) % (1 << 32)
        behind = (1 << 32) - place
        if place <= len(self._samples) + _LONGEST_GAP:
            return place
        if behind <= _LONGEST_GAP:
            return None
        self._follow(packet)
        return len(self._samples)

    def _follow(self, packet: Packet) -> None:
        """The stream goes on from the end of what is there."""
        self._stream = packet.ssrc, (packet.timestamp - len(self._samples)) % (1 << 32)
