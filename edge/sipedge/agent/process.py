"""One agent: its parts, started together, and its orderly end."""

from __future__ import annotations

import asyncio
import logging
import signal
from collections.abc import Awaitable, Callable, Coroutine
from typing import Final

from sipedge.agent.acknowledge import Acknowledgement
from sipedge.agent.certificates import CertificateWatch
from sipedge.agent.drain import drain, set_draining
from sipedge.agent.health import PROBE_SECONDS, UNREADY_PROBE_SECONDS, fault_of, probe
from sipedge.agent.keeper import LOOK_SECONDS, TableKeeper
from sipedge.agent.learned import LearnedKeeper
from sipedge.agent.lookups import LookupServer
from sipedge.agent.questions import Dns
from sipedge.agent.resolver import Resolver, names_of
from sipedge.agent.rpc import KamailioRpc, RpcError
from sipedge.agent.source import Source
from sipedge.agent.surroundings import SupervisedSurroundings, Surroundings
from sipedge.instance import InstanceSettings
from sipedge.table.rows import Section

log = logging.getLogger(__name__)

RESTART_SECONDS: Final = 1.0


class Agent:
    """What one instance's agent does, until it is asked to stop."""

    def __init__(
        self, settings: InstanceSettings, source: Source, surroundings: Surroundings, drain_seconds: float
    ) -> None:
        """Raises ValueError for a resolver that is no `ADDR:PORT`."""
        self._settings, self._surroundings, self._drain_seconds = settings, surroundings, drain_seconds
        self._faults = surroundings.faults
        self._rpc = KamailioRpc(settings.rpc_socket)
        self._keeper = TableKeeper(
            settings.lmdb_directory, settings.edge, source, self._faults, self._committed
        )
        self._learned = LearnedKeeper(settings.learned_directory, settings.edge, self._faults)
        dns = Dns(settings.resolver)
        self._resolver = Resolver(dns, self._resolved)
        self._lookups = LookupServer(
            settings, dns, self._learned.set_resolved, self._learned.step, self._resolver.is_followed
        )
        self._certificates = CertificateWatch(settings, self._rpc, self._faults)
        self._probe_now = asyncio.Event()
        self._is_stopping = False
        self._ready = False
        self._flush_scheduled = False

    async def run(self, stopping: asyncio.Event) -> None:
        """Serve until `stopping` is set, then drain."""
        # Before the table: names are looked up as soon as there is one, and keep what they had until then.
        self._learned.step()
        parts = (
            self._keeper.run,
            self._keep_learned,
            self._lookups.run,
            self._watch_health,
            self._certificates.run,
            self._take_calls,
            self._surroundings.run,
        )
        tasks = [asyncio.create_task(_forever(part)) for part in parts]
        await stopping.wait()
        self._is_stopping, self._ready = True, False
        self._acknowledge()
        # Its names should lead elsewhere before callers are refused.
        await self._surroundings.say_goodbye()
        log.info("draining, at most %g s", self._drain_seconds)
        await drain(self._rpc, self._drain_seconds)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._resolver.close()

    def _committed(self, sections: frozenset[Section]) -> None:
        self._probe_now.set()
        self._surroundings.committed(sections, self._keeper.rows)
        self._learned.take_over(self._keeper.resolved_before())
        if sections & {Section.TRUNK, Section.ROUTE}:
            trunks, routes = (
                [row for _, row in self._keeper.rows(section)] for section in (Section.TRUNK, Section.ROUTE)
            )
            names = names_of(trunks, routes)
            of_calls = self._lookups.keys - {name.key for name in names}
            rows = self._learned.resolved
            known = {key: row for key, row in rows.items() if key not in of_calls}
            self._resolver.follow(names, known)

    def _resolved(self, key: bytes, row: bytes | None) -> None:
        self._learned.set_resolved(key, row)
        if not self._flush_scheduled:
            # Names that are answered together are written together.
            self._flush_scheduled = True
            asyncio.get_running_loop().call_soon(self._flush)

    def _flush(self) -> None:
        self._flush_scheduled = False
        self._learned.step()

    async def _keep_learned(self) -> None:
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            self._learned.step()

    async def _watch_health(self) -> None:
        while True:
            self._probe_now.clear()
            result = await probe(self._settings.address, self._settings.ports.udp)
            fault = fault_of(result, self._keeper.sequence) or self._surroundings.lag(self._keeper.taken)
            self._faults.set("readiness", fault)
            self._ready = fault is None and not self._is_stopping
            self._acknowledge()
            try:
                async with asyncio.timeout(PROBE_SECONDS if fault is None else UNREADY_PROBE_SECONDS):
                    await self._probe_now.wait()
            except TimeoutError:
                pass  # nothing was committed: the next probe is due

    def _acknowledge(self) -> None:
        self._surroundings.acknowledge(
            Acknowledgement(
                edge=self._settings.edge,
                address=self._settings.address,
                revision=self._keeper.sequence,
                ready=self._ready,
                error=self._faults.text,
                notice=self._keeper.notice,
            )
        )

    async def _take_calls(self) -> None:
        """An agent that drained and was started again beside the same Kamailio takes the drain back."""
        while not self._is_stopping:
            try:
                return await set_draining(self._rpc, draining=False)
            except RpcError:
                await asyncio.sleep(RESTART_SECONDS)  # Kamailio is still starting


async def _forever(part: Callable[[], Awaitable[None]]) -> None:
    """Run a part of the agent; what it did not expect is logged, and it is started again."""
    while True:
        try:
            return await part()
        except Exception:
            log.exception("unexpected; going on in %g s", RESTART_SECONDS)
            await asyncio.sleep(RESTART_SECONDS)


async def run_agent(settings: InstanceSettings, source: Source, drain_seconds: float) -> None:
    """The agent of an instance that a supervisor made, until SIGTERM or SIGINT."""
    surroundings = SupervisedSurroundings(settings.acknowledgement_file)
    await until_signal(Agent(settings, source, surroundings, drain_seconds).run)


async def until_signal(work: Callable[[asyncio.Event], Coroutine[None, None, None]]) -> None:
    """Do `work`, whose event is set by SIGTERM or SIGINT; a second signal ends it at once."""
    stopping = asyncio.Event()
    task = asyncio.create_task(work(stopping))

    def ask_to_stop() -> None:
        if stopping.is_set():
            task.cancel()
        stopping.set()

    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ask_to_stop)
    try:
        await task
    except asyncio.CancelledError:
        log.info("stopped without waiting for calls")
