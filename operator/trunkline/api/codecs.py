"""Codecs, as Trunk and Carrier name them."""

from __future__ import annotations

from typing import Annotated, Final, Literal

from trunkline.api.fields import Items
from trunkline.api.rule import Rule

Codec = Literal["PCMU", "PCMA", "OPUS", "G729", "AMR-NB"]

_UNIQUE: Final = Rule(
    "self.all(codec, self.exists_one(other, other == codec))",
    "a codec is listed twice (list each codec once, in order of preference)",
    lambda codecs: len(set(codecs)) == len(codecs),
)
Codecs = Annotated[tuple[Codec, ...], Items(5, minimum=1, key=None, rules=(_UNIQUE,))]
"""One to five, in order of preference."""
DEFAULT_CODECS: Final = ("PCMU", "PCMA")
NOT_TRANSCODED: Final = "AMR-NB"
"""The one that no relay writes."""
