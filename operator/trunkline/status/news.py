"""Which turns of `Ready` are worth an Event: what falls, what is well again, and little of what only begins.

The first apply of a tenant names objects before they are there: hundreds are not ready for a moment. Each
namespace has a store of Events, filled again slowly; who falls has one of its own, so that a start of many
objects hides no fall.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from trunkline.api import ObjectRef
from trunkline.status.conditions import Condition
from trunkline.status.reasons import StatusReason

News = Literal["Warning", "Normal"]
"""The types of an Event."""


@dataclass(frozen=True, slots=True)
class Allowance:
    """How many Events there may be in a namespace."""

    most: int
    """At once."""
    seconds: float
    """After this time there may be one more."""


FALLS: Final = Allowance(100, 1.0)
"""For objects that were ready and are not any more."""
REST: Final = Allowance(10, 30.0)
"""For all else: a first word about an object that is not ready, and a recovery."""


class NewsDesk:
    """Remembers what was told."""

    def __init__(self) -> None:
        self._told_bad: set[ObjectRef] = set()
        self._left: dict[tuple[Allowance, str | None], tuple[float, float]] = {}
        """Events that are left, and when that was counted."""

    def news(
        self, ref: ObjectRef, before: Condition | None, ready: Condition | None, now: float
    ) -> News | None:
        """What Event the change of `Ready` is worth, if any; `now` is monotonic."""
        if ready is None or ready.status == "Unknown":
            return None
        was = _word(before)
        if ready.status == "True":
            was_bad = ref in self._told_bad or was == "False"
            self._told_bad.discard(ref)
            return "Normal" if was_bad and self._may(REST, ref, now) else None
        # That no edge serves is nothing of this object: the Edges tell it, once each.
        is_told = ref in self._told_bad or was == "False"
        if ready.reason == StatusReason.NO_EDGE_PODS or is_told:
            return None
        if not self._may(FALLS if was == "True" else REST, ref, now):
            return None
        self._told_bad.add(ref)
        return "Warning"

    def forget(self, ref: ObjectRef) -> None:
        """The object is gone."""
        self._told_bad.discard(ref)

    def _may(self, allowance: Allowance, ref: ObjectRef, now: float) -> bool:
        key = (allowance, ref.namespace)
        left, since = self._left.get(key, (float(allowance.most), now))
        left = min(float(allowance.most), left + (now - since) / allowance.seconds)
        self._left[key] = (left - 1.0 if left >= 1.0 else left, now)
        return left >= 1.0


def _word(before: Condition | None) -> str:
    """`True`, `False`, or "" if nothing of this object had been said."""
    if before is None or before.status == "Unknown" or before.reason == StatusReason.NO_EDGE_PODS:
        return ""
    return before.status
