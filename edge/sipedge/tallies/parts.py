"""The parts of which a tally is the sum, and their bytes."""

from __future__ import annotations

import struct
from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

from sipedge.table.tally_names import ID_BYTES

HIGHEST_PART: Final = 2**32 - 1
"""Of a value; one that is higher is told as this."""
DAY_SECONDS: Final = 86_400
_ENTRY: Final = struct.Struct(f">{ID_BYTES}sBII")
PART_BYTES: Final = _ENTRY.size


class Span(IntEnum):
    """For how long a part counts."""

    NOW = 0
    """While whoever told it is there: calls in progress."""
    SECOND = 1
    """In one second: new calls."""
    DAY = 2
    """Until the day is over (UTC), be its teller gone or not; it only grows: minutes."""


@dataclass(frozen=True, slots=True)
class Part:
    """What one instance counts of a tally."""

    tally: bytes
    """`tally_id` of its name."""
    value: int
    span: Span = Span.NOW
    period: int = 0
    """Which second or day, counted since the epoch; 0 for NOW."""

    @property
    def place(self) -> tuple[bytes, Span]:
        """What newer parts of the same instance take the place of."""
        return self.tally, self.span


def pack_parts(parts: Iterable[Part]) -> bytes:
    """The parts, one after the other, each of PART_BYTES."""
    return b"".join(
        _ENTRY.pack(each.tally, each.span, each.period, min(max(each.value, 0), HIGHEST_PART))
        for each in parts
    )


def unpack_parts(data: bytes) -> tuple[Part, ...] | None:
    """The parts of `pack_parts`; None for any other bytes. Total."""
    if len(data) % PART_BYTES:
        return None
    try:
        return tuple(
            Part(tally, value, Span(span), period) for tally, span, period, value in _ENTRY.iter_unpack(data)
        )
    except ValueError:
        return None
