"""How many objects there are of each kind, and how many of them are refused or not ready."""

from __future__ import annotations

from collections import Counter
from enum import StrEnum

from trunkline.api.conditions import ConditionType
from trunkline.status.stored import StoredStatus


class Standing(StrEnum):
    """What an object counts as; a refused one is not ready either."""

    PRESENT = "present"
    REFUSED = "refused"
    """Its condition Accepted is False."""
    NOT_READY = "notReady"
    """Its condition Ready is not True: it may not have been looked at yet."""


class ObjectCounts:
    """Told of each change; costs the same for each, however many objects there are."""

    def __init__(self) -> None:
        self._counts: Counter[tuple[str, Standing]] = Counter()

    def change(self, kind: str, before: StoredStatus | None, now: StoredStatus | None) -> None:
        """An object of a kind has another status than before; None = it is not there."""
        for stored, number in ((before, -1), (now, 1)):
            for standing in _standings(stored) if stored is not None else ():
                self._counts[kind, standing] += number

    def of(self, kind: str, standing: Standing) -> int:
        """How many objects of a kind stand like this now."""
        return self._counts[kind, standing]


def _standings(stored: StoredStatus) -> tuple[Standing, ...]:
    accepted, ready = (stored.condition(each) for each in (ConditionType.ACCEPTED, ConditionType.READY))
    return (
        Standing.PRESENT,
        *([Standing.REFUSED] if accepted is not None and accepted.status == "False" else []),
        *([Standing.NOT_READY] if ready is None or ready.status != "True" else []),
    )
