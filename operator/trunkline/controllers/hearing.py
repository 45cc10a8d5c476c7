"""Whether a watch tells what lists show. Time is an argument: seconds of one clock."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from trunkline.api import ObjectRef

DEAF_SECONDS: Final = 90.0
"""A watch that owes something, and has told nothing for so long, is deaf."""
LOST_SECONDS: Final = 900.0
"""What a watch has not told for so long it has lost, whatever else it tells."""


class Hearing:
    """Of one kind's watch: what lists have shown, and the watch owes.

    A list shows what is newest, so beside a stream of changes there is always something that a watch has not
    told yet. And a watch that begins anew tells all that is known before it comes to what is not: on a slow
    machine that takes minutes. One that tells anything is slow, not deaf: a new start would make it slower.
    """

    def __init__(self) -> None:
        self._owed: dict[ObjectRef, tuple[int, float]] = {}
        """Object -> the version that a list showed, and when. The oldest first."""
        self._told = 0
        """How much the watch has told since the last look."""
        self._alive = 0.0
        """At which look the watch had told something last."""

    def hear(self) -> None:
        """The watch has told something, be it known."""
        self._told += 1

    def look(
        self, listed: Mapping[ObjectRef, int], knows: Callable[[ObjectRef, int], bool], now: float
    ) -> None:
        """A list has shown these versions; `knows` says whether one, or a newer one, was told."""
        paid = [ref for ref, (version, _) in self._owed.items() if ref not in listed or knows(ref, version)]
        for ref in paid:
            del self._owed[ref]
        if self._told:
            self._told, self._alive = 0, now
        for ref, version in listed.items():
            if ref not in self._owed and not knows(ref, version):
                self._owed[ref] = version, now

    def forget(self) -> None:
        """Nothing can be said of the watch: there is no list."""
        self._owed.clear()

    @property
    def oldest(self) -> ObjectRef | None:
        """What has been owed for longest; None = nothing is owed."""
        return next(iter(self._owed), None)

    def owed_seconds(self, now: float) -> float:
        """For how long that has been owed; 0 = nothing is."""
        return now - next(iter(self._owed.values()))[1] if self._owed else 0.0

    def is_deaf(self, now: float) -> bool:
        owed = self.owed_seconds(now)
        return owed >= LOST_SECONDS or min(owed, now - self._alive) >= DEAF_SECONDS
