"""How a trunk and an edge handle media, as their rows hold it. Words are those of the API."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class TrunkMediaRow:
    """Media of a trunk's calls, beside `TrunkRow.secure`."""

    codecs: tuple[str, ...] = ("PCMU", "PCMA")
    """In order of preference: `PCMU`, `PCMA`, `OPUS`, `G729`, `AMR-NB`."""
    symmetric: bool = False
    """S25: the PBX is sent media where its own comes from."""
    transcoding: bool = False
    """True: the relay transcodes where no codec is common."""
    recording: str = "DoNotRecord"
    """S8: `RecordFromRinging`, `RecordFromAnswer`, each also with `Dual` behind."""
    trim: bool = False
    """S10: silence is cut off recordings."""


USUAL_MEDIA: Final = TrunkMediaRow()
