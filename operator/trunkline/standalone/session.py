"""One running `up`: gather, compile, publish, apply, report, again and again until it is told to stop.

Level-triggered: every turn compares what is wished with what is, so an edit, a died process, a full disk
and a lost event all end in the same few lines.
"""

from __future__ import annotations

import asyncio
import contextlib
import datetime
import os
import time
import traceback
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from typing import Any, Final

from sipedge.fault import describe_fault
from trunkline.api import ObjectRef, Trunk
from trunkline.compiler import Compilation, compile_resources
from trunkline.dns.knot import KnotSettings
from trunkline.plan.dns_records import RecordSet, dns_records
from trunkline.standalone.announce import describe_changes, ready_line
from trunkline.standalone.certificates import CertificateStore, CertificateWish, EdgeCertificates
from trunkline.standalone.generations import Generations
from trunkline.standalone.instances import Fleet
from trunkline.standalone.load import Loaded, load
from trunkline.standalone.nameserver import NameServer
from trunkline.standalone.narrator import Narrator, Say
from trunkline.standalone.options import CheckedOptions
from trunkline.standalone.serving import ServingAddresses
from trunkline.standalone.sites import (
    LocalEdge,
    admits_deprecated_tls,
    local_edges,
    observed_addresses,
    termination_domains,
)
from trunkline.standalone.state_files import StateDirectory, disk_fault, write_json
from trunkline.standalone.statuses import Knowledge, StatusBook
from trunkline.standalone.tables import Tables
from trunkline.standalone.watch import edits
from trunkline.status.conditions import Opinion
from trunkline.status.programmed import EdgeReport
from trunkline.status.reasons import StatusReason
from trunkline.status.report import by_object

RESYNC_SECONDS: Final = 5.0
"""The files are read again after this time without an edit: no lost event matters for longer."""

BUSY_SECONDS: Final = 0.02
QUIET_SECONDS: Final = 0.1
"""How often the instances are looked at, while an outcome is awaited and else."""

_WRONG_IS_NEWS: Final = 6
"""So many looks in a row must find the DNS server wrong before that is told: a reload takes a moment."""


