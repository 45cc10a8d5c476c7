"""What an instance counts, as text beside its acknowledgement: a Lease's annotation, or a file's field.

Others read it some seconds later: those that cannot hear the instance itself, other edges above all.
"""

from __future__ import annotations

import base64
import ipaddress
import re
from collections.abc import Iterable
from typing import Final

from sipedge.tallies.book import Neighbour
from sipedge.tallies.parts import PART_BYTES, Part, pack_parts, unpack_parts

MOST_RECORDED: Final = 600
"""Parts of one text, the largest ones first: it is read by every instance of the platform."""
LONGEST_TEXT: Final = 128 + MOST_RECORDED * PART_BYTES * 4 // 3
"""Characters."""
_TEXT: Final = re.compile(r"(\S{1,40}) ([0-9a-f.:]{2,45}) ([1-9][0-9]{0,4}) ([A-Za-z0-9+/]*={0,2})", re.ASCII)


def recorded_text(renewed: str, address: str, port: int, parts: Iterable[Part]) -> str:
    """The text of what is counted at the time `renewed`, and of where its instance hears others."""
    counted = (each for each in parts if each.value)
    largest = sorted(counted, key=lambda each: (-each.value, each.tally))[:MOST_RECORDED]
    return f"{renewed} {address} {port} {base64.b64encode(pack_parts(largest)).decode()}"


def neighbour_of(edge: str, name: str, text: str, renewed: str) -> Neighbour:
    """Who has written `text`. Total: what is not written as above, or at another time, counts as not said."""
    found = _TEXT.fullmatch(text) if len(text) <= LONGEST_TEXT else None
    if found is None or found[1] != renewed:
        return Neighbour(edge, name)
    try:
        ipaddress.ip_address(found[2])
        parts = unpack_parts(base64.b64decode(found[4], validate=True))
    except ValueError:
        parts = None
    return Neighbour(edge, name) if parts is None else Neighbour(edge, name, found[2], int(found[3]), parts)
