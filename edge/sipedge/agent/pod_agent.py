"""The agent of an edge pod: the parts of `process`, and what only a pod has around them.

It must be the first process of its container, started without a shell: LMDB tells the users of its file apart
by process number, and Kamailio's container numbers its processes anew. Kamailio's first process never reads.
"""

from __future__ import annotations

import asyncio
import json
import logging
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from sipedge.agent.acknowledge import Acknowledgement
from sipedge.agent.faults import Faults
from sipedge.agent.http_server import HttpServer, LoopQuestions, Page
from sipedge.agent.kube_api import KubernetesApi
from sipedge.agent.kubernetes_source import KubernetesSource
from sipedge.agent.lease import LeaseAcknowledger
from sipedge.agent.metrics import CONTENT_TYPE, AgentCounts, KamailioCounts, exposition
from sipedge.agent.neighbours import READING_SECONDS, LeaseReader
from sipedge.agent.pod import NoAddressError, Pod, take_address
from sipedge.agent.pod_files import PodFiles, pod_instance
from sipedge.agent.process import Agent
from sipedge.agent.record_output import OUTPUT_SECONDS, RecordOutput
from sipedge.agent.surroundings import RecordedText, RowsOf
from sipedge.fault_log import FaultFormatter
from sipedge.instance import InstanceError, read_settings
from sipedge.metrics.calls import CallCounts
from sipedge.table.codec import TableFormatError, unpack_row
from sipedge.table.rows import Section, SiteRow
from sipedge.tallies.book import Neighbour

log = logging.getLogger(__name__)

RETRY_SECONDS: Final = 2.0
GOODBYE_SECONDS: Final = 3.0
"""How long a pod that ends waits for its Lease to say so, before it refuses calls."""