class Session:
    """Everything that one `up` holds, from start to stop."""

    def __init__(self, options: CheckedOptions, state: StateDirectory, say: Say) -> None:
        """Raises PackageError, or OSError for the state directory."""
        self._options, self._state = options, state
        self._narrator = Narrator(say)
        self._wake = asyncio.Event()
        self._stopping = asyncio.Event()
        self._edited = False
        self._resolver = str(options.resolver) if options.resolver else None
        self._fleet = Fleet(state, self._resolver, options.capacity, options.drain_seconds, self._wake.set)
        knot = KnotSettings(options.base_domain, options.dns.address, options.dns.port, state.dns)
        self._nameserver = NameServer(knot, state.root, self._wake.set)
        self._certificates = EdgeCertificates(CertificateStore(state, options.base_domain))
        self._tables = Tables(state)
        self._statuses = StatusBook(state.status)
        self._generations = Generations(self._statuses.generations)
        self._serving = ServingAddresses()
        self._loaded: Loaded | None = None
        self._compilation = Compilation({}, (), {})
        self._knowledge = Knowledge({}, {}, {}, {})
        self._edges: Mapping[str, LocalEdge] = {}
        self._reports: tuple[EdgeReport, ...] = ()
        self._taken_up = 0
        self._seen: Any = None
        self._statuses_changed = asyncio.Event()
        self._announced_ready = False
        self._summary: Any = None

    # ------------------------------------------------------------------------------ from start to stop

    async def run(self, loaded: Loaded) -> None:
        """Serve `loaded` and what follows it until `stop`, then drain and stop everything. Raises OSError."""
        helpers = [self._help("watching the files", self._watch), asyncio.create_task(self._resync())]
        try:
            self._nameserver.start()
            helpers.append(self._help("keeping the DNS records", self._keep_records))
            helpers.append(self._help("writing the statuses", self._keep_statuses))
            await self._take_up(loaded, time.monotonic())
            self._tables.remove_strangers()
            while not self._stopping.is_set():
                await self._turn()
                await self._pause()
        finally:
            for helper in helpers:
                helper.cancel()
            await asyncio.gather(*helpers, return_exceptions=True)
            await self._fleet.stop()
            await self._nameserver.stop()
            with contextlib.suppress(OSError):
                self._statuses.write(self._statuses.take_unwritten())
            self._state.summary.unlink(missing_ok=True)

    def stop(self) -> None:
        """Begin to stop; a second call ends every drain at once."""
        if self._stopping.is_set():
            self._fleet.hurry()
        self._stopping.set()
        self._wake.set()

    async def _pause(self) -> None:
        busy = self._narrator.waits or not self._announced_ready
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(BUSY_SECONDS if busy else QUIET_SECONDS):
                await self._wake.wait()
        self._wake.clear()

    def _edit(self) -> None:
        self._edited = True
        self._wake.set()

    async def _watch(self) -> None:
        async for _ in edits(self._options.paths):
            self._edit()

    async def _resync(self) -> None:
        while True:
            await asyncio.sleep(RESYNC_SECONDS)
            self._edit()

    async def _turn(self) -> None:
        """One turn: what changed in the files, then what changed in the edges."""
        if self._edited:
            await self._guarded("reading the files", self._read_files)
        await self._guarded("keeping the edges", self._apply)
        await self._guarded("reporting", self._report)

    async def _guarded(self, topic: str, step: Callable[[], Awaitable[None]]) -> None:
        """Take a step. What it did not expect is told and costs this step alone; the edges go on."""
        try:
            await step()
        except OSError as error:
            place = error.filename or self._state.root
            self._narrator.fault(topic, f"{topic}: {place}: {disk_fault(error)}; the edges go on")
        except Exception as error:
            self._narrator.fault(
                topic, f"{topic}: unexpected {describe_fault(error)}; the edges keep what they have"
            )
            if self._options.verbose:
                # The frames alone: the text of an exception may hold a secret.
                for line in "".join(traceback.format_tb(error.__traceback__)).splitlines():
                    self._narrator.say(line)
        else:
            self._narrator.fault(topic, "")

    def _help(self, topic: str, part: Callable[[], Awaitable[None]]) -> asyncio.Task[None]:
        """Keep a part running beside the turns."""

        async def forever() -> None:
            while True:
                await self._guarded(topic, part)
                await asyncio.sleep(1)

        return asyncio.create_task(forever(), name=topic)

    # --------------------------------------------------------------------------- gather, compile, publish

    async def _read_files(self) -> None:
        began = time.monotonic()
        self._edited = False
        loaded = await asyncio.to_thread(
            load, self._options.paths, base_domain=self._options.base_domain, previous=self._loaded
        )
        if loaded is self._loaded:
            return
        if self._loaded is not None and loaded.same_content(self._loaded):
            self._narrator.problems(loaded)
            self._loaded = loaded
            return
        await self._take_up(loaded, began)

    async def _take_up(self, loaded: Loaded, began: float) -> None:
        """Compile and publish what the files say now. `began` is monotonic."""
        self._narrator.problems(loaded)
        observed = observed_addresses(loaded.resources)
        resources = replace(loaded.resources, observed_addresses=observed)
        self._compilation = await asyncio.to_thread(compile_resources, resources)
        self._narrator.warnings(self._compilation.verdicts, loaded)
        before, self._loaded = self._loaded, loaded
        self._edges = local_edges(resources, self._compilation.tables, observed)
        written = self._publish()
        self._knowledge = self._learn(loaded)
        self._taken_up += 1
        self._statuses.require(self._knowledge)
        if before is not None and self._announced_ready:
            changes = describe_changes(before, loaded)
            self._narrator.edit(changes, began, self._knowledge.sequences, written)

    def _publish(self) -> bool:
        written = self._tables.publish(self._compilation.tables)
        faults = sorted(self._tables.faults.items())
        text = "; ".join(f"the table of {edge} is not published: {fault}" for edge, fault in faults)
        self._narrator.fault("publishing", f"{text}; the last one stays in force" if text else "")
        return written

    def _learn(self, loaded: Loaded) -> Knowledge:
        documents = {ref: each for ref, each in loaded.documents.items() if ref.kind != "Secret"}
        return Knowledge(
            generations=dict(self._generations.advance(documents)),
            verdicts=by_object(self._compilation.verdicts),
            facts=self._compilation.facts,
            sequences=self._tables.sequences,
            opinions={ref: _kept(fault) for ref, fault in loaded.refused.items() if ref.kind != "Secret"},
        )

    # ------------------------------------------------------------------------------------------- apply

    async def _apply(self) -> None:
        """Tables, certificates, instances and DNS records as the edges want them."""
        if self._tables.faults:
            self._publish()
        now = datetime.datetime.now(datetime.UTC)
        certificates = {name: self._certificate_wish(edge) for name, edge in self._edges.items()}
        if any(not self._certificates.is_current(name, wish, now) for name, wish in certificates.items()):
            await asyncio.to_thread(self._certificates.become, certificates, now)
        wishes = {
            (name, wish.address): wish
            for name, edge in self._edges.items()
            for wish in edge.wishes(admits_deprecated_tls(self._compilation.tables[name]))
        }
        self._fleet.become(wishes, self._certificates.pairs)

    def _certificate_wish(self, edge: LocalEdge) -> CertificateWish:
        domains = termination_domains(self._compilation.tables[edge.name])
        names = edge.certificate_names(domains, self._options.base_domain)
        reference = edge.edge.spec.tls.secret_ref
        if reference is None or self._loaded is None:
            return CertificateWish(names)
        resources = self._loaded.resources
        namespace = resources.platform.system_namespace
        values = resources.secret(namespace, reference.name)
        return CertificateWish(names, f"{namespace}/{reference.name}", values)

    def _records(self) -> tuple[RecordSet, ...]:
        """What DNS should say now."""
        sites = [edge.site(self._serving.of(edge.name, edge.addresses)) for edge in self._edges.values()]
        return dns_records(sites, self._options.base_domain)

    async def _keep_records(self) -> None:
        """Keep the zone as planned; beside the turns, which a silent DNS server must not hold up."""
        wrong_in_a_row = 0
        while True:
            records = self._records()
            try:
                await self._nameserver.serve(records)
                wrong_in_a_row = wrong_in_a_row + 1 if self._nameserver.lacking(records) else 0
                fault = self._nameserver.fault
                if not fault and wrong_in_a_row > _WRONG_IS_NEWS:
                    fault = "does not answer as planned"
                self._narrator.fault("DNS", fault and f"the DNS server {fault}")
            except OSError as error:
                self._narrator.fault("DNS", f"the zone is not written: {disk_fault(error)}")
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(0.5):
                    await self._serving.changed.wait()
            self._serving.changed.clear()

    # ------------------------------------------------------------------------------------------ report

    async def _keep_statuses(self) -> None:
        """Write statuses beside the turns: many files take a while. What cannot be written is tried again."""
        while True:
            if not self._statuses.has_unwritten:
                await self._statuses_changed.wait()
            self._statuses_changed.clear()
            taken = self._statuses.take_unwritten()
            try:
                await asyncio.to_thread(self._statuses.write, taken)
            except OSError:
                self._statuses.give_back(taken)
                raise
            self._narrator.fault("writing the statuses", "")

    async def _report(self) -> None:
        """Look at the instances; tell, and write down, what changed."""
        if self._loaded is None:
            return
        self._reports = self._look()
        self._serving.update(self._reports, time.monotonic())
        self._narrator.addresses(self._reports)
        self._narrator.arrived(self._reports)
        opinions = self._opinions()
        seen = (self._taken_up, opinions, self._reports)
        if seen != self._seen:
            self._seen = seen
            knowledge = replace(self._knowledge, opinions=opinions)
            now = datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
            transitions = self._statuses.update(knowledge, self._reports, now)
            self._narrator.transitions(transitions, self._loaded)
            self._statuses_changed.set()
        ready = self._all_serve()
        self._write_summary(ready)
        if ready and not self._announced_ready:
            self._announced_ready = True
            self._narrator.say(self._ready_line())

    def _look(self) -> tuple[EdgeReport, ...]:
        now = time.time()
        told: dict[str, list[Any]] = {name: [] for name in self._edges}
        for instance in self._fleet.instances:
            told.setdefault(instance.wish.edge, []).append(instance.report(now))
        return tuple(EdgeReport(edge, tuple(addresses)) for edge, addresses in sorted(told.items()))

    def _opinions(self) -> Mapping[ObjectRef, tuple[Opinion, ...]]:
        """The conditions of Edges that only this process knows, beside those of kept objects."""
        opinions = dict(self._knowledge.opinions)
        lacking = self._nameserver.lacking(self._records())
        for name, edge in self._edges.items():
            ref = edge.edge.ref
            dns = _dns_opinion(name, edge, self._options.base_domain, lacking, self._nameserver.running)
            certificate = self._certificates.opinions.get(name)
            own = (dns,) if certificate is None else (certificate, dns)
            opinions[ref] = (*opinions.get(ref, ()), *own)
        return opinions

    def _all_serve(self) -> bool:
        """True if there is an edge, and every address of every edge serves the published table."""
        sequences = self._tables.sequences
        addresses = [(report.edge, each) for report in self._reports for each in report.addresses]
        return (
            bool(addresses)
            and all(each.ready and (each.revision or 0) >= sequences[edge] for edge, each in addresses)
            and self._nameserver.running
            and not self._nameserver.lacking(self._records())
        )

    def _ready_line(self) -> str:
        addresses = sum(len(report.addresses) for report in self._reports)
        trunks = len(self._loaded.resources.of(Trunk)) if self._loaded else 0
        dns, state = str(self._options.dns), str(self._state.root)
        return ready_line(len(self._reports), addresses, trunks, dns, state)

    def _write_summary(self, ready: bool) -> None:
        summary = {
            "pid": os.getpid(),
            "baseDomain": self._options.base_domain,
            "dns": str(self._options.dns),
            "paths": [os.path.abspath(path) for path in self._options.paths],
            "ready": ready,
            "edges": [
                {
                    "name": report.edge,
                    "sequence": self._tables.sequences.get(report.edge),
                    "addresses": [
                        {
                            "address": each.address,
                            "ready": each.ready,
                            "revision": each.revision,
                            "error": each.error,
                        }
                        for each in report.addresses
                    ],
                }
                for report in self._reports
            ],
        }
        if summary != self._summary:
            write_json(self._state.summary, summary)
            self._summary = summary


def _kept(fault: str) -> tuple[Opinion, ...]:
    """An object whose newest content is refused while its last good content is in force."""
    message = f"{fault}; the last good content stays in force"
    return (
        Opinion("Accepted", "False", StatusReason.KEPT_LAST_GOOD, message),
        Opinion("Programmed", "False", StatusReason.KEPT_LAST_GOOD, "the last good content stays in force"),
    )


def _dns_opinion(
    name: str, edge: LocalEdge, base_domain: str, lacking: tuple[str, ...], running: bool
) -> Opinion:
    if not running:
        return Opinion("DNSReady", "False", StatusReason.DNS_NOT_RUNNING, "the DNS server is not running")
    labels = [label for label in (name, edge.edge.spec.region) if label]
    mine = sorted(
        each for each in lacking if any(each.endswith(f".{label}.{base_domain}") for label in labels)
    )
    if mine:
        message = f"not yet answered as planned: {', '.join(mine[:3])}"
        return Opinion("DNSReady", "False", StatusReason.PROPAGATING, message)
    return Opinion(
        "DNSReady", "True", StatusReason.DNS_CORRECT, "the authoritative server answers as planned"
    )
