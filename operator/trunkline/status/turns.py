"""Which object is looked at next: each namespace in its turn, so that a storm in one delays no other."""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Iterator
from typing import Final

from trunkline.api import ObjectRef

NEVER: Final = float("inf")


class Turns:
    """A queue of objects. One that waits already keeps its place."""

    def __init__(self) -> None:
        # Dictionaries keep the order in which keys came.
        self._waiting: dict[str | None, dict[ObjectRef, None]] = {}
        self._order: deque[str | None] = deque()

    def __bool__(self) -> bool:
        return bool(self._waiting)

    def __contains__(self, ref: ObjectRef) -> bool:
        return ref in self._waiting.get(ref.namespace, ())

    def add(self, ref: ObjectRef) -> None:
        """To the end of its namespace's line. Objects without a namespace are a line of their own."""
        line = self._waiting.get(ref.namespace)
        if line is None:
            line = self._waiting[ref.namespace] = {}
            self._order.append(ref.namespace)
        line[ref] = None

    def take(self, most: int) -> Iterator[ObjectRef]:
        """Up to `most` objects, one of each namespace after another."""
        for _ in range(most):
            if not self._order:
                return
            namespace = self._order.popleft()
            line = self._waiting[namespace]
            ref = next(iter(line))
            del line[ref]
            if line:
                self._order.append(namespace)
            else:
                del self._waiting[namespace]
            yield ref


class Calendar:
    """Objects to be looked at later, by time. One with NEVER is not, until something happens to it."""

    def __init__(self) -> None:
        self._moments: dict[ObjectRef, float] = {}
        self._heap: list[tuple[float, ObjectRef]] = []

    def __contains__(self, ref: ObjectRef) -> bool:
        return ref in self._moments

    def enter(self, ref: ObjectRef, moment: float) -> None:
        """Look at `ref` from `moment` on, and not as said before."""
        self._moments[ref] = moment
        if moment != NEVER:
            heapq.heappush(self._heap, (moment, ref))

    def drop(self, ref: ObjectRef) -> None:
        """It is looked at now."""
        self._moments.pop(ref, None)

    @property
    def next(self) -> float | None:
        """The earliest moment; None = there is none."""
        while self._heap and self._moments.get(self._heap[0][1]) != self._heap[0][0]:
            heapq.heappop(self._heap)
        return self._heap[0][0] if self._heap else None

    def come(self, now: float) -> list[ObjectRef]:
        """Those whose moment has come."""
        found = []
        while (moment := self.next) is not None and moment <= now:
            ref = heapq.heappop(self._heap)[1]
            del self._moments[ref]
            found.append(ref)
        return found
