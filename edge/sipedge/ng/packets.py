"""Packets of rtpengine's ng protocol: a cookie, a blank, and an object of JSON. Pure and total.

ng knows bencode as well. Of that Python has no reader in C: to read what rtpengine tells of one call took
more of Python's instructions than to set two calls up.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Final

from sipedge.values import json_writer

Value = int | str | Sequence["Value"] | Mapping[str, "Value"]
"""What can be written: texts travel as UTF-8. rtpengine takes no `bool`."""
Read = int | float | str | list["Read"] | dict[str, "Read"] | None
"""What can be read. Bytes that are no UTF-8 become U+FFFD."""

_to_json: Final = json_writer(ascii_only=False)


def packet_of(cookie: bytes, command: Mapping[str, Value]) -> bytes:
    """The packet of a command; `cookie` ends in a blank."""
    return cookie + _to_json(command).encode("utf-8", "replace")


def read_answer(packet: bytes, cookie: bytes) -> dict[str, Read] | None:
    """The answer in a packet; None if it answers something else, or is no answer at all."""
    if not packet.startswith(cookie):
        return None
    try:
        answer = json.loads(str(packet[len(cookie) :], "utf-8", "replace"))
    except (ValueError, RecursionError):
        return None
    return answer if isinstance(answer, dict) else None
