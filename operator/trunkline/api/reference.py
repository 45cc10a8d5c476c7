"""How an object is named."""

from __future__ import annotations

from dataclasses import dataclass
from functools import total_ordering


@total_ordering
@dataclass(frozen=True, slots=True)
class ObjectRef:
    """One object: its kind, its namespace (None for cluster kinds) and its name. Ordered by these."""

    kind: str
    namespace: str | None
    name: str

    @property
    def id(self) -> str:
        """`acme/hq`, or `ashburn` for a cluster kind."""
        return self.name if self.namespace is None else f"{self.namespace}/{self.name}"

    def __str__(self) -> str:
        return f"{self.kind} {self.id}"

    def __lt__(self, other: ObjectRef) -> bool:
        return self._order < other._order

    @property
    def _order(self) -> tuple[str, str, str]:
        return self.kind, self.namespace or "", self.name
