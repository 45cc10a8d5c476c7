"""The operator as a process: watches from start to end, acts while it holds the Lease."""

from __future__ import annotations

import asyncio
import gc
import logging
import signal
import time
from collections.abc import Iterator, Mapping
from typing import Any, Final

import kopf
from kopf._cogs.structs.references import Insights
from prometheus_client import start_http_server

from sipedge.fault import describe_fault
from trunkline.controllers import handlers
from trunkline.controllers.health import open_health
from trunkline.controllers.loop_parts import Process, build_loop
from trunkline.controllers.metrics import Metrics
from trunkline.controllers.served_edges import read_served_edges
from trunkline.controllers.watchdog import DeafWatchError, Watchdog
from trunkline.controllers.world import World
from trunkline.kube.client import KubeClient, connect
from trunkline.kube.lease import LeaseLock, LeaseLostError
from trunkline.reconcile.loop import Loop
from trunkline.reconcile.place import OvertakenError
from trunkline.reconcile.reporter import Identities
from trunkline.settings import OperatorSettings

log = logging.getLogger(__name__)

LEASE: Final = "trunkline-operator"

NOT_FOUND: Final = 404
ENDED, FAILED = 0, 70
"""Exit codes: asked to end; ended by a fault that a new start may cure."""


class Operator:
    """Everything of one process. Kopf's listener."""

    def __init__(self, settings: OperatorSettings, client: KubeClient, lease_client: KubeClient) -> None:
        self._settings, self._client = settings, client
        self._metrics = Metrics()
        self._world = World(client, settings)
        self._metrics.follow_objects(self._world.store.counts)
        self._watchdog = Watchdog(client, self._world.store, self._metrics, self._world.wake)
        self._lease = LeaseLock(lease_client, settings.system_namespace, LEASE, settings.identity)
        self._turn_fault = ""
        self._loop: Loop[Identities] | None = None
        self._stop = asyncio.Event()
        self._began = time.monotonic()

    def noted(self, event: str | None, manifest: Mapping[str, Any]) -> None:
        """Kopf saw an object."""
        self._watchdog.heard(manifest["kind"])
        self._world.noted(manifest, event)

    def health(self) -> Mapping[str, Any]:
        """For whoever is curious."""
        return {
            "leading": self._lease.is_held,
            "complete": self._watchdog.complete.is_set(),
            "faults": [
                fault for fault in (self._watchdog.fault, self._lease.fault, self._turn_fault) if fault
            ],
            "uptimeSeconds": round(time.monotonic() - self._began),
        }

    def is_ready(self) -> bool:
        """False while it may lack objects, and while its turns fail, be it at one Edge."""
        return self._watchdog.complete.is_set() and not self._turn_fault

    def _turn_ended(self, fault: str) -> None:
        self._turn_fault = fault

    async def run(self) -> int:
        """Until a signal or a fault; the exit code."""
        settings = self._settings
        server = None
        if settings.metrics_port:
            server, _ = start_http_server(
                settings.metrics_port, settings.listen_address, registry=self._metrics.registry
            )
        self._hear_signals()
        tasks = {
            asyncio.create_task(self._await_stop(), name="signals"),
            asyncio.create_task(self._serve_health(), name="health"),
            asyncio.create_task(self._watch(), name="kopf"),
            asyncio.create_task(self._world.run(), name="watches"),
            asyncio.create_task(self._watchdog.run(), name="watchdog"),
            asyncio.create_task(self._lead(), name="leader"),
        }
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            return _exit_code(done)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await self._lease.release()
            if server is not None:
                server.shutdown()

    async def _watch(self) -> None:
        """Kopf, begun anew whenever it ended because a kind is not served any more, or did not find one."""
        while True:
            await self._watchdog.served()
            try:
                await self._run_kopf()
            except Exception as error:
                if getattr(error, "status", None) != NOT_FOUND:
                    raise
            self._watchdog.doubt()
            await asyncio.sleep(1.0)

    async def _run_kopf(self) -> None:
        # Not by kopf.operator(): when that ends it cancels every task of the process.
        over, insights = asyncio.Event(), Insights()
        tasks = await kopf.spawn_tasks(
            registry=handlers.registry_for(self),
            settings=handlers.settings(),
            memories=handlers.NoMemories(),
            insights=insights,
            standalone=True,
            clusterwide=True,
            stop_flag=over,
            identity=None,
        )
        self._hear_signals()
        tasks = {*tasks, asyncio.create_task(handlers.some_are_unseen(insights), name="unseen kinds")}
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            # Set, it tells Kopf that this is no hang, which it would end by SIGKILL.
            over.set()
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        for task in done:
            task.result()

    def _hear_signals(self) -> None:
        """Kopf puts handlers of its own in their place, each time it begins."""
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, self._stop.set)

    async def _await_stop(self) -> None:
        await self._stop.wait()
        log.info("asked to end")

    async def _serve_health(self) -> None:
        settings = self._settings
        if not settings.health_port:
            await asyncio.Event().wait()
        served = await open_health(settings.listen_address, settings.health_port, self.health, self.is_ready)
        try:
            await asyncio.Event().wait()
        finally:
            await served.cleanup()

    async def _lead(self) -> None:
        """Hold the Lease, act, and begin anew when it is lost."""
        while True:
            await self._lease.acquire()
            self._metrics.leading.set(1)
            log.info("acting: the Lease is held by %s", self._settings.identity)
            try:
                async with asyncio.TaskGroup() as group:
                    group.create_task(self._lease.keep())
                    group.create_task(self._term())
            except* (LeaseLostError, OvertakenError) as lost:
                log.warning("not acting: %s", "; ".join(map(str, _flat(lost))))
            self._metrics.leading.set(0)
            # Turns are another's now.
            self._turn_ended("")
            await self._lease.release()
            await asyncio.sleep(1.0)

    async def _term(self) -> None:
        """One term. What it remembers of an earlier one follows from what is watched."""
        await self._watchdog.complete.wait()
        await self._world.settle()
        # What was read so far stays: the collector need not look through it again and again.
        gc.collect()
        gc.freeze()
        # Whoever acted meanwhile may have changed what is seen to here.
        self._world.losses.doubt()
        served = await read_served_edges(self._client, self._settings.edge_namespace)
        if self._loop is None:
            self._loop = build_loop(self._settings, self._client, self._parts())
        await self._loop.run(served)

    def _parts(self) -> Process:
        return Process(self._world, self._watchdog, self._lease, self._metrics, self._turn_ended)


def _flat(group: BaseExceptionGroup[BaseException]) -> Iterator[BaseException]:
    """The exceptions of a group, and of the groups in it."""
    for each in group.exceptions:
        if isinstance(each, BaseExceptionGroup):
            yield from _flat(each)
        else:
            yield each


def _exit_code(done: set[asyncio.Task[None]]) -> int:
    for task in done:
        error = task.exception()
        if error is None:
            continue
        cause = error.exceptions[0] if isinstance(error, BaseExceptionGroup) else error
        if isinstance(cause, DeafWatchError):
            log.error("ending, to be started anew: %s", cause)
        else:
            log.error("ending, to be started anew: %s failed: %s", task.get_name(), describe_fault(error))
        return FAILED
    # Without a fault it ends only when a signal asks for it.
    return ENDED


async def operate(settings: OperatorSettings) -> int:
    """Run the operator; the exit code. Raises ConnectionFault if there is no cluster."""
    client = await connect()
    # A renewal must not wait behind ten thousand statuses.
    lease_client = await connect(writes=1)
    try:
        return await Operator(settings, client, lease_client).run()
    finally:
        await client.close()
        await lease_client.close()
