"""The reconcile loop: gather, compile, plan, apply, publish, report.

Level-triggered: a turn compares all that is wished with all that is, so a lost event, a lost write and a
restart all end in the same few lines.
"""

from __future__ import annotations

import asyncio
import contextlib
import datetime
import logging
import random
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sipedge.fault import describe_fault
from sipedge.table import Section
from trunkline.api import CredentialList, Edge, ObjectRef, Platform, Resources
from trunkline.compiler import Compilation, ConditionType, Verdict, compile_resources
from trunkline.controllers.children import Children
from trunkline.controllers.edge_faults import EdgeFaults
from trunkline.controllers.events import Events
from trunkline.controllers.evictions import Evictions
from trunkline.controllers.finalizers import Finalizers
from trunkline.controllers.internal_errors import report_internal_errors
from trunkline.controllers.metrics import Metrics
from trunkline.controllers.oversized import oversized_opinions
from trunkline.controllers.progress import Progress
from trunkline.controllers.publish import Outcome, OvertakenError, Publisher
from trunkline.controllers.seams import Manifest, ServedEdge
from trunkline.controllers.secrets import named_secrets
from trunkline.controllers.served_edges import still_there
from trunkline.controllers.side_work import SideWork
from trunkline.controllers.status_writer import StatusWriter
from trunkline.controllers.statuses import Due, Knowledge, StatusBook
from trunkline.controllers.watchdog import Watchdog
from trunkline.controllers.world import World
from trunkline.kube.backoff import Backoffs
from trunkline.kube.client import KubeClient
from trunkline.kube.faults import KubeError
from trunkline.kube.lease import LeaseLock
from trunkline.kube.paths import OURS
from trunkline.plan.finalizers import FINALIZER
from trunkline.settings import OperatorSettings
from trunkline.status.conditions import Opinion
from trunkline.status.pod_reports import PodsReport, lease_ignored
from trunkline.status.programmed import EdgeReport
from trunkline.status.reasons import StatusReason
from trunkline.status.report import by_object

log = logging.getLogger(__name__)

COALESCE_SECONDS: Final = 0.007
"""Changes that come together are compiled together."""
PUBLICATION_SECONDS: Final = 0.1
"""At most ten publications a second; the first one at once."""
_SOON_SECONDS: Final = 0.25
"""How often statuses that wait for their time are looked at."""


@dataclass(frozen=True, slots=True, eq=False)
class _Compiled:
    """A compilation, and what it is of. Equal only to itself."""

    inputs: object
    identities: Mapping[ObjectRef, tuple[str, int]]
    """Which version of each object was compiled."""
    resources: Resources
    compilation: Compilation
    verdicts: Mapping[ObjectRef, tuple[Verdict, ...]]
    edges: Mapping[str, Edge]


