"""Who has which termination domain: of those who may, the oldest."""

from __future__ import annotations

import bisect
from collections.abc import Hashable

from trunkline.api import ObjectRef
from trunkline.compiler.questions import Index, View
from trunkline.compiler.strata import Turn
from trunkline.compiler.tenants import Age
from trunkline.compiler.trunks import Claimant


class DomainStratum:
    """Claims that overlap are those to the same domain."""

    kinds: frozenset[str] = frozenset()
    asks = frozenset({Index.CLAIMS})

    def __init__(self, view: View) -> None:
        self._view = view
        self._claims: dict[Hashable, tuple[str, Claimant]] = {}
        """By trunk."""
        self._claimants: dict[str, list[tuple[Age, ObjectRef]]] = {}
        """By domain, the oldest first."""

    def update(self, turn: Turn) -> None:
        touched: set[str] = set()
        for trunk in turn.answers.changed_keys(Index.CLAIMS):
            before, now = self._claims.pop(trunk, None), self._view.claim(trunk)
            if before is not None:
                domain, claimant = before
                self._claimants[domain].remove((claimant.age, claimant.ref))
                touched.add(domain)
            if now is not None:
                domain, claimant = self._claims[trunk] = now
                bisect.insort(self._claimants.setdefault(domain, []), (claimant.age, claimant.ref))
                touched.add(domain)
        for domain in touched:
            claimants = self._claimants[domain]
            holder = self._claims[claimants[0][1]][1] if claimants else None
            turn.answers.put((Index.DOMAIN, domain), holder)
            if not claimants:
                del self._claimants[domain]
