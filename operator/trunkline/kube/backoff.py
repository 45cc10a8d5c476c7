"""How long to wait before the next try: growing, capped, spread, without end."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from sipedge.dice import DICE

LONGEST_SECONDS: Final = 5.0


@dataclass(frozen=True, slots=True)
class Backoffs:
    """An endless series of waits in seconds; each iteration begins anew."""

    first: float = 0.1
    longest: float = LONGEST_SECONDS

    def __iter__(self) -> Iterator[float]:
        wait = self.first
        while True:
            # Spread, so that many clients of a server that comes back do not come together.
            yield wait * DICE.uniform(0.5, 1.0)
            wait = min(wait * 2, self.longest)
