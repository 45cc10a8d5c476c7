"""Groups of edges: whose rows no other edge holds. Pure.

The rows of an account that only some edges serve are in parts of the group of these edges. Edges whose pods
do not read such parts yet hold them as before, in the parts of all edges, and the Account says so.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from sipedge.table import SCHEMA
from sipedge.table.publication import group_name
from trunkline.api import ObjectRef
from trunkline.status.conditions import Opinion
from trunkline.status.reasons import StatusReason

GROUPS_SCHEMA: Final = 2
"""The first schema whose tables may have parts of groups."""


@dataclass(frozen=True, slots=True)
class Groups:
    """Which edges serve which accounts, and what their pods read."""

    account_edges: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """Account id to the edges that serve it, for accounts that not all edges serve."""
    schemas: Mapping[str, int] = field(default_factory=dict)
    """Edge to the schema in which its table is written; the newest for one that is not here."""

    def of(self, account: str | None) -> str:
        """The group that the rows of an account belong to; "" = all edges."""
        edges = None if account is None else self.account_edges.get(account)
        return "" if edges is None or self.too_old(edges) else group_name(edges)

    def members(self) -> Mapping[str, frozenset[str]]:
        """Group to its edges."""
        return {group_name(edges): edges for edges in self.account_edges.values()}

    def too_old(self, edges: Iterable[str]) -> tuple[str, ...]:
        """Those of `edges` that do not read parts of groups."""
        return tuple(sorted(edge for edge in edges if self.schemas.get(edge, SCHEMA) < GROUPS_SCHEMA))

    def held_by_all(self) -> Mapping[str, tuple[str, ...]]:
        """Account to the edges that are too old for it: every edge holds its rows as long as they are."""
        old = {account: self.too_old(edges) for account, edges in self.account_edges.items()}
        return {account: edges for account, edges in old.items() if edges}


def edge_too_old(held_by_all: Mapping[str, tuple[str, ...]]) -> Mapping[ObjectRef, tuple[Opinion, ...]]:
    """The warning on each Account whose rows every edge still holds."""
    return {
        ObjectRef("Account", None, account): (
            Opinion(
                "FeatureUnavailable",
                "True",
                StatusReason.EDGE_TOO_OLD,
                f"spec.edges: pods of Edge {', '.join(edges)} are of a version that cannot hold an account's "
                "rows apart, so every Edge holds them: it ends by itself when these pods are replaced",
            ),
        )
        for account, edges in held_by_all.items()
    }
