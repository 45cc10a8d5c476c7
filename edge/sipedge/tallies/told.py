"""What a worker of Kamailio tells its agent: one part, as text."""

from __future__ import annotations

import re
from typing import Final

from sipedge.table.tally_names import tally_id
from sipedge.tallies.parts import HIGHEST_PART, Part, Span

_TOLD: Final = re.compile(rb"([0-9]{1,20}) ([0-9]{1,10}) ([0-9]{1,10}) (.{1,511})", re.DOTALL)


def told_text(name: str, value: int, second: int, stamp: int) -> bytes:
    """That this instance counts `value` of the tally `name`: in that second, or at all (0).

    `stamp`, in nanoseconds since the epoch, must have been taken before the value was read: then the part
    with the highest stamp is right, whoever's text comes first.
    """
    return f"{stamp} {second} {max(0, value)} {name}".encode("utf-8", "surrogatepass")


def told_part(data: bytes) -> tuple[Part, int] | None:
    """The part and its stamp; None for what is no such text. Total."""
    found = _TOLD.fullmatch(data)
    if found is None:
        return None
    stamp, second, value = (int(found[place]) for place in (1, 2, 3))
    try:
        name = found[4].decode("utf-8", "surrogatepass")
    except UnicodeDecodeError:
        return None
    if second > HIGHEST_PART:
        return None
    span = Span.SECOND if second else Span.NOW
    return Part(tally_id(name), min(value, HIGHEST_PART), span, second), stamp
