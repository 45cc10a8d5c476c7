"""Of which call a captured message is: its Call-ID is on the message, its CallSid in the call's first event.

That event comes after the first messages. So messages wait for it a while, in their order, within bounds.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from sipedge.capture.frame import Captured

WAIT_SECONDS: Final = 1.5
"""Longer than an event takes from a call to the agent."""
MOST_WAITING: Final = 10_000
MOST_WAITING_BYTES: Final = 16 << 20
MOST_CALLS: Final = 50_000
"""Calls that are remembered, the latest ones."""


@dataclass(slots=True)
class Correlation:
    """Messages that wait, and the calls that are known."""

    _sids: OrderedDict[str, str] = field(default_factory=OrderedDict)
    _waiting: deque[tuple[float, str, Captured]] = field(default_factory=deque)
    _bytes: int = 0

    def know(self, call_id: str, call_sid: str) -> None:
        """This call has begun. A Call-ID that comes again means the later call."""
        self._sids[call_id] = call_sid
        self._sids.move_to_end(call_id)
        while len(self._sids) > MOST_CALLS:
            self._sids.popitem(last=False)

    def add(self, call_id: str, captured: Captured, now: float) -> None:
        """A message was captured at `now`."""
        self._waiting.append((now + WAIT_SECONDS, call_id, captured))
        self._bytes += len(captured.message)

    def due(self, now: float) -> Iterator[tuple[Captured, str]]:
        """The messages that need not wait any longer, each with its CallSid or ""."""
        while self._waiting:
            until, call_id, captured = self._waiting[0]
            sid = self._sids.get(call_id, "")
            is_full = len(self._waiting) > MOST_WAITING or self._bytes > MOST_WAITING_BYTES
            if not (sid or until <= now or is_full):
                return
            self._waiting.popleft()
            self._bytes -= len(captured.message)
            yield captured, sid
