"""How long to wait before the next try: growing, capped, spread, without end."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

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
            yield wait * random.uniform(0.5, 1.0)  # noqa: S311 - no secret is made of it
            wait = min(wait * 2, self.longest)
