"""What happened to recordings since this recorder began."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field


@dataclass(slots=True)
class Counts:
    """Of one spool; names as in `RecorderState`."""

    events: Counter[str] = field(default_factory=Counter)
    seconds: Counter[str] = field(default_factory=Counter)

    def add(self, name: str) -> None:
        self.events[name] += 1

    def add_seconds(self, name: str, seconds: float) -> None:
        self.seconds[name] += seconds  # type: ignore[assignment] # a Counter adds up whatever is a number
