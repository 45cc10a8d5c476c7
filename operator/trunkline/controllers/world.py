"""What the operator sees: custom resources, Secrets, edge pods, and what is published.

It is watched as long as the process lives, also while another operator acts, so that taking over is quick.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from typing import Any

from sipedge.table.publication import TABLE_LABEL
from trunkline.controllers.agent_ports import AgentPorts
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
    """All watches; whoever listens is told when something of it has changed."""

    def __init__(self, client: KubeClient, settings: OperatorSettings) -> None:
        self._listener: Callable[[], None] = lambda: None
        self.store = Store()
        self.secret_revision = 0
        """Rises with each change of a Secret."""
        self._first_change: float | None = None
        readable = (settings.system_namespace, *settings.tenant_namespaces)
        self.secrets = SecretWatches(client, readable, self._secret_changed)
        self.pods = EdgePods(client, settings.edge_namespace, self.wake)
        self.agent_ports = AgentPorts(self.store, self.pods.agent_ports)
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
        self._listener()

    def listen(self, wake: Callable[[], None]) -> None:
        """`wake` is called from now on, and nobody else."""
        self._listener = wake

    def noted(self, manifest: Mapping[str, Any], event: str | None = None) -> None:
        """A custom resource was seen, by a watch or in the answer to a write."""
        before = self.store.revision
        if self.store.note(event, manifest):
            if self.store.revision != before:
                self._date()
            self.wake()

    def take_first_change(self) -> float | None:
        """When the oldest change since the last call was seen, monotonic."""
        first, self._first_change = self._first_change, None
        return first

    def _secret_changed(self) -> None:
        self.secret_revision += 1
        self._date()
        self.wake()

    def _date(self) -> None:
        if self._first_change is None:
            self._first_change = time.monotonic()
