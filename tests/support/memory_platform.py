"""A home and a place in memory, for the one loop: with faults on demand, and with what outlives a process.

`MemorySecrets` is what an API server is to the real publisher, with the agents of the edges that follow it.
The compiler, the queue of rows, the publisher and the status book are the shipped ones. `MemoryPlace` and
`MemoryHome` are as forgetful as a process that ends.
"""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, cast

from sipedge.table import Row, Section
from sipedge.table.codec import unpack_row
from sipedge.table.publication import DATA_KEY, head_object, part_object, rows_of
from sipedge.table.revision import Staged, part_of, read_head, torn_parts
from trunkline.api import AnyResource, Edge, InvalidObject, ObjectRef, Platform
from trunkline.compiler.delta import Delta, InputChanges
from trunkline.controllers.publish import Publisher
from trunkline.controllers.published import PublishedSecrets
from trunkline.kube.client import KubeClient
from trunkline.kube.faults import ConflictError, KubeError, TransientError
from trunkline.kube.paths import Kind
from trunkline.reconcile.home import Sight
from trunkline.reconcile.place import Addresses, Observation, Publication
from trunkline.reconcile.reporter import Identities, Reporter
from trunkline.status.book import Identity
from trunkline.status.conditions import Condition
from trunkline.status.programmed import AddressReport, EdgeReport
from trunkline.status.recordings import Waiting
from trunkline.status.report import Status
from trunkline.status.stored import StoredStatus, stored_status

Manifest = dict[str, Any]

WRITE_SECONDS = 0.01
"""How long a write takes."""
WATCH_SECONDS = 0.002
"""From a write to its event."""
AGENT_SECONDS = 0.05
"""From a head to its acknowledgement."""
CLOCK = "2026-01-01T00:00:00Z"


@dataclass
class MemorySecrets:
    """Secrets with versions and conflicts, and what edges have taken of them."""

    stored: dict[str, Manifest] = field(default_factory=dict)
    taken: dict[str, Staged] = field(default_factory=dict)
    """Edge to the last whole revision that its agent saw."""
    writes: list[tuple[float, str]] = field(default_factory=list)
    """When, and which Secret."""
    refuses: Callable[[str], KubeError | None] = lambda name: None
    """Why a write of this Secret is refused."""
    hangs: bool = False
    """No write ever ends."""
    loses_answer: Callable[[str], bool] = lambda name: False
    """A write is done, and its answer is lost."""
    mirrors: list[PublishedSecrets] = field(default_factory=list)
    wakes: list[Callable[[], None]] = field(default_factory=list)
    version: int = 0

    # ------------------------------------------------------------------ as the publisher knows a client

    async def create(self, kind: Kind, manifest: Manifest) -> Manifest:
        """Raises ConflictError if it is there."""
        await self._begin(manifest["metadata"]["name"])
        if manifest["metadata"]["name"] in self.stored:
            raise ConflictError("it is there", 409)
        return self._end(manifest)

    async def apply(self, manifest: Manifest) -> Manifest:
        """Raises ConflictError if it was another version that was seen."""
        metadata = manifest["metadata"]
        await self._begin(metadata["name"])
        before = self.stored.get(metadata["name"])
        seen = metadata.get("resourceVersion")
        if seen is not None and (before is None or before["metadata"]["resourceVersion"] != seen):
            raise ConflictError("it is another version now", 409)
        return self._end(manifest)

    async def delete(self, kind: Kind, namespace: str, name: str) -> None:
        """Removed, if it is there."""
        await self._begin(name)
        self.remove(name)

    async def _begin(self, name: str) -> None:
        await asyncio.sleep(1e9 if self.hangs else WRITE_SECONDS)
        if (refusal := self.refuses(name)) is not None:
            raise refusal

    def _end(self, manifest: Manifest) -> Manifest:
        name = manifest["metadata"]["name"]
        self.version += 1
        metadata = {**manifest["metadata"], "resourceVersion": str(self.version)}
        self.stored[name] = {**manifest, "metadata": metadata}
        loop = asyncio.get_running_loop()
        self.writes.append((loop.time(), name))
        loop.call_later(WATCH_SECONDS, self._tell, self.stored[name])
        if name.endswith("-head"):
            loop.call_later(AGENT_SECONDS, self._acknowledge, name)
        if self.loses_answer(name):
            raise TransientError("no answer")
        return self.stored[name]

    def _tell(self, manifest: Manifest) -> None:
        for mirror in self.mirrors:
            mirror.change(manifest)

    def remove(self, name: str) -> None:
        """Somebody deletes it."""
        if (gone := self.stored.pop(name, None)) is not None:
            self.version += 1
            metadata = {**gone["metadata"], "resourceVersion": str(self.version)}
            for mirror in self.mirrors:
                mirror.remove({**gone, "metadata": metadata})

    def damage(self, name: str) -> None:
        """Somebody writes nonsense over it."""
        self.version += 1
        found = self.stored[name]
        metadata = {**found["metadata"], "resourceVersion": str(self.version)}
        self.stored[name] = {**found, "metadata": metadata, "data": {DATA_KEY: "AAAA"}}
        self._tell(self.stored[name])

    # ------------------------------------------------------------------------------- as edges know them

    def _acknowledge(self, head: str) -> None:
        edge = head.removeprefix("table-").removesuffix("-head")
        if head in self.stored and (staged := self.revision(edge)) is not None:
            assert staged.head.sequence >= (self.acknowledged(edge) or 0), "agents refuse a lower sequence"
            self.taken[edge] = staged
            for wake in self.wakes:
                wake()

    def acknowledged(self, edge: str) -> int | None:
        """The sequence that the edge's agent says it has."""
        staged = self.taken.get(edge)
        return staged.head.sequence if staged else None

    def revision(self, edge: str) -> Staged | None:
        """The whole revision of an edge; None if there is none, or it is torn."""
        data = self._data(head_object(edge))
        if data is None:
            return None
        head = read_head(data, edge, edge)
        parts = {name: part_of(self._data(part_object(edge, name)) or b"") for name in head.parts}
        return (
            None
            if torn_parts(head, parts)
            else Staged(head, {name: data for name, (_, data) in parts.items()})
        )

    def rows(self, edge: str) -> Mapping[tuple[Section, str], Row]:
        """The rows that an edge's agent has taken."""
        return {
            (section, key.decode()): unpack_row(section, row)
            for section, rows in rows_of(self.taken[edge].parts.values()).items()
            for key, row in rows.items()
        }

    def heads(self) -> Iterator[float]:
        """When heads were written."""
        return (moment for moment, name in self.writes if name.endswith("-head"))

    def _data(self, name: str) -> bytes | None:
        found = self.stored.get(name)
        return None if found is None else base64.b64decode(found["data"][DATA_KEY])


