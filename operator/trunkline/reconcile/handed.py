"""Which deltas a publication has taken in: only then is it known which sequence holds their rows."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from typing import Generic

from trunkline.compiler.delta import Delta
from trunkline.reconcile.home import Note
from trunkline.reconcile.place import Publication


class Handed(Generic[Note]):
    """The deltas that a place was given, counted, each with a note of the home."""

    def __init__(self) -> None:
        self._untold: deque[tuple[int, Delta, Note]] = deque()
        self._covered = 0
        self.taken = 0
        """How many deltas the place has taken in so far."""
        self.publication = Publication()
        """The last one."""
        self.is_lost = False
        """The place knows no more what it was given."""

    def take(self, delta: Delta, note: Note) -> None:
        """The place has taken in one more."""
        self.taken += 1
        self._untold.append((self.taken, delta, note))

    def published(self, taken: int, publication: Publication) -> bool:
        """A publication ended, which began when so many were taken in. True if that is any news."""
        news = taken > self._covered or publication != self.publication
        self._covered, self.publication = taken, publication
        return news

    def untold(self) -> Iterator[tuple[Delta, Note]]:
        """Those that are covered now, oldest first. One is given again until the next was asked for."""
        while self._untold and self._untold[0][0] <= self._covered:
            yield self._untold[0][1:]
            self._untold.popleft()
