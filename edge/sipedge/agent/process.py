"""One agent: its parts, started together, and its orderly end."""

from __future__ import annotations

import asyncio
import logging
import signal
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine, Iterable
from pathlib import Path
from typing import Final

from sipedge.agent.acknowledge import Acknowledgement
from sipedge.agent.call_keeper import CallKeeper
from sipedge.agent.call_server import CallServer
from sipedge.agent.caller_names import CallerNames
from sipedge.agent.certificates import CertificateWatch
from sipedge.agent.drain import drain, set_draining
from sipedge.agent.health import PROBE_SECONDS, UNREADY_PROBE_SECONDS, fault_of, probe
from sipedge.agent.keeper import LOOK_SECONDS, TableKeeper
from sipedge.agent.learned import LearnedKeeper
from sipedge.agent.location import Name
from sipedge.agent.lookups import LookupServer
from sipedge.agent.media import RelayKeeper
from sipedge.agent.minutes import MinutesCounter
from sipedge.agent.names import NameAnswerer
from sipedge.agent.observation import Observation
from sipedge.agent.questions import Dns
from sipedge.agent.recordings import RecordingKeeper
from sipedge.agent.registrations import Registrations
from sipedge.agent.resolver import Resolver, names_of
from sipedge.agent.rpc import KamailioRpc, RpcError
from sipedge.agent.source import Source
from sipedge.agent.stir.answerers import StirFiles
from sipedge.agent.surroundings import SupervisedSurroundings, Surroundings
from sipedge.agent.tallies import TallyExchange
from sipedge.calls.record import Record
from sipedge.instance import InstanceSettings
from sipedge.routing.lookups import CallerNameQuestion, NameQuestion
from sipedge.table.codec import TableFormatError, unpack_row
from sipedge.table.rows import Section, SiteRow
from sipedge.tallies.lost_calls import lost_calls

log = logging.getLogger(__name__)

