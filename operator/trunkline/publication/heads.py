"""Which parts the head of each edge names."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from sipedge.table.publication import group_of_part
from trunkline.publication.groups import Groups
from trunkline.publication.packer import Packer, PartKey

_Heads = Mapping[str, Mapping[str, PartKey]]
"""Edge to part name to part."""


class Heads:
    """Worked out again only when parts, edges or groups have come or gone: a change of rows is no reason."""

    def __init__(self) -> None:
        self._made_of: tuple[int, tuple[str, ...], Groups] | None = None
        self._heads: _Heads = {}

    def of(self, packer: Packer, edges: tuple[str, ...], groups: Groups) -> _Heads:
        """The heads of `edges`."""
        made_of = (packer.shape, edges, groups)
        if made_of != self._made_of:
            self._heads, self._made_of = _heads(packer, edges, groups.members()), made_of
        return self._heads


def _heads(parts: Iterable[PartKey], edges: Iterable[str], members: Mapping[str, frozenset[str]]) -> _Heads:
    shared: dict[str, dict[str, PartKey]] = {}
    own: dict[str, dict[str, PartKey]] = {}
    for part in sorted(parts):
        edge, name = part
        if edge:
            own.setdefault(edge, {})[name] = part
        else:
            shared.setdefault(group_of_part(name), {})[name] = part
    heads: dict[str, Mapping[str, PartKey]] = {}
    for edge in edges:
        named = {**own.get(edge, {}), **shared.get("", {})}
        for group, of_group in shared.items():
            if edge in members.get(group, ()):
                named |= of_group
        heads[edge] = dict(sorted(named.items()))
    return heads
