"""Which packets of a recorded session are whose: by the local port where the relay takes them. Pure.

    caller = leg_text(sdp_of_our_answer)   # "30000 0=PCMU/8000 101=telephone-event/8000"
    callee = leg_text(sdp_of_our_offer)

A party sends to the port, and with the payload types, of the description that it was given last.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from sipedge.values import quickly_made

LONGEST_LEG: Final = 255
"""Characters of a leg's text, which is a value of an event. What has no room is left out."""

_MEDIA: Final = re.compile(r"^m=audio ([0-9]{1,5})(?:/[0-9]+)? \S+((?: [0-9]{1,3})+)\s*$", re.M)
_RTPMAP: Final = re.compile(r"^a=rtpmap:([0-9]{1,3}) ([A-Za-z0-9_.-]{1,32}/[0-9]{1,6})", re.M)
_LEG: Final = re.compile(r"([0-9]{1,5})((?: [0-9]{1,3}=[A-Za-z0-9_.-]{1,32}/[0-9]{1,6})*)")
_STATIC: Final = {"0": "PCMU/8000", "8": "PCMA/8000", "18": "G729/8000"}
"""Payload types that need no rtpmap (RFC 3551)."""
_HIGHEST_PORT: Final = 65_535
_HIGHEST_PAYLOAD: Final = 127


@quickly_made
@dataclass(frozen=True)
class Leg:
    """What one party sends to the relay."""

    port: int
    """The local port of the relay."""
    payloads: Mapping[int, str] = field(default_factory=dict)
    """Payload type to `encoding/clock rate`, as in `a=rtpmap`."""

    def with_payloads_of(self, later: Leg) -> Leg:
        """The same leg after another description of it: what was agreed before may still be under way."""
        return Leg(self.port, {**self.payloads, **later.payloads})


def leg_text(sdp: str) -> str:
    """The leg of whom the relay gives this description; "" if there is no audio in it."""
    media = _MEDIA.search(sdp)
    if media is None or not 0 < int(media[1]) <= _HIGHEST_PORT:
        return ""
    named = _STATIC | dict(_RTPMAP.findall(sdp))
    text = media[1]
    for payload in media[2].split():
        longer = f"{text} {payload}={named[payload]}" if payload in named else text
        if len(longer) <= LONGEST_LEG:
            text = longer
    return text


def leg_of(text: object) -> Leg | None:
    """The leg that `leg_text` has put into words; None for anything else."""
    found = _LEG.fullmatch(text) if isinstance(text, str) else None
    if found is None or not 0 < int(found[1]) <= _HIGHEST_PORT:
        return None
    pairs = (pair.split("=") for pair in found[2].split())
    return Leg(int(found[1]), {int(p): name for p, name in pairs if int(p) <= _HIGHEST_PAYLOAD})
