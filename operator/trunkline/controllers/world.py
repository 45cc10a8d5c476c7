"""What the operator sees: custom resources, Secrets, edge pods, and what is published.

It is watched as long as the process lives, also while another operator acts, so that taking over is quick.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from typing import Any

from sipedge.table.publication import TABLE_LABEL
from trunkline.controllers.edge_pods import EdgePods
from trunkline.controllers.losses import Losses
from trunkline.controllers.nodes import Nodes
from trunkline.controllers.published import PublishedSecrets
from trunkline.controllers.secrets import SecretWatches
from trunkline.controllers.store import Store
from trunkline.kube.client import KubeClient
from trunkline.kube.paths import SECRETS
from trunkline.kube.watch import Watch
from trunkline.settings import OperatorSettings


class World:
    """All watches, and the event that something of it has changed."""

    def __init__(self, client: KubeClient, settings: OperatorSettings) -> None:
        self.changed = asyncio.Event()
        self.store = Store()
        self._secret_revision = 0
        self._first_change: float | None = None
        readable = (settings.system_namespace, *settings.tenant_namespaces)
        self.secrets = SecretWatches(client, readable, self._secret_changed)
        self.pods = EdgePods(client, settings.edge_namespace, self.wake)
        self.nodes = Nodes(client, self.wake)
        self.losses = Losses(client, settings.edge_namespace, self.wake)
        self.published = PublishedSecrets(self.wake)
        self._published_watch = Watch(
            client, SECRETS, settings.edge_namespace, self.published, {"labelSelector": TABLE_LABEL}
        )

    async def run(self) -> None:
        """Until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self.secrets.run())
            group.create_task(self.pods.run())
            group.create_task(self.nodes.run())
            group.create_task(self.losses.run())
            group.create_task(self._published_watch.run())

    async def settle(self) -> None:
        """Return once every watch but Kopf's has told its first list."""
        await self.secrets.settle()
        await self.pods.settle()
        await self.nodes.settle()
        await self._published_watch.settled.wait()

    def wake(self) -> None:
        """Something has changed that a turn should look at."""
        self.changed.set()

    def noted(self, manifest: Mapping[str, Any], event: str | None = None) -> None:
        """A custom resource was seen, by a watch or in the answer to a write."""
        before = self.store.revision
        if self.store.note(event, manifest):
            if self.store.revision != before:
                self._date()
            self.wake()

    def revision(self) -> object:
        """Equal to an earlier one if there is nothing new to compile."""
        return (self._secret_revision, self.inputs())

    def inputs(self) -> object:
        """The same, without Secrets: most of them are named by nothing."""
        return (
            self.store.revision,
            self.secrets.refused(),
            self.pods.facts(),
            self.nodes.revision,
        )

    def take_first_change(self) -> float | None:
        """When the oldest change since the last call was seen, monotonic."""
        first, self._first_change = self._first_change, None
        return first

    def _secret_changed(self) -> None:
        self._secret_revision += 1
        self._date()
        self.wake()

    def _date(self) -> None:
        if self._first_change is None:
            self._first_change = time.monotonic()
