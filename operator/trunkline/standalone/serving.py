"""Which addresses DNS should name: those that serve, with some patience for the others."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from trunkline.plan.dns_records import serving_addresses
from trunkline.status.programmed import EdgeReport

GRACE_SECONDS: Final = 3.0
"""An address leaves DNS only when it has been down for so long: a restarted process is back before."""


class ServingAddresses:
    """Remembers when each address was last seen to serve, and which ones DNS was given."""

    def __init__(self) -> None:
        self._seen: dict[tuple[str, str], float] = {}
        self._named: dict[str, tuple[str, ...]] = {}

    def update(self, reports: Sequence[EdgeReport], now: float) -> bool:
        """Take note of `reports`. `now` is monotonic. True if `of` may answer otherwise than before."""
        before = frozenset(self._seen)
        for report in reports:
            for address in report.serving:
                self._seen[(report.edge, address.address)] = now
        self._seen = {place: seen for place, seen in self._seen.items() if now - seen <= GRACE_SECONDS}
        return frozenset(self._seen) != before

    def of(self, edge: str, addresses: Sequence[str]) -> tuple[str, ...]:
        """The addresses of an Edge that DNS should name now."""
        ready = [address for address in addresses if (edge, address) in self._seen]
        self._named[edge] = serving_addresses(addresses, ready, self._named.get(edge, ()))
        return self._named[edge]
