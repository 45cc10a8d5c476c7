"""Who holds which numbers. The oldest claim wins; what a change does to others is judged in order of age.

A single Number inside a range of its own namespace takes that number out of the range; any other
overlap refuses the younger object whole.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Iterator
from operator import attrgetter
from typing import Final

from trunkline.api import ObjectRef
from trunkline.compiler.lines import Line
from trunkline.compiler.sorted_keys import SortedKeys
from trunkline.compiler.tenants import Age

_AGE: Final = attrgetter("age")
_BUCKET: Final = 1000
"""Refused claims are found again by the thousands that they touch: at most 101 of a range."""


class Claims:
    """Permitted claims: those that hold, which do not overlap, and those that an older one stands against."""

    def __init__(self) -> None:
        self._singles: dict[int, Line] = {}
        self._single_keys = SortedKeys()
        self._ranges: dict[int, Line] = {}
        """By the first number."""
        self._range_keys = SortedKeys()
        self._refused: dict[int, dict[ObjectRef, Line]] = {}
        """By thousand."""
        self._counts: dict[str, int] = {}
        self.changed_counts: set[str] = set()
        """Trunks whose `count` may have changed since the owner last cleared it."""

    def count(self, trunk: str) -> int:
        """How many numbers lead to a trunk; one taken out of a range counts where it went."""
        return self._counts.get(trunk, 0)

    def holds(self, line: Line) -> bool:
        """True if the claim is accepted."""
        return (self._singles if line.is_single else self._ranges).get(line.low) is line

    def swap(self, before: Line, now: Line) -> None:
        """The object has changed, but not what it claims."""
        if self.holds(before):
            if before.trunk != now.trunk:
                self._add_to_counts(before, -1)
                self._add_to_counts(now, 1)
            (self._singles if now.is_single else self._ranges)[now.low] = now
        else:
            self._remove_refused(before)
            self._add_refused(now)

    def release(self, line: Line) -> list[Line]:
        """The claim is none any more. These may have their turn instead."""
        if not self.holds(line):
            self._remove_refused(line)
            return []
        self._release(line)
        return self._waiting(line)

    def settle(
        self, queue: Iterable[Line], judge: Callable[[Line], tuple[Line | None, list[Line]] | None]
    ) -> Iterator[tuple[Line, Line | None]]:
        """Judge these by `judge` (which calls `conflict`) and all whose verdict that may change.

        The oldest first. Gives each with the claim that stands against it, or None. What `judge` gives None
        for is no claim.
        """
        first = sorted(queue, key=_AGE, reverse=True)
        later: list[tuple[Age, Line]] = []
        queued = set(first)
        while first or later:
            # Nearly all there are come from `first`, which costs less than a heap.
            line = heapq.heappop(later)[1] if later and _is_next(later, first) else first.pop()
            found = judge(line)
            if self._refused:
                self._remove_refused(line)
            if found is None:
                continue
            against, displaced = found
            again: list[Line] = []
            if against is not None:
                self._add_refused(line)
            else:
                for other in displaced:
                    self._release(other)
                    again += [other, *self._waiting(other)]
                self.hold(line)
                if self._refused:
                    again += self._waiting(line)
            yield line, against
            for each in again:
                # Older ones are refused for the sake of others.
                if each not in queued and each.age > line.age:
                    queued.add(each)
                    heapq.heappush(later, (each.age, each))

    def conflict(self, line: Line) -> tuple[Line | None, list[Line]]:
        """The older claim that stands against this one; without one, the younger ones that must give way."""
        if self._is_free(line):
            return None, []
        age: Age | None = None
        younger: list[Line] = []
        for other in self._overlapping(line):
            if age is None:
                age = line.age
            if other.age < age:
                return other, []
            younger.append(other)
        return None, younger

    def is_unopposed(self, line: Line) -> bool:
        """True only if no other claim meets this one, be it accepted or refused: then ages do not matter."""
        return self._is_free(line) and not (self._refused and self._waiting(line))

    def _is_free(self, line: Line) -> bool:
        """True only if no other claim is accepted on any of these numbers, as of nearly all there is."""
        if line.is_single:
            other = self._singles.get(line.low)
            if other is not None and other is not line:
                return False
        elif self._singles and self._single_keys.count(line.low, line.high):
            return False
        if not self._ranges:
            return True
        start = self._range_keys.floor(line.high)
        return start is None or self._ranges[start].high < line.low

    def _overlapping(self, line: Line) -> Iterator[Line]:
        """Accepted claims that cannot stand beside this one.

        Single numbers in order, then ranges, the last one first.
        """
        low, high, namespace = line.low, line.high, line.ref.namespace
        if line.is_single:
            other = self._singles.get(low)
            if other is not None and other is not line:
                yield other
        else:
            for key in self._single_keys.between(low, high):
                if self._singles[key].ref.namespace != namespace:
                    yield self._singles[key]
        start = self._range_keys.floor(high)
        while start is not None:
            around = self._ranges[start]
            if around.high < low:
                return
            if around is not line and not (line.is_single and around.ref.namespace == namespace):
                yield around
            start = self._range_keys.floor(start - 1)

    def hold(self, line: Line) -> None:
        """Accept a claim that no accepted one overlaps with."""
        key = line.low
        if line.is_single:
            self._singles[key] = line
            self._single_keys.add(key)
        else:
            self._ranges[key] = line
            self._range_keys.add(key)
        self._add_to_counts(line, 1)

    def _release(self, line: Line) -> None:
        self._add_to_counts(line, -1)
        key = line.low
        if line.is_single:
            del self._singles[key]
            self._single_keys.remove(key)
        else:
            del self._ranges[key]
            self._range_keys.remove(key)

    def _add_to_counts(self, line: Line, sign: int) -> None:
        """`line` is among the accepted claims."""
        if line.is_single:
            self._add_to_count(line.trunk, sign)
            around = self._range_around(line.low) if self._ranges else None
            if around is not None:
                self._add_to_count(around.trunk, -sign)
        else:
            inside = self._single_keys.count(line.low, line.high) if self._singles else 0
            self._add_to_count(line.trunk, sign * (line.high - line.low + 1 - inside))

    def _range_around(self, key: int) -> Line | None:
        """The accepted range that a number is in."""
        start = self._range_keys.floor(key)
        found = None if start is None else self._ranges[start]
        return None if found is None or found.high < key else found

    def _add_to_count(self, trunk: str | None, numbers: int) -> None:
        if trunk is not None:
            count = self._counts.get(trunk, 0) + numbers
            if count:
                self._counts[trunk] = count
            else:
                self._counts.pop(trunk, None)
            self.changed_counts.add(trunk)

    def _waiting(self, line: Line) -> list[Line]:
        """Refused claims that overlap with this one."""
        low, high = line.low, line.high
        found: dict[ObjectRef, Line] = {}
        for bucket in _buckets(line):
            lines = self._refused.get(bucket, {}).values()
            found.update((each.ref, each) for each in lines if low <= each.high and each.low <= high)
        return list(found.values())

    def _add_refused(self, line: Line) -> None:
        for bucket in _buckets(line):
            self._refused.setdefault(bucket, {})[line.ref] = line

    def _remove_refused(self, line: Line) -> None:
        for bucket in _buckets(line):
            lines = self._refused.get(bucket)
            if lines is not None and lines.pop(line.ref, None) is not None and not lines:
                del self._refused[bucket]


def _buckets(line: Line) -> range:
    return range(line.low // _BUCKET, line.high // _BUCKET + 1)


def _is_next(later: list[tuple[Age, Line]], first: list[Line]) -> bool:
    """True if the oldest of `later` is older than the last of `first`."""
    return not first or later[0][0] < first[-1].age