class Loop:
    """One term of leadership. Everything that it remembers can be found out again."""

    def __init__(
        self,
        settings: OperatorSettings,
        client: KubeClient,
        world: World,
        watchdog: Watchdog,
        lease: LeaseLock,
        children: Children,
        side_work: SideWork,
        metrics: Metrics,
        served: Mapping[str, Edge],
        ended: Callable[[str], None],
    ) -> None:
        """`served` has each Edge as its pods were made for it; `ended` hears why a turn failed, or ""."""
        self._ended = ended
        self._watchdog = watchdog
        self._settings, self._world, self._lease = settings, world, lease
        self._children, self._side_work, self._metrics = children, side_work, metrics
        self._finalizers = Finalizers(client, side_work.cleanliness, world.noted)
        self._evictions = Evictions(client, settings.edge_namespace, world.pods)
        self._publisher = Publisher(client, settings.edge_namespace, world.published, world.pods.claimed)
        self._book = StatusBook()
        events = Events(client, settings.identity)
        self._writer = StatusWriter(client, world.noted, self._wrote, events.tell, world.wake)
        self._progress = Progress(metrics)
        self._served_edges, self._losses = served, 0
        self._compiled: _Compiled | None = None
        self._revision: object = None
        self._inputs: object = None
        self._identities: Mapping[ObjectRef, tuple[str, int]] = {}
        self._learned: object = None
        self._edge_faults = EdgeFaults(metrics)
        self._pods: dict[str, PodsReport] = {}
        self._served_now: dict[str, ServedEdge] = {}
        self._reports: tuple[EdgeReport, ...] = ()
        self._outcome = Outcome(0)
        self._published_at = float("-inf")
        self._waits = False
        self._dropped: set[tuple[str, str]] = set()

    async def run(self) -> None:
        """Until cancelled. Raises OvertakenError."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._writer.run())
            group.create_task(self._turns())
            group.create_task(self._side_work.run(self._world.wake))

    async def _turns(self) -> None:
        backoffs = iter(Backoffs())
        while True:
            await self._lease.held()
            began = time.monotonic()
            self._edge_faults.begin()
            try:
                await self.turn()
                fault = self._fault()
            except OvertakenError:
                raise
            except KubeError as error:
                fault = f"a turn failed: {error}"
                log.warning("%s", fault)
            except Exception as error:
                # Of this turn alone: what is published stays, and the next turn begins from what is.
                fault = f"a turn failed: {describe_fault(error)}"
                log.error("%s", fault)
            well = not fault
            self._ended(fault)
            self._metrics.turns.labels("success" if well else "error").inc()
            self._metrics.turn_seconds.observe(time.monotonic() - began)
            if well:
                backoffs = iter(Backoffs())
                await self._pause(_SOON_SECONDS if self._waits else random.uniform(30, 60))  # noqa: S311
            else:
                await asyncio.sleep(next(backoffs))

    def _fault(self) -> str:
        """What went wrong in this turn at single Edges; "" if nothing."""
        faults = {**self._outcome.faults, **self._children.faults, **self._edge_faults.now}
        return "; ".join(f"Edge {edge}: {fault}" for edge, fault in sorted(faults.items()))

    async def _pause(self, longest: float) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(longest):
                await self._world.changed.wait()
        await asyncio.sleep(COALESCE_SECONDS)

    async def turn(self) -> None:
        """One turn; cheap if nothing has changed. Raises OvertakenError."""
        self._world.changed.clear()
        if not await self._watchdog.is_whole():
            # All stays as it is. When it is whole again the watchdog wakes this loop.
            if "Edge" in self._watchdog.missing:
                await self._finalizers.let_go(self._world.store.of("Edge"))
            return
        resources = self._gather()
        compiled = await self._compile(resources)
        children = self._plan(compiled)
        await self._apply(children, compiled.edges)
        await self._publish(compiled)
        self._report(compiled)
        # Only where the new list of addresses is there for the pod that begins.
        await self._evictions.become(
            {name: edge for name, edge in compiled.edges.items() if name not in self._children.faults}
        )

    # --------------------------------------------------------------------- gather, compile, plan, apply

    def _gather(self) -> Resources | None:
        """Everything that the compiler may see; None if it is what the last turn saw."""
        revision = self._world.revision()
        if revision == self._revision:
            return None
        objects, invalid = self._world.store.contents()
        self._identities = {seen.ref: seen.identity for seen in self._world.store.all()}
        secrets = named_secrets(objects, self._world.secrets.values(), self._settings.system_namespace)
        self._revision, self._inputs = revision, (self._world.inputs(), secrets)
        if self._compiled is not None and self._compiled.inputs == self._inputs:
            # A Secret has changed that nothing names.
            return None
        namespaces = {each.metadata.namespace or "" for each in objects if isinstance(each, CredentialList)}
        self._served_edges = still_there(self._served_edges, self._world.store.snapshot())
        edges = {each.metadata.name: each for each in objects if isinstance(each, Edge)}
        places = {**self._served_edges, **edges}
        return Resources.build(
            objects,
            secrets,
            invalid,
            Platform(
                self._settings.base_domain,
                self._settings.denied_target_cidrs,
                self._settings.system_namespace,
            ),
            {name: self._addresses(edge) for name, edge in places.items()},
            self._world.nodes.advertised(places.values()),
            self._world.secrets.unreadable(namespaces),
            self._served_edges,
        )

    def _addresses(self, edge: Edge) -> tuple[str, ...]:
        """Where callers reach the pods of an Edge that lists no addresses."""
        return self._world.pods.addresses(edge, self._world.nodes.known)

    async def _compile(self, resources: Resources | None) -> _Compiled:
        if resources is None and self._compiled is not None:
            return self._compiled
        assert resources is not None  # noqa: S101 - the first turn gathers
        inputs, identities = self._inputs, self._identities
        self._progress.seen(self._world.take_first_change())
        # In a thread, so that the Lease is renewed and watches are read meanwhile.
        compilation = await asyncio.to_thread(compile_resources, resources)
        before = self._compiled.compilation.faults if self._compiled is not None else ()
        report_internal_errors(compilation.faults, before, self._metrics)
        verdicts = by_object(compilation.verdicts)
        self._served_edges = {**self._served_edges, **compilation.edges}
        self._compiled = _Compiled(inputs, identities, resources, compilation, verdicts, compilation.edges)
        return self._compiled

    def _plan(self, compiled: _Compiled) -> Sequence[Manifest]:
        """What should exist in the edge namespace beside tables."""
        return self._children.plan({**self._ending_edges(), **compiled.edges})

    def _ending_edges(self) -> Mapping[str, Edge]:
        """Deleted Edges whose pods go on until DNS does not name them any more."""
        ending = (
            self._served_edges.get(seen.ref.name, seen.content)
            for seen in self._world.store.of("Edge")
            if seen.is_ending and FINALIZER in seen.finalizers
        )
        return {edge.metadata.name: edge for edge in ending if isinstance(edge, Edge)}

    async def _apply(self, manifests: Sequence[Manifest], accepted: Iterable[str]) -> None:
        if self._world.losses.count != self._losses:
            self._losses = self._world.losses.count
            self._children.look_again()
            self._side_work.look_again()
        await self._children.become(manifests)
        await self._finalizers.become(self._world.store.of("Edge"), accepted)

    # --------------------------------------------------------------------------------- publish, report

    async def _publish(self, compiled: _Compiled) -> None:
        rest = PUBLICATION_SECONDS - (time.monotonic() - self._published_at)
        if rest > 0:
            await asyncio.sleep(rest)
        self._outcome = await self._publisher.publish(compiled.compilation.tables)
        sequences = self._publisher.sequences(compiled.compilation.tables)
        if self._outcome.written:
            self._published_at = time.monotonic()
            self._metrics.writes.labels("Secret").inc(self._outcome.written)
            log.info(
                "published %s", ", ".join(f"{edge} {number}" for edge, number in sorted(sequences.items()))
            )
        for edge, fault in self._outcome.failed.items():
            self._edge_faults.add(edge, fault)
        for edge, fault in sorted(self._outcome.faults.items()):
            log.warning("the table of %s is not published: %s", edge, fault, extra={"object": f"Edge {edge}"})
        if not self._outcome.faults:
            self._progress.published(sequences, self._outcome.written > 0)

    def _report(self, compiled: _Compiled) -> None:
        """Offer each status that should be written to the writer."""
        now = time.monotonic()
        self._look_at_pods(compiled)
        self._side_work.wish(list(self._served_now.values()), compiled.resources)
        self._learn(compiled, now)
        self._book.hear(self._reports)
        self._progress.acknowledged(self._reports)
        clock = datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        seen = self._world.store.snapshot()
        dues = {due.seen.ref: due for due in self._book.due(seen, now, clock)}
        self._waits = self._book.waits
        self._writer.offer(dues)
        self._count(compiled)

    def _learn(self, compiled: _Compiled, now: float) -> None:
        opinions = self._opinions(compiled)
        sequences = self._publisher.sequences(compiled.compilation.tables)
        facts = {
            **compiled.compilation.facts,
            **{edge.ref: self._edge_facts(edge.ref) for edge in compiled.edges.values()},
        }
        learned = (compiled, opinions, sequences, facts)
        if learned != self._learned:
            knowledge = Knowledge(compiled.verdicts, facts, sequences, compiled.identities, opinions)
            self._book.learn(self._world.store.all(), knowledge, now)
            self._learned = learned

    def _opinions(self, compiled: _Compiled) -> Mapping[ObjectRef, tuple[Opinion, ...]]:
        opinions = dict(oversized_opinions(compiled.compilation.tables, self._outcome.oversized))
        for name, edge in compiled.edges.items():
            own: tuple[Opinion, ...] = ()
            with self._edge_faults.at(name):
                ignored = lease_ignored(self._pods[name].ignored) if name in self._pods else None
                own = (
                    *_kept(compiled.verdicts.get(edge.ref, ())),
                    *self._side_work.opinions(name),
                    *self._remembered(edge.ref),
                    *([ignored] if ignored else []),
                    *self._world.pods.opinions(name),
                    *self._children.opinions(name),
                )
            own += self._edge_faults.opinions(name)
            if own:
                opinions[edge.ref] = (*opinions.get(edge.ref, ()), *own)
        return opinions

    def _remembered(self, ref: ObjectRef) -> Iterator[Opinion]:
        """What the status says of conditions that are not decided yet: after a restart they still hold."""
        seen = self._world.store.get(ref)
        stored = (seen.status.get("conditions") or ()) if seen is not None else ()
        for kind in self._side_work.silent_on(ref.name):
            for each in stored:
                if each.get("type") == kind:
                    yield Opinion(kind, each["status"], each["reason"], each["message"])

    def _edge_facts(self, ref: ObjectRef) -> Mapping[str, Any]:
        """Fields of an Edge's status that the compiler does not know."""
        facts = self._side_work.facts(ref.name)
        seen = self._world.store.get(ref)
        if not facts and seen is not None and "DNSReady" in self._side_work.silent_on(ref.name):
            return {key: value for key, value in seen.status.items() if key == "dnsRecords"}
        return facts

    def _look_at_pods(self, compiled: _Compiled) -> None:
        """What each Edge's pods serve. Of an Edge where that fails the last that is known stays."""
        pods, served = dict[str, PodsReport](), dict[str, ServedEdge]()
        for name, edge in sorted(compiled.edges.items()):
            if name in self._pods and name in self._served_now:
                pods[name], served[name] = self._pods[name], self._served_now[name]
            with self._edge_faults.at(name):
                found = self._world.pods.report(
                    edge, self._world.nodes.known, self._publisher.published(name)
                )
                told = self._pods.get(name)
                if found.ignored and (told is None or told.ignored != found.ignored):
                    log.warning("not believed: %s", "; ".join(found.ignored), extra={"object": str(edge.ref)})
                addresses = edge.spec.advertise.addresses or self._addresses(edge)
                ready = tuple(each.address for each in found.report.serving)
                domains = tuple(sorted(compiled.compilation.tables[name].sections.get(Section.DOMAIN, {})))
                pods[name], served[name] = found, ServedEdge(edge, addresses, ready, domains)
        self._pods, self._served_now = pods, served
        self._reports = tuple(each.report for each in pods.values())

    def _wrote(self, due: Due, stored: Mapping[str, Any]) -> None:
        kind = due.seen.ref.kind
        for field in self._book.wrote(due, stored, time.monotonic()):
            if (kind, field) not in self._dropped:
                self._dropped.add((kind, field))
                log.warning(
                    "the CRD of %s drops status.%s: it is not this version's; apply the CRDs of this version",
                    OURS[kind].plural,
                    field,
                )
        self._metrics.writes.labels(kind).inc()

    def _count(self, compiled: _Compiled) -> None:
        self._metrics.look_at_certificates()
        for report in self._reports:
            serving = len(report.serving)
            self._metrics.addresses.labels(report.edge, "true").set(serving)
            self._metrics.addresses.labels(report.edge, "false").set(len(report.offered) - serving)
        for edge, sequence in self._publisher.sequences(compiled.compilation.tables).items():
            self._metrics.sequence.labels(edge).set(sequence)


def _kept(verdicts: Iterable[Verdict]) -> Iterator[Opinion]:
    """What to say of an Edge that is served although its newest version is refused."""
    if any(verdict.type == ConditionType.ACCEPTED and not verdict.status for verdict in verdicts):
        message = "the newest version is refused; pods and DNS records go on by the last good one"
        yield Opinion("Programmed", "False", StatusReason.KEPT_LAST_GOOD, message)
