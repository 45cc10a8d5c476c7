"""What of the operator's own objects vanishes: it is made again at once, not at the next look.

Only that something vanished is told. What there should be is the plan's, so that own writes and removals end
in one look that finds nothing to do.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from sipedge.table.publication import TABLE_LABEL
from trunkline.kube.client import KubeClient
from trunkline.kube.paths import CHILDREN, SECRETS
from trunkline.kube.watch import Watch
from trunkline.plan.uninstall import SELECTOR

_SELECTED: Final = {"labelSelector": f"{SELECTOR},!{TABLE_LABEL}"}
"""Tables have a watch of their own."""


class Losses:
    """Counts what vanishes from the edge namespace."""

    def __init__(self, client: KubeClient, namespace: str, changed: Callable[[], None]) -> None:
        self._changed = changed
        self.count = 0
        self._watches = [
            Watch(client, kind, namespace, _Present(self._lost), _SELECTED, metadata_only=True)
            for kind in (*CHILDREN, SECRETS)
        ]

    async def run(self) -> None:
        """Until cancelled."""
        async with asyncio.TaskGroup() as group:
            for watch in self._watches:
                group.create_task(watch.run())

    def _lost(self) -> None:
        self.count += 1
        self._changed()


class _Present:
    """The names of one kind; the sink of its watch."""

    def __init__(self, lost: Callable[[], None]) -> None:
        self._lost = lost
        self._names: frozenset[str] = frozenset()

    def replace(self, objects: Sequence[Mapping[str, Any]]) -> None:
        """A new list also shows what vanished while nobody watched."""
        names = frozenset(each["metadata"]["name"] for each in objects)
        vanished = self._names - names
        self._names = names
        if vanished:
            self._lost()

    def change(self, found: Mapping[str, Any]) -> None:
        """Never a loss."""
        self._names |= {found["metadata"]["name"]}

    def remove(self, found: Mapping[str, Any]) -> None:
        """It may be there again already; the look will show."""
        self._names -= {found["metadata"]["name"]}
        self._lost()