class MemoryPlace:
    """Publishes by the publisher of the cluster. An edge runs from the moment that it is asked for."""

    def __init__(self, secrets: MemorySecrets) -> None:
        self._secrets, self.running = secrets, dict[str, Edge]()
        self._wake: Callable[[], None] = lambda: None
        self.published = PublishedSecrets(lambda: self._wake())
        self.published.replace(list(secrets.stored.values()))
        secrets.mirrors.append(self.published)
        self._publisher = Publisher(cast("KubeClient", secrets), "edges", self.published, self._claimed)
        self.applied: list[list[str]] = []
        self.closed = False
        self._waiting: Waiting = ()

    def _claimed(self, edge: str) -> tuple[int, ...]:
        return tuple(filter(None, [self._secrets.acknowledged(edge)]))

    def addresses(self, edges: Mapping[str, Edge]) -> Addresses:
        return Addresses()

    async def apply(self, edges: Mapping[str, Edge]) -> Mapping[str, str]:
        if edges != self.running:
            self.running = dict(edges)
            self.applied.append(sorted(edges))
            self._wake()
        return {}

    def take(self, delta: Delta) -> None:
        self._publisher.take(delta)

    def start_over(self) -> None:
        self._publisher.start_over()

    async def publish(self) -> Publication:
        return await self._publisher.publish()

    def observed(self, edges: Mapping[str, Edge]) -> Observation:
        reports = []
        for name in sorted(edges.keys() & self.running.keys()):
            revision = self._secrets.acknowledged(name)
            said = AddressReport("192.0.2.1", revision is not None, revision, recordings=self._waiting)
            reports.append(EdgeReport(name, (said,)))
        return Observation(tuple(reports))

    def say_recordings_wait(self, *waiting: tuple[str, str]) -> None:
        """Each edge says so from now on."""
        self._waiting = waiting
        self._wake()

    def on_change(self, wake: Callable[[], None]) -> None:
        self._wake = wake
        self._secrets.wakes.append(wake)

    def freeze(self) -> None:
        """It hears of nothing any more."""
        self._secrets.mirrors.remove(self.published)

    async def close(self) -> None:
        self.closed = True
        self._secrets.wakes.remove(self._wake)


