"""Which termination domains each edge serves: its certificate may have to name them."""

from __future__ import annotations

from sipedge.table import Section
from trunkline.compiler.delta import Delta


class Domains:
    """The sum of what deltas say of domains."""

    def __init__(self) -> None:
        self._accounts: dict[str, str | None] = {}
        """Domain to the account whose edges alone serve it; None = every edge does."""
        self._edges: dict[str, frozenset[str]] = {}
        """Account to its edges, where those are not all."""

    def take(self, delta: Delta) -> bool:
        """True if anything of it is news."""
        before = dict(self._accounts), dict(self._edges)
        for (section, key), change in delta.shared.items():
            if section is Section.DOMAIN:
                self._accounts.pop(key, None)
                if change.row is not None:
                    self._accounts[key] = change.account
        for account, edges in delta.account_edges.items():
            self._edges.pop(account, None)
            if edges is not None:
                self._edges[account] = edges
        return before != (self._accounts, self._edges)

    def of(self, edge: str) -> tuple[str, ...]:
        """Sorted."""
        return tuple(sorted(name for name, account in self._accounts.items() if self._serves(edge, account)))

    def _serves(self, edge: str, account: str | None) -> bool:
        edges = None if account is None else self._edges.get(account)
        return edges is None or edge in edges
