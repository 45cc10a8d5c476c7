"""How far the objects are of which rows had to wait: which sequence of which edge holds the last of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Final

from sipedge.contract import HIGHEST_SEQUENCE
from trunkline.api import ObjectRef

NOT_YET: Final = HIGHEST_SEQUENCE
"""In the place of a sequence while rows wait: no edge ever has it."""
_REMEMBERED: Final = 32
"""Publications after its last row's, in which it is still told which sequence held an object."""


class Objects:
    """Counts the rows of each object that wait."""

    def __init__(self) -> None:
        self._waiting: dict[ObjectRef, int] = {}
        self._group: dict[ObjectRef, str] = {}
        self._late: set[ObjectRef] = set()
        """Those that a publication has left waiting."""
        self._arriving: set[ObjectRef] = set()
        """Those of which the last row was chosen, and nobody has asked yet where it is."""
        self._arrived: dict[ObjectRef, tuple[int, Mapping[str, int]]] = {}
        """With the number of the publication; in their order."""
        self._publications = 0

    def waits(self, ref: ObjectRef | None, group: str) -> None:
        """A row of this object has begun to wait; it belongs to this group of edges."""
        if ref is not None:
            self._waiting[ref] = self._waiting.get(ref, 0) + 1
            self._group[ref] = group
            self._arrived.pop(ref, None)

    def goes(self, ref: ObjectRef | None) -> None:
        """A row of this object waits no more."""
        if ref is None:
            return
        self._waiting[ref] -= 1
        if not self._waiting[ref]:
            del self._waiting[ref]
            if ref in self._late:
                self._late.discard(ref)
                self._arriving.add(ref)
            elif ref not in self._arriving:
                del self._group[ref]

    def advanced(self) -> None:
        """A publication was chosen: what waits now is late."""
        self._late.update(self._waiting)

    def last_row(
        self, sequences: Mapping[str, int], members: Callable[[str], Iterable[str]]
    ) -> Mapping[ObjectRef, Mapping[str, int]]:
        """Object to edge to sequence, of those that had to wait. Called once after each publication.

        `members` tells the edges of a group; `sequences` has what the last publication has, or will have.
        """
        shared: dict[tuple[str, bool], Mapping[str, int]] = {}

        def of(ref: ObjectRef, is_there: bool) -> Mapping[str, int]:
            place = (self._group[ref], is_there)
            if place not in shared:
                edges = [edge for edge in members(place[0]) if edge in sequences]
                shared[place] = {edge: sequences[edge] if is_there else NOT_YET for edge in edges}
            return shared[place]

        for ref in self._arriving - self._waiting.keys():
            self._arrived.pop(ref, None)
            self._arrived[ref] = self._publications, of(ref, True)
            del self._group[ref]
        self._arriving.clear()
        self._publications += 1
        self._forget()
        arrived = {ref: sequences for ref, (_, sequences) in self._arrived.items()}
        return {**arrived, **{ref: of(ref, False) for ref in self._waiting}}

    def _forget(self) -> None:
        # Those of an hour in which something always waits would fill memory.
        while self._arrived:
            ref, (publication, _) = next(iter(self._arrived.items()))
            if self._publications - publication <= _REMEMBERED + 1:
                return
            del self._arrived[ref]
