"""How an object is named."""

from __future__ import annotations

from typing import NamedTuple


class ObjectRef(NamedTuple):
    """One object: its kind, its namespace (None for cluster kinds) and its name. Ordered by these.

    A tuple, because a hundred thousand of them are looked up all the time.
    """

    kind: str
    namespace: str | None
    name: str

    @property
    def id(self) -> str:
        """`acme/hq`, or `ashburn` for a cluster kind."""
        return self.name if self.namespace is None else f"{self.namespace}/{self.name}"

    def __str__(self) -> str:
        return f"{self.kind} {self.id}"

    def __lt__(self, other: object) -> bool:
        return _order(self) < _order(other)

    def __le__(self, other: object) -> bool:
        return _order(self) <= _order(other)

    def __gt__(self, other: object) -> bool:
        return _order(self) > _order(other)

    def __ge__(self, other: object) -> bool:
        return _order(self) >= _order(other)


def _order(other: object) -> tuple[str, str, str]:
    if not isinstance(other, ObjectRef):
        raise TypeError("an ObjectRef is ordered among its like alone")
    return other.kind, other.namespace or "", other.name
