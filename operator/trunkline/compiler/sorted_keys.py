"""Sorted whole numbers, of which one may be added or removed at little cost however many there are."""

from __future__ import annotations

import bisect
from collections.abc import Iterator
from typing import Final

_LONGEST: Final = 1024
"""A list of this length is cut in two."""


class SortedKeys:
    """A set of whole numbers in order: lists of bounded length, and the first number of each."""

    def __init__(self) -> None:
        self._lists: list[list[int]] = []
        self._firsts: list[int] = []

    def add(self, key: int) -> None:
        """`key` must not be there."""
        if not self._lists:
            self._lists, self._firsts = [[key]], [key]
            return
        place = self._place(key)
        keys = self._lists[place]
        bisect.insort(keys, key)
        if keys[0] == key:
            self._firsts[place] = key
        if len(keys) > _LONGEST:
            half = len(keys) // 2
            self._lists[place : place + 1] = [keys[:half], keys[half:]]
            self._firsts[place : place + 1] = [keys[0], keys[half]]

    def remove(self, key: int) -> None:
        """`key` must be there."""
        place = self._place(key)
        keys = self._lists[place]
        del keys[bisect.bisect_left(keys, key)]
        if not keys:
            del self._lists[place], self._firsts[place]
        else:
            self._firsts[place] = keys[0]

    def floor(self, key: int) -> int | None:
        """The greatest not above `key`."""
        if not self._firsts or key < self._firsts[0]:
            return None
        keys = self._lists[self._place(key)]
        return keys[bisect.bisect_right(keys, key) - 1]

    def between(self, low: int, high: int) -> Iterator[int]:
        """Those from `low` to `high`, both included, in order; nothing may be changed meanwhile."""
        for place in range(self._place(low), len(self._lists)):
            keys = self._lists[place]
            if keys[0] > high:
                return
            start, end = bisect.bisect_left(keys, low), bisect.bisect_right(keys, high)
            yield from keys[start:end]

    def count(self, low: int, high: int) -> int:
        """How many there are from `low` to `high`, both included."""
        total = 0
        for place in range(self._place(low), len(self._lists)):
            keys = self._lists[place]
            if keys[0] > high:
                break
            if low <= keys[0] and keys[-1] <= high:
                total += len(keys)
            else:
                total += bisect.bisect_right(keys, high) - bisect.bisect_left(keys, low)
        return total

    def _place(self, key: int) -> int:
        """Which list `key` is in, or belongs to."""
        return max(bisect.bisect_right(self._firsts, key) - 1, 0)
