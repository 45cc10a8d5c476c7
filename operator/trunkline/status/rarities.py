"""What a book of statuses must remember of few objects only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from trunkline.api import ObjectRef
from trunkline.status.stored import digest_of

QUIET_SECONDS: Final = {"numberCount": 10.0, "addresses": 1.0}
"""A field that changes often: where nothing else has changed, it is written at most once in this time."""


@dataclass(slots=True)
class Rarities:
    """What must be remembered of few objects only."""

    odd: dict[ObjectRef, dict[str, tuple[bytes, bytes]]] = field(default_factory=dict)
    """Fields that the API server stores otherwise than written: digests of what was written, and of what it
    made of it. CRDs of another version may drop a field or set one."""
    counted: dict[ObjectRef, float] = field(default_factory=dict)
    """When one of `QUIET_SECONDS` was last written."""
    held: dict[ObjectRef, float] = field(default_factory=dict)
    """Of a status that was not stored, when to try again."""

    def wrote(self, ref: ObjectRef, patch: Mapping[str, Any], stored: Mapping[str, Any], now: float) -> None:
        """A patch was stored."""
        self.held.pop(ref, None)
        if patch.keys() & QUIET_SECONDS.keys():
            self.counted[ref] = now
        odd = self.odd.pop(ref, {})
        for name, value in patch.items():
            odd.pop(name, None)
            digests = digest_of(value), digest_of(stored.get(name))
            if digests[0] != digests[1]:
                odd[name] = digests
        if odd:
            self.odd[ref] = odd

    def forget(self, ref: ObjectRef) -> None:
        """The object is gone."""
        for each in (self.odd, self.counted, self.held):
            each.pop(ref, None)
