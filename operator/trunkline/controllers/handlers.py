"""Every kopf decorator. A handler notes the object and wakes the loop; all else is the loop's.

No create, update or delete handlers, so kopf keeps no state of its own on users' objects: it writes nothing.
"""

from __future__ import annotations

import asyncio
import dataclasses
import logging
import os
from collections.abc import Mapping
from typing import Any, Protocol

import kopf
from kopf._cogs.structs.references import Insights
from kopf._core.reactor.inventory import ResourceMemories, ResourceMemory

from trunkline.api import ALL_KINDS, GROUP, VERSION
from trunkline.kube.backoff import Backoffs
from trunkline.kube.client import in_cluster_server

log = logging.getLogger(__name__)


class Listener(Protocol):
    """Who is told."""

    def noted(self, event: str | None, manifest: Mapping[str, Any]) -> None:
        """Kopf saw an object."""


def registry_for(listener: Listener) -> kopf.OperatorRegistry:
    """The handlers of all kinds, bound to `listener`."""
    registry = kopf.OperatorRegistry()

    # A handler that is no coroutine would run in a thread.
    async def noted(event: Any, **_: Any) -> None:
        listener.noted(event["type"], event["object"])

    for kind in ALL_KINDS:
        kopf.on.event(GROUP, VERSION, kind.plural, id=kind.plural, registry=registry)(noted)

    @kopf.on.login(registry=registry)
    async def login(**arguments: Any) -> Any:
        return connection(os.environ, **arguments)

    return registry


def connection(environment: Mapping[str, str], **arguments: Any) -> kopf.ConnectionInfo | None:
    """Where kopf finds the API server: in a pod by its address, since a cluster's DNS may be away."""
    found = kopf.login_with_service_account(**arguments)
    server = in_cluster_server(environment)
    if found is not None and server:
        found = dataclasses.replace(found, server=server)
    return found or kopf.login_with_kubeconfig(**arguments)


class NoMemories(ResourceMemories):
    """Kopf would keep almost 1 kB for each object, for daemons and handlers of changes: there are none."""

    async def recall(
        self,
        raw_body: Any,
        *,
        memobase: Any = None,
        noticed_by_listing: bool = False,
        ephemeral: bool = False,
    ) -> ResourceMemory:
        """One that is kept by nobody."""
        return await super().recall(
            raw_body, memobase=memobase, noticed_by_listing=noticed_by_listing, ephemeral=True
        )


async def some_are_unseen(insights: Insights) -> None:
    """Return if Kopf, which looks once which kinds there are, has not found all of them; else never.

    An API server that has just started may serve a kind's objects before it lists the kind.
    """
    await insights.ready_resources.wait()
    found = {(each.group, each.version, each.plural) for each in insights.watched_resources}
    unseen = [kind.plural for kind in ALL_KINDS if (GROUP, VERSION, kind.plural) not in found]
    if not unseen:
        await asyncio.Event().wait()
    log.warning("looking again: served, but not yet among what the API server lists: %s", ", ".join(unseen))


def settings() -> kopf.OperatorSettings:
    """How kopf should behave: watch, retry for ever, write nothing."""
    chosen = kopf.OperatorSettings()
    chosen.posting.enabled = False
    chosen.scanning.disabled = True
    chosen.peering.standalone = True
    chosen.networking.error_backoffs = Backoffs()
    chosen.networking.enforce_retry_after = True
    chosen.networking.connect_timeout = 10
    chosen.networking.request_timeout = 60
    chosen.watching.server_timeout = 240
    chosen.watching.client_timeout = 300
    chosen.watching.chunk_size = 500
    # Workers wait out this time for each object's next event, at some memory each.
    chosen.queueing.idle_timeout = 1.0
    chosen.process.ultimate_exiting_timeout = 30
    return chosen