@dataclass(frozen=True)
class _Seen:
    """An object, as the status book wants to know it."""

    ref: ObjectRef
    identity: Identity
    stored: StoredStatus
    is_ending: bool = False


class MemoryHome:
    """Objects in a dict. A status is stored the moment that the book says it is due."""

    platform = Platform("trunkline.test")

    def __init__(self) -> None:
        self.objects: dict[ObjectRef, AnyResource | InvalidObject] = {}
        self.statuses: dict[ObjectRef, Status] = {}
        self.stored: list[ObjectRef] = []
        """Whose status was stored, each time."""
        self.whole = True
        self.permitted = asyncio.Event()
        self.permitted.set()
        self.faults: list[tuple[str, str]] = []
        self.turns: list[str] = []
        """How each turn ended."""
        self.closed = False
        self._changed: dict[ObjectRef, AnyResource | InvalidObject | None] = {}
        self._reporter = Reporter()
        self._wake: Callable[[], None] = lambda: None

    def put(self, *objects: AnyResource | InvalidObject) -> None:
        """They are new, or other ones now."""
        for each in objects:
            self.objects[each.ref] = self._changed[each.ref] = each
            self._see(each.ref)
        self._wake()

    def remove(self, ref: ObjectRef) -> None:
        """Somebody deletes it."""
        del self.objects[ref]
        self._changed[ref] = None
        self.statuses.pop(ref, None)
        self._reporter.book.gone([ref])
        self._wake()

    def _see(self, ref: ObjectRef) -> None:
        status = self.statuses.get(ref)
        stored = stored_status(status.to_dict() if status else {})
        self._reporter.book.see([_Seen(ref, ("uid", self.objects[ref].generation), stored)])

    async def may_act(self) -> None:
        await self.permitted.wait()

    async def changes(self) -> InputChanges | None:
        if not self.whole:
            return None
        taken, self._changed = self._changed, {}
        self._reporter.note(
            {ref: None if each is None else ("uid", each.generation) for ref, each in taken.items()}
        )
        return InputChanges(taken)

    def start_over(self) -> None:
        self._changed = dict(self.objects)

    def still_there(self, served: Mapping[str, Edge]) -> Mapping[str, Edge]:
        return {name: edge for name, edge in served.items() if edge.ref in self.objects}

    def ending(self, served: Mapping[str, Edge]) -> Mapping[str, Edge]:
        return {}

    def unreadable_namespaces(self) -> frozenset[str]:
        return frozenset()

    def compiled(self, delta: Delta) -> Identities:
        return self._reporter.compiled(delta)

    def published(self, delta: Delta, note: Identities, publication: Publication) -> None:
        self._reporter.published(delta, note, publication, asyncio.get_running_loop().time())

    async def report(self, sight: Sight) -> float | None:
        self._reporter.report(sight, {}, {})
        book, now = self._reporter.book, asyncio.get_running_loop().time()
        for due in book.due(now, CLOCK):
            self.statuses[due.seen.ref] = due.status
            self.stored.append(due.seen.ref)
            self._see(due.seen.ref)
            book.wrote(due, due.status.to_dict(), now)
        moment = book.next_look()
        return None if moment is None else max(0.0, moment - now)

    def fault(self, topic: str, fault: str) -> None:
        if fault:
            self.faults.append((topic, fault))

    def describe(self, error: Exception) -> str:
        return type(error).__name__

    def turned(self, fault: str, seconds: float) -> None:
        self.turns.append(fault)

    def on_change(self, wake: Callable[[], None]) -> None:
        self._wake = wake

    async def run(self) -> None:
        await asyncio.Event().wait()

    async def close(self) -> None:
        self.closed = True

    def condition(self, ref: ObjectRef, kind: str) -> Condition:
        """One condition of an object's status, which must be there."""
        found = self.statuses[ref].condition(kind)
        assert found is not None
        return found
