"""What the objects of a kind say, as last seen: by a list, a watch, or the answer to an own write.

An API server's answers may come in any order, so resource versions decide which one is the newest.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Final, Generic, TypeVar

from sipedge.fault import describe_fault
from trunkline.kube.client import Manifest

log = logging.getLogger(__name__)

_MOST_GONE: Final = 1000
"""So many objects that are gone are remembered, lest an older event bring one back."""

Key = TypeVar("Key", bound=Hashable)
Said = TypeVar("Said")


class Mirror(Generic[Key, Said]):
    """The sink of a watch. What says the same as before wakes nobody."""

    def __init__(
        self,
        key: Callable[[Manifest], Key | None],
        parse: Callable[[Manifest], Said | None],
        changed: Callable[[], None],
    ) -> None:
        """`key` gives None for an object that is nobody's, `parse` for one that counts as not there.

        `parse` may raise: that costs its own object only, never the watch.
        """
        self._key, self._parse, self._changed = key, parse, changed
        self._said: dict[Key, Said] = {}
        self._versions: dict[Key, int] = {}
        self._gone: dict[Key, int] = {}
        self.revision = 0
        """Rises whenever an object says something else than before."""

    @property
    def known(self) -> Mapping[Key, Said]:
        """What every object says."""
        return self._said

    def replace(self, objects: Sequence[Manifest]) -> None:
        """These are all objects now."""
        before, self._said, self._versions, self._gone = self._said, {}, {}, {}
        for found in objects:
            if (key := self._key(found)) is not None:
                self._take(key, found)
        if self._said != before:
            self._tell()

    def change(self, found: Manifest) -> None:
        """An object is new or has changed; the echo of an own write says nothing new."""
        key = self._key(found)
        if key is not None and _version(found) > self._newest(key) and self._take(key, found):
            self._tell()

    def remove(self, found: Manifest) -> None:
        """An object is gone; this is its last state."""
        key = self._key(found)
        if key is not None and _version(found) >= self._newest(key):
            self._versions.pop(key, None)
            self._gone[key] = _version(found)
            if len(self._gone) > _MOST_GONE:
                del self._gone[next(iter(self._gone))]
            if self._said.pop(key, None) is not None:
                self._tell()

    def wrote(self, found: Manifest) -> None:
        """The answer to an own write. Wakes nobody: who writes knows."""
        key = self._key(found)
        if key is not None and _version(found) >= self._newest(key):
            self.revision += self._take(key, found)

    def _newest(self, key: Key) -> int:
        return max(self._versions.get(key, 0), self._gone.get(key, 0))

    def _take(self, key: Key, found: Manifest) -> bool:
        """True if it says something else than before."""
        self._versions[key] = _version(found)
        before = self._said.pop(key, None)
        try:
            said = self._parse(found)
        except Exception as error:
            log.error("%s is left out: %s", found["metadata"]["name"], describe_fault(error))
            said = None
        if said is not None:
            self._said[key] = said
        return said != before

    def _tell(self) -> None:
        self.revision += 1
        self._changed()


def by_name(found: Manifest) -> str:
    """The key of an object in a mirror of one namespace, or of a cluster kind."""
    return str(found["metadata"]["name"])


def by_namespace(found: Manifest) -> tuple[str, str]:
    """The key of an object in a mirror of several namespaces."""
    return str(found["metadata"]["namespace"]), str(found["metadata"]["name"])


def _version(found: Manifest) -> int:
    return int(found["metadata"]["resourceVersion"])
