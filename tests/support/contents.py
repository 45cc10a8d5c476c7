"""The specs that a store has decoded, collected as a compiler of everything at once wants them."""

from __future__ import annotations

from trunkline.api import AnyResource, InvalidObject, ObjectRef
from trunkline.controllers.store import Store


class Contents:
    """Remembers what a store hands out once."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._known: dict[ObjectRef, AnyResource | InvalidObject] = {}

    def all(self) -> tuple[list[AnyResource], list[InvalidObject]]:
        """The objects to serve, and those that cannot be."""
        for ref, content in self._store.take_contents().items():
            if content is None:
                self._known.pop(ref, None)
            else:
                self._known[ref] = content
        bad = [each for each in self._known.values() if isinstance(each, InvalidObject)]
        return [each for each in self._known.values() if not isinstance(each, InvalidObject)], bad
