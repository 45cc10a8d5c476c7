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
        self._new: list[int] = []
        """Added, and not yet put in order: many at once cost less than one by one."""

    def add(self, key: int) -> None:
        """`key` must not be there."""
        last = self._lists[-1] if self._lists else None
        if last is not None and last[-1] < key and len(last) < _LONGEST:
            last.append(key)
            return
        self._new.append(key)
        if len(self._new) > _LONGEST:
            self._put_in_order()

    def remove(self, key: int) -> None:
        """`key` must be there."""
        if self._new:
            self._put_in_order()
        place = self._place(key)
        keys = self._lists[place]
        del keys[bisect.bisect_left(keys, key)]
        if not keys:
            del self._lists[place], self._firsts[place]
        else:
            self._firsts[place] = keys[0]

    def floor(self, key: int) -> int | None:
        """The greatest not above `key`."""
        if self._new:
            self._put_in_order()
        if not self._firsts or key < self._firsts[0]:
            return None
        keys = self._lists[-1]
        if keys[-1] <= key:
            return keys[-1]
        keys = self._lists[self._place(key)]
        return keys[bisect.bisect_right(keys, key) - 1]

    def between(self, low: int, high: int) -> Iterator[int]:
        """Those from `low` to `high`, both included, in order; nothing may be changed meanwhile."""
        if self._new:
            self._put_in_order()
        for place in range(self._place(low), len(self._lists)):
            keys = self._lists[place]
            if keys[0] > high:
                return
            start, end = bisect.bisect_left(keys, low), bisect.bisect_right(keys, high)
            yield from keys[start:end]

    def count(self, low: int, high: int) -> int:
        """How many there are from `low` to `high`, both included."""
        if self._new:
            self._put_in_order()
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

    def _put_in_order(self) -> None:
        new, self._new = sorted(self._new), []
        begun = 0
        while begun < len(new):
            place = self._place(new[begun])
            # The next list's first number ends what belongs into this one.
            later = self._firsts[place + 1 : place + 2]
            end = bisect.bisect_left(new, later[0], begun) if later else len(new)
            self._merge(place, new[begun:end])
            begun = end

    def _merge(self, place: int, new: list[int]) -> None:
        """Put these, in order, into the list at `place`."""
        keys = self._lists[place] if self._lists else []
        if len(new) == 1:
            bisect.insort(keys, new[0])
        else:
            keys = sorted([*keys, *new])
        size = len(keys) if len(keys) <= _LONGEST else _LONGEST // 2
        parts = [keys[start : start + size] for start in range(0, len(keys), size)]
        self._lists[place : place + 1] = parts
        self._firsts[place : place + 1] = [part[0] for part in parts]

    def _place(self, key: int) -> int:
        """Which list `key` is in, or belongs to."""
        return max(bisect.bisect_right(self._firsts, key) - 1, 0)
