"""How long until the next look at a zone: soon after a fault, then less and less often."""

from __future__ import annotations

from typing import Final

FIRST_SECONDS: Final = 1.0
LONGEST_SECONDS: Final = 30.0


class Patience:
    """Grows with each look that found something wrong."""

    def __init__(self) -> None:
        self._next = FIRST_SECONDS
        self.seconds = LONGEST_SECONDS
        """Until the next look."""

    def learn(self, well: bool) -> None:
        """A look found all well, or not."""
        if well:
            self._next, self.seconds = FIRST_SECONDS, LONGEST_SECONDS
        else:
            self.seconds, self._next = self._next, min(self._next * 2, LONGEST_SECONDS)
