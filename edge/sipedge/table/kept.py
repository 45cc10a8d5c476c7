"""What a process has made of rows and keeps, for as long as those rows stay what they were.

Never by the number of a transaction or revision: numbers change all day, and trunks do not for that.
"""

from __future__ import annotations

from typing import Any, Final, Protocol

from sipedge.table.rows import Generation

MOST_KEPT: Final = 16_384
"""Values of one shelf; one more, and the next message begins anew."""
PLANNED: Final = (Generation.TRUNKS, Generation.CARRIERS)
"""Generations of rows that are few, and do not change all day."""
Shelf = dict[Any, Any]
"""What was made, by whatever it was made for. Who reads a shelf knows what it has put there."""


class Numbered(Protocol):
    """As much of a store as tells whether its rows have changed."""

    @property
    def state(self) -> bytes:
        """Equal while all generations of what was published have their numbers. Empty: nothing is known."""

    def generation(self, generation: Generation) -> int:
        """The generation's number: while it stays, so do its rows. 0: they may change at any time."""


class Kept:
    """One shelf for each set of generations. An empty one is always right, and only slower."""

    def __init__(self) -> None:
        self._shelves: dict[tuple[Generation, ...], tuple[tuple[int, ...], Shelf]] = {}
        self._state, self._planned = b"", Shelf()

    def plans(self, rows: Numbered) -> Shelf:
        """What was made of planned rows. Every message asks, and mostly nothing has changed."""
        state = rows.state
        if not state or state != self._state or len(self._planned) > MOST_KEPT:
            numbers = tuple(map(rows.generation, PLANNED))
            self._state, self._planned = b"" if 0 in numbers else state, self.shelf(PLANNED, numbers)
        return self._planned

    def shelf(self, generations: tuple[Generation, ...], numbers: tuple[int, ...]) -> Shelf:
        """What was made of rows of these generations while they had these numbers.

        0 is the number of rows that nothing is known of: what is made of them is not kept.
        """
        known, shelf = self._shelves.get(generations, ((), {}))
        if known != numbers or len(shelf) > MOST_KEPT:
            shelf = {}
            if 0 not in numbers:
                self._shelves[generations] = (numbers, shelf)
        return shelf
