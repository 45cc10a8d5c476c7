"""G.711: a byte is a sample of 8000 a second, by mu-law (PCMU, payload type 0) or A-law (PCMA, type 8)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

PCMU: Final = 0
PCMA: Final = 8
SAMPLES_PER_SECOND: Final = 8000


def _mu_law(byte: int) -> int:
    inverted = ~byte & 0xFF
    size = (((inverted & 0x0F) << 3) + 0x84 << (inverted >> 4 & 7)) - 0x84
    return -size if inverted & 0x80 else size


def _a_law(byte: int) -> int:
    toggled = byte ^ 0x55
    exponent, mantissa = toggled >> 4 & 7, (toggled & 0x0F) << 4
    size = mantissa + 8 if exponent == 0 else mantissa + 0x108 << exponent - 1
    return size if toggled & 0x80 else -size


_SAMPLES: Final = {
    PCMU: tuple(_mu_law(byte) for byte in range(256)),
    PCMA: tuple(_a_law(byte) for byte in range(256)),
}
LAWS: Final = frozenset(_SAMPLES)
"""The payload types that this module reads and writes."""


def decoded(payload: bytes, law: int) -> list[int]:
    """The samples of a payload, 16 bit. `law` is PCMU or PCMA; raises KeyError for another."""
    samples = _SAMPLES[law]
    return [samples[byte] for byte in payload]


def encoded(samples: Iterable[float], law: int) -> bytes:
    """The nearest bytes of these samples, 16 bit. Slow: for a few packets that are sent again and again."""
    table = _SAMPLES[law]
    return bytes(_nearest(sample, table) for sample in samples)


def _nearest(sample: float, table: Sequence[int]) -> int:
    return min(range(256), key=lambda byte: abs(table[byte] - sample))
