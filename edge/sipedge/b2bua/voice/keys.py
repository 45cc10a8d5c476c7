"""Keys by two ways: RTP's named events, and INFO requests, as older telephones tell them."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

_SIGNAL: Final = re.compile(r"^[ \t]*Signal[ \t]*=[ \t]*([0-9A-Da-d*#]{1,2})[ \t]*\r?$", re.M | re.I | re.A)
_KEYS: Final = frozenset("0123456789*#ABCD")
_NUMBERED: Final = {"10": "*", "11": "#", "12": "A", "13": "B", "14": "C", "15": "D"}
"""As RFC 4733 numbers them."""


def key_of_info(kind: str, body: str) -> str | None:
    """The key that an INFO request tells by its body, of this content type; None for any other. Total."""
    match kind.partition(";")[0].strip().lower():
        case "application/dtmf-relay":
            found = _SIGNAL.search(body)
            said = "" if found is None else found[1].upper()
        case "application/dtmf":
            said = body.strip().upper()
        case _:
            return None
    said = _NUMBERED.get(said, said)
    return said if said in _KEYS else None


class Keys:
    """Of one call. A telephone that tells each key both ways has pressed it once: the way of the first one is
    that of all."""

    def __init__(self, pressed: Callable[[str], None]) -> None:
        self._pressed = pressed
        self._by_info: bool | None = None

    def by_event(self, key: str) -> None:
        """One was heard in the sound."""
        self._take(key, by_info=False)

    def by_info(self, kind: str, body: str) -> None:
        """An INFO request has come."""
        key = key_of_info(kind, body)
        if key is not None:
            self._take(key, by_info=True)

    def _take(self, key: str, *, by_info: bool) -> None:
        if self._by_info is None:
            self._by_info = by_info
        if self._by_info is by_info:
            self._pressed(key)
