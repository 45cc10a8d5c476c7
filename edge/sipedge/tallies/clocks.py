"""Whose clock differs: told apart from old messages that somebody sends once more. Pure."""

from __future__ import annotations

from typing import Final

from sipedge.tallies.messages import Skewed

MOST_SENDERS: Final = 256


class ClockWatch:
    """Counts messages that say that two clocks differ."""

    def __init__(self) -> None:
        self._newest: dict[tuple[str, str], int] = {}
        self.seen = 0
        """Messages of a wrong time, each once: one that was recorded tells nothing the second time."""

    def note(self, message: Skewed) -> None:
        """Its seal is right, and its time is not. Who speaks himself says a later time with each message."""
        sender = message.edge, message.sender
        newest = self._newest.get(sender)
        if newest is None and len(self._newest) >= MOST_SENDERS:
            return
        if newest is None or message.sent > newest:
            self._newest[sender] = message.sent
            self.seen += 1
