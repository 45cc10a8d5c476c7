"""Tones that a caller hears: before a recording, and while who is called rings. Pure.

Each is 8 kHz, 16 bit, one channel, little-endian, without a head.
"""

from __future__ import annotations

import math
from array import array
from typing import Final

_RATE: Final = 8_000
_BEEP: Final = (1_000, 0.3, 8_000)
"""Hertz, seconds, loudness."""
_RING: Final = (450, 1.0, 4_000)
_BETWEEN_RINGS_SECONDS: Final = 4
_RINGS: Final = 24
"""Two minutes of them: nobody rings longer."""


def beep() -> bytes:
    """A short tone."""
    return _tone(*_BEEP)


def ringing() -> bytes:
    """The tone of a telephone that rings elsewhere (ITU-T E.180)."""
    return (_tone(*_RING) + bytes(2 * _RATE * _BETWEEN_RINGS_SECONDS)) * _RINGS


def _tone(hertz: int, seconds: float, loudness: int) -> bytes:
    steps = (2 * math.pi * hertz * number / _RATE for number in range(int(_RATE * seconds)))
    values = array("h", (round(loudness * math.sin(step)) for step in steps))
    return b"".join(value.to_bytes(2, "little", signed=True) for value in values)