RESTART_SECONDS: Final = 1.0
LOST_CALLS_SECONDS: Final = 0.5
"""How often it is looked which calls Kamailio has lost."""


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
        self._site: SiteRow | None = None
        self._learned = LearnedKeeper(settings.learned_directory, settings.edge, self._faults)
        self._registrations = Registrations(settings, self._learned.resolved_row, self._acknowledge)
        dns = Dns(settings.resolver)
        self._resolver = Resolver(dns, self._resolved)
        named: Counter[str] = Counter()
        self._caller_names = CallerNames(named)
        self._stir = StirFiles(surroundings.stir_directory, dns, lambda: self._site, self._faults)
        self._lookups = LookupServer(
            settings,
            self._learned.set,
            self._learned.step,
            {
                NameQuestion.KIND: NameAnswerer(dns, self._resolver),
                CallerNameQuestion.KIND: self._caller_names,
                **self._stir.answerers(),
            },
        )
        self._observation = Observation(settings, self._rpc, dns, self._faults, surroundings.pod_name, named)
        self._recordings = RecordingKeeper(settings.media, self._faults)
        self.calls = CallKeeper(
            settings,
            self._faults,
            surroundings.pod_name,
            self._recorded,
            self._observation,
            self._recordings.keep,
        )
        self._relay = RelayKeeper(settings.media, self._rpc, lambda: self.calls.book, self._faults)
        self._tallies = TallyExchange(settings, surroundings, self._learned.set, self._learned.step)
        self._minutes = MinutesCounter(settings, self.calls, self._tallies)
        self._call_server = CallServer(settings, self._rpc, self.calls, self.metrics)
        self._certificates = CertificateWatch(settings, self._rpc, self._faults)
        self._probe_now = asyncio.Event()
        self._is_stopping = False
        self._ready = False
        self._flush_scheduled = False
        self._registrars: frozenset[Name] = frozenset()

    async def run(self, stopping: asyncio.Event) -> None:
        """Serve until `stopping` is set, then drain."""
        # Before the table: names are looked up as soon as there is one, and keep what they had until then.
        self._learned.step()
        await asyncio.to_thread(self._minutes.begin)
        parts = (
            self._keeper.run,
            self._keep_learned,
            self._lookups.run,
            self._observation.run,
            self._tallies.run,
            self._count_lost_calls,
            self._watch_health,
            self._certificates.run,
            self.calls.run,
            self._minutes.run,
            self._call_server.run,
            self._stir.run,
            self._registrations.run,
            self._take_calls,
            self._surroundings.run,
            self._relay.run,
            self._recordings.run,
        )
        tasks = [asyncio.create_task(_forever(part)) for part in parts]
        await stopping.wait()
        self._is_stopping, self._ready = True, False
        self._tallies.drain()
        self._acknowledge()
        # Its names should lead elsewhere before callers are refused.
        await asyncio.gather(self._surroundings.say_goodbye(), self._registrations.leave())
        log.info("draining, at most %g s", self._drain_seconds)
        await drain(self._rpc, self._drain_seconds)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self.calls.end()
        await self._resolver.close()
        self._caller_names.close()

    async def metrics(self, published: int | None = None, answers: bool | None = None) -> str:
        """The text for Prometheus; of a cluster, what is published and whether its API server answers."""
        further = {**self._relay.counts(), **self._recordings.counts()}
        return await self._observation.metrics(self._said(), self.calls.counts, published, answers, further)

    def _committed(self, sections: frozenset[Section]) -> None:
        self._probe_now.set()
        self._surroundings.committed(sections, self._keeper.rows)
        self._observation.committed(sections, self._keeper.rows(Section.SITE))
        self._learned.take_over(self._keeper.resolved_before())
        if Section.SOURCES in sections:
            self._certificates.authorities.follow(row for _, row in self._keeper.rows(Section.SOURCES))
        if Section.ACCOUNT in sections:
            self._minutes.follow(row for _, row in self._keeper.rows(Section.ACCOUNT))
            self._recordings.follow(row for _, row in self._keeper.rows(Section.ACCOUNT))
        if Section.SITE in sections:
            self._site = _site_in(self._keeper.rows(Section.SITE))
            self._caller_names.set_url(self._site.caller_name_url if self._site else None)
        if Section.CARRIER in sections and not self._is_stopping:
            rows = (row for _, row in self._keeper.rows(Section.CARRIER))
            self._registrars = self._registrations.follow(rows)
        if sections & {Section.TRUNK, Section.ROUTE, Section.CARRIER}:
            trunks, routes = (
                [row for _, row in self._keeper.rows(section)] for section in (Section.TRUNK, Section.ROUTE)
            )
            names = names_of(trunks, routes) | self._registrars
            of_calls = self._lookups.keys(Section.RESOLVED) - {name.key for name in names}
            resolved = self._learned.resolved
            known = {key: row for key, row in resolved.items() if key not in of_calls}
            self._resolver.follow(names, known)

    def _recorded(self, record: Record) -> None:
        """Each call record, once."""
        self._minutes.note(record)
        self._observation.recorded(record)

    def _resolved(self, key: bytes, row: bytes | None) -> None:
        self._learned.set(Section.RESOLVED, key, row)
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

    async def _count_lost_calls(self) -> None:
        """Calls that were up when Kamailio was started anew go on, and hold their places in limits."""
        while True:
            self._tallies.count_before(lost_calls(self.calls.book.lost_calls()))
            await asyncio.sleep(LOST_CALLS_SECONDS)

    async def _watch_health(self) -> None:
        while True:
            self._probe_now.clear()
            result, relay_fault = await asyncio.gather(
                probe(self._settings.address, self._settings.ports.udp), self._relay.fault()
            )
            fault = fault_of(result, self._keeper.sequence) or self._surroundings.lag(self._keeper.taken)
            fault = fault or relay_fault
            self._faults.set("readiness", fault)
            self._ready = fault is None and not self._is_stopping
            self._registrations.note_kamailio(result.status is not None)
            self._acknowledge()
            try:
                async with asyncio.timeout(PROBE_SECONDS if fault is None else UNREADY_PROBE_SECONDS):
                    await self._probe_now.wait()
            except TimeoutError:
                pass  # nothing was committed: the next probe is due

    def _acknowledge(self) -> None:
        self._surroundings.acknowledge(self._said())

    def _said(self) -> Acknowledgement:
        return Acknowledgement(
            edge=self._settings.edge,
            address=self._settings.address,
            revision=self._keeper.sequence,
            ready=self._ready,
            error=self._faults.text,
            notice=self._keeper.notice,
            recordings=self._recordings.told(),
            relay_silent_since=self._relay.silent_since,
            registrations=self._registrations.told,
            minutes_reached=self._minutes.reached,
        )

    async def _take_calls(self) -> None:
        """An agent that drained and was started again beside the same Kamailio takes the drain back."""
        while not self._is_stopping:
            try:
                return await set_draining(self._rpc, draining=False)
            except RpcError:
                await asyncio.sleep(RESTART_SECONDS)  # Kamailio is still starting


def _site_in(rows: Iterable[tuple[bytes, bytes]]) -> SiteRow | None:
    """What the table in use says of this edge; None if it cannot be read."""
    try:
        found = [unpack_row(Section.SITE, data) for _, data in rows]
    except TableFormatError as error:
        log.error("%s", error)
        return None
    return next((row for row in found if isinstance(row, SiteRow)), None)


async def _forever(part: Callable[[], Awaitable[None]]) -> None:
    """Run a part of the agent; what it did not expect is logged, and it is started again."""
    while True:
        try:
            return await part()
        except Exception:
            log.exception("unexpected; going on in %g s", RESTART_SECONDS)
            await asyncio.sleep(RESTART_SECONDS)


async def run_agent(
    settings: InstanceSettings, source: Source, drain_seconds: float, stir_directory: Path | None
) -> None:
    """The agent of an instance that a supervisor made, until SIGTERM or SIGINT."""
    surroundings = SupervisedSurroundings(settings, stir_directory)
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
