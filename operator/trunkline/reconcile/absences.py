"""Which addresses of edges have not served for a while. Pure: times are given.

An edge hands calls over to others (S55) at addresses of its table. One that is replaced or busy for a moment
changes no table: a call finds that out by itself, and tables that change make work for every edge.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from trunkline.status.programmed import EdgeReport

ABSENT_SECONDS: Final = 10.0


class Absences:
    """Until when each address that is not ready counts as served; told the reports of all edges each turn."""

    def __init__(self) -> None:
        self._until: dict[str, float] = {}

    def look(self, reports: Iterable[EdgeReport], now: float) -> frozenset[str]:
        """The addresses that have not been ready for `ABSENT_SECONDS`. `now` in seconds, never backwards."""
        unready = {
            each.address for report in reports for each in report.addresses if each.address and not each.ready
        }
        self._until = {address: self._until.get(address, now + ABSENT_SECONDS) for address in unready}
        return frozenset(address for address, until in self._until.items() if now >= until)

    def due(self, now: float) -> float | None:
        """Seconds until `look` may say something new by itself; None = never."""
        return min((until - now for until in self._until.values() if now < until), default=None)