class PodSurroundings:
    """Of an edge pod: the API server, the shared volume, and the port that the kubelet asks."""

    def __init__(self, pod: Pod) -> None:
        self.faults = Faults()
        self._pod = pod
        api = KubernetesApi(pod.access)
        self._api = api
        self.source = KubernetesSource(api, pod.namespace, pod.edge)
        self._lease = LeaseAcknowledger(api, pod.namespace, pod.name, self.faults)
        self.agent: Agent | None = None
        """None until there is an address to serve."""
        self._leases = LeaseReader(api, pod.namespace)
        self.tallies_port = pod.http_port
        self._files: PodFiles | None = None
        self._said: Acknowledgement | None = None

    @property
    def stir_directory(self) -> Path | None:
        return self._pod.stir_directory

    @property
    def pod_name(self) -> str | None:
        return self._pod.name

    def start(self) -> list[asyncio.Task[None]]:
        """Begin with what needs no address: to watch, to acknowledge, to answer probes."""
        self.source.start()
        self.acknowledge(Acknowledgement(self._pod.edge, "", None, False, None, None))
        return [asyncio.create_task(self._lease.run()), asyncio.create_task(self._serve_http())]

    async def take_address(self, stopping: asyncio.Event) -> str | None:
        """An address of the pod, as soon as there is one; None if the agent is asked to stop before."""
        while not stopping.is_set():
            try:
                address = take_address(self._pod, self._address_before())
            except (NoAddressError, OSError) as error:
                self.faults.set("address", str(error))
                self.acknowledge(Acknowledgement(self._pod.edge, "", None, False, self.faults.text, None))
            else:
                self.faults.set("address", None)
                log.info("this pod serves %s", address)
                self._files = PodFiles(self._pod, address, self._api, self.faults)
                return address
            try:
                async with asyncio.timeout(RETRY_SECONDS):
                    await stopping.wait()
            except TimeoutError:
                pass  # addresses may come later
        return None

    async def run(self) -> None:
        if self._files is not None:
            await self._files.run()

    def committed(self, sections: frozenset[Section], rows: RowsOf) -> None:
        if Section.SITE not in sections or self._files is None:
            return
        for _, data in rows(Section.SITE):
            try:
                site = unpack_row(Section.SITE, data)
            except TableFormatError as error:
                log.error("%s", error)
                continue
            if isinstance(site, SiteRow):
                self._files.set_site(site)

    def lag(self, taken: int | None) -> str | None:
        return self.source.lag(taken)

    def acknowledge(self, acknowledgement: Acknowledgement) -> None:
        self._said = replace(acknowledgement, address=self._shown(acknowledgement.address))
        self._lease.tell(self._said)

    async def say_goodbye(self) -> None:
        await self._lease.until_told(GOODBYE_SECONDS)

    look_seconds = READING_SECONDS

    async def neighbours(self) -> tuple[Neighbour, ...] | None:
        return await asyncio.to_thread(self._leases.read)

    def record_tallies(self, text_at: RecordedText) -> None:
        self._lease.tallies = text_at

    def _shown(self, address: str) -> str:
        """The address that callers are told."""
        if self._files is not None and self._files.advertised is not None:
            return self._files.advertised
        # The table may say that callers see this node by another address.
        return "" if self._pod.advertise == "HostNetwork" else address

    def _address_before(self) -> str | None:
        try:
            return read_settings(self._pod.directory / "instance.json").address
        except InstanceError:
            return None

    async def _serve_http(self) -> None:
        questions = LoopQuestions()
        pages = {
            "/readyz": self._readyz,
            "/livez": lambda: Page(200, "alive\n") if questions.is_alive() else Page(503, "stuck\n"),
            "/metrics": lambda: self._metrics(questions),
        }
        address, port = self._pod.http_address, self._pod.http_port
        while True:
            try:
                server = HttpServer(address, port, pages)
                break
            except OSError as error:
                self.faults.set("http", f"port {port} of {address} cannot be opened: {error}")
                await asyncio.sleep(RETRY_SECONDS)
        self.faults.set("http", None)
        try:
            await asyncio.Event().wait()
        finally:
            server.close()

    def _readyz(self) -> Page:
        said = self._said
        wrong = f"{said.error}\n" if said and said.error else ""
        if said is not None and said.ready:
            return Page(200, f"ready: revision {said.revision}\n{wrong}")
        return Page(503, wrong or "not ready\n")

    def _metrics(self, questions: LoopQuestions) -> Page:
        published, answers = self.source.newest, self.source.api_fault is None
        if self.agent is None:
            counts = AgentCounts(self._said, published, answers)
            text = exposition(self._pod.edge, counts, KamailioCounts(), CallCounts())
        else:
            try:
                text = questions.ask(self.agent.metrics(published, answers))
            except TimeoutError:
                return Page(503, "the agent is stuck\n")
        return Page(200, text, CONTENT_TYPE)


async def run_pod_agent(pod: Pod, stopping: asyncio.Event) -> None:
    """Serve until `stopping` is set, then drain. Raises ValueError for a resolver that is no `ADDR:PORT`."""
    surroundings = PodSurroundings(pod)
    tasks = surroundings.start()
    address = await surroundings.take_address(stopping)
    if address is not None:
        settings = pod_instance(pod, address)
        output = RecordOutput(settings)
        tasks.append(asyncio.create_task(output.run()))
        agent = surroundings.agent = Agent(settings, surroundings.source, surroundings, pod.drain_seconds)
        await agent.run(stopping)
        await asyncio.sleep(OUTPUT_SECONDS * 2)  # the records of calls that were up
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


class JsonLines(FaultFormatter):
    """Each log record as one line of JSON that names the edge and the pod."""

    def __init__(self, pod: Pod) -> None:
        super().__init__()
        self._place = {"edge": pod.edge, "pod": pod.name}

    def format(self, record: logging.LogRecord) -> str:
        said = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            **self._place,
            "message": self.message_of(record),
        }
        if record.exc_info:
            said["error"] = self.formatException(record.exc_info)
        return json.dumps(said)
