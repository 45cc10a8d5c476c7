"""What of the operator's own objects vanishes: it is made again at once, not at the next look.

Only that something vanished is told. What there should be is the plan's, so that own writes and removals end
in one look that finds nothing to do.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

from sipedge.table.publication import TABLE_LABEL
from trunkline.kube.client import KubeClient
from trunkline.kube.mirror import Mirror, by_name
from trunkline.kube.paths import CHILDREN, SECRETS, Kind
from trunkline.kube.watch import Watch
from trunkline.plan.uninstall import SELECTOR

_SELECTED: Final = {"labelSelector": f"{SELECTOR},!{TABLE_LABEL}"}
"""Tables have a watch of their own."""


class Losses:
    """Counts what vanishes from the edge namespace."""

    def __init__(self, client: KubeClient, namespace: str, changed: Callable[[], None]) -> None:
        self._changed = changed
        self.count = 0
        self._mirrors = {kind: Mirror(by_name, lambda _: True, self._look) for kind in (*CHILDREN, SECRETS)}
        self._watches = [
            Watch(client, kind, namespace, mirror, _SELECTED, metadata_only=True)
            for kind, mirror in self._mirrors.items()
        ]
        self._names: frozenset[tuple[Kind, str]] = frozenset()

    async def run(self) -> None:
        """Until cancelled."""
        async with asyncio.TaskGroup() as group:
            for watch in self._watches:
                group.create_task(watch.run())

    def doubt(self) -> None:
        """Something may have vanished while nobody looked."""
        self.count += 1
        self._changed()

    def _look(self) -> None:
        """What is not there any more may be made again already; the next look at it will show."""
        before = self._names
        self._names = frozenset(
            (kind, name) for kind, mirror in self._mirrors.items() for name in mirror.known
        )
        if before - self._names:
            self.count += 1
            self._changed()
