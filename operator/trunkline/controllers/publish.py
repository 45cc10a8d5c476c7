"""Edge tables to Secrets: parts first, each head last and only if nobody else wrote it meanwhile."""

from __future__ import annotations

import asyncio
import base64
import time
from collections.abc import Callable, Coroutine, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from sipedge.fault import describe_fault
from sipedge.table import EdgeTable
from sipedge.table.publication import (
    DATA_KEY,
    SHARED,
    TABLE_LABEL,
    Head,
    head_object,
    is_own_part,
    part_object,
)
from sipedge.table.rows import SCHEMA
from trunkline.controllers.packing import Packer, Part
from trunkline.controllers.published import PublishedSecrets
from trunkline.kube.client import KubeClient, Manifest
from trunkline.kube.faults import ConflictError, KubeError
from trunkline.kube.paths import SECRETS
from trunkline.plan.workload_names import EDGE_LABEL, MANAGED_BY
from trunkline.status.pod_claim import next_sequence

LARGEST_PART: Final = 1024 * 1024 * 8 // 10
"""Bytes: 80 % of what an API server takes as the data of one Secret."""
AT_ONCE: Final = 16
"""Writes under way at the same time."""
LIFT_SECONDS: Final = 60.0
"""At most once in this time a head is written for nothing but that a pod says it has a higher sequence."""


class OvertakenError(Exception):
    """Another operator wrote a head."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a publication came to."""

    written: int
    """Secrets written or removed."""
    faults: Mapping[str, str] = field(default_factory=dict)
    """Edge to why its newest table is not published."""
    oversized: Mapping[str, int] = field(default_factory=dict)
    """Part to its size in bytes: its last good content stays published."""
    failed: Mapping[str, str] = field(default_factory=dict)
    """Those of `faults` that nobody foresaw."""


class Publisher:
    """Makes the published tables equal to the compiled ones. What it knows is what the API server has."""

    def __init__(
        self,
        client: KubeClient,
        namespace: str,
        published: PublishedSecrets,
        claimed: Callable[[str], Iterable[int]],
    ) -> None:
        """`claimed` tells the sequences that an edge's pods say they have: agents refuse lower ones."""
        self._client, self._namespace = client, namespace
        self._published = published
        self._claimed = claimed
        self._lifted_at: dict[str, float] = {}
        self._packer = Packer()
        self._pending: frozenset[str] = frozenset()

    def sequences(self, edges: Iterable[str]) -> Mapping[str, int]:
        """Edge to the sequence that contains the newest table, published or still to be."""
        return {
            edge: self._next_sequence(edge) if edge in self._pending else self._sequence(edge)
            for edge in edges
        }

    def published(self, edge: str) -> int:
        """The sequence of the edge's head, as the API server has it; 0 if there is none."""
        return self._sequence(edge)

    async def publish(self, tables: Mapping[str, EdgeTable]) -> Outcome:
        """Write what differs. Raises OvertakenError; other faults of the API are in the outcome."""
        self._pending = frozenset(tables)
        self._packer.forget(tables)
        shared = self._packer.shared(tables)
        failed: dict[str, str] = {}
        own = self._own(tables, failed)
        oversized: dict[str, int] = {}
        wanted_shared = self._within_bounds("", shared, oversized)
        wanted = {edge: self._within_bounds(edge, parts, oversized) for edge, parts in own.items()}
        shared_writes = self._part_writes(SHARED, shared, wanted_shared)
        written, fault = await _all(shared_writes)
        faults: dict[str, str] = dict.fromkeys(tables, fault) if fault else {}
        if not fault:
            for edge, parts in own.items():
                try:
                    count, own_fault = await self._publish_edge(
                        edge, parts, {**wanted_shared, **wanted[edge]}
                    )
                except OvertakenError:
                    raise
                except Exception as error:
                    count, own_fault = 0, describe_fault(error)
                    failed[edge] = own_fault
                written += count
                if own_fault:
                    faults[edge] = own_fault
        faults.update(failed)
        self._pending = frozenset(faults)
        if not faults:
            written += await self._remove_strangers(wanted_shared, wanted)
        return Outcome(written, faults, oversized, failed)

    def _own(self, tables: Mapping[str, EdgeTable], failed: dict[str, str]) -> dict[str, Mapping[str, Part]]:
        """The parts of each edge's own; an edge that cannot be packed is `failed`, and costs no other."""
        own: dict[str, Mapping[str, Part]] = {}
        for edge, table in tables.items():
            try:
                own[edge] = self._packer.own(table)
            except Exception as error:
                failed[edge] = describe_fault(error)
        return own

    async def _publish_edge(
        self, edge: str, own: Mapping[str, Part], wanted: Mapping[str, bytes]
    ) -> tuple[int, str]:
        own_wanted = {name: digest for name, digest in wanted.items() if is_own_part(name)}
        written, fault = await _all(self._part_writes(edge, own, own_wanted))
        if fault:
            return written, fault
        before = self._published.head(head_object(edge))
        is_current = before is not None and (before.schema, before.edge, before.parts) == (
            SCHEMA,
            edge,
            wanted,
        )
        if is_current and not self._must_lift(edge):
            return written, ""
        head = Head(SCHEMA, edge, self._next_sequence(edge), dict(sorted(wanted.items())))
        try:
            await self._write_head(edge, head)
        except ConflictError as error:
            raise OvertakenError(f"the table of {edge} was written by somebody else: {error}") from error
        except KubeError as error:
            return written, str(error)
        return written + 1, ""

    async def _write_head(self, edge: str, head: Head) -> None:
        name = head_object(edge)
        manifest = self._manifest(edge, name, head.pack())
        stored = self._published.get(name)
        if stored is None:
            self._published.wrote(await self._client.create(SECRETS, manifest))
            return
        manifest["metadata"]["resourceVersion"] = stored.version
        self._published.wrote(await self._client.apply(manifest))

    def _sequence(self, edge: str) -> int:
        head = self._published.head(head_object(edge))
        return head.sequence if head is not None else 0

    def _next_sequence(self, edge: str) -> int:
        return next_sequence(self._sequence(edge), self._claimed(edge))

    def _must_lift(self, edge: str) -> bool:
        """Whether the head is an older one, of before a restore: pods wait for one above what they have."""
        if self._next_sequence(edge) == self._sequence(edge) + 1:
            return False
        now = time.monotonic()
        if now - self._lifted_at.get(edge, float("-inf")) < LIFT_SECONDS:
            return False
        self._lifted_at[edge] = now
        return True

    def _within_bounds(
        self, edge: str, parts: Mapping[str, Part], oversized: dict[str, int]
    ) -> dict[str, bytes]:
        """The hash to publish of each part; of one that is too large, that of its last good content."""
        wanted = {}
        for name, part in parts.items():
            if len(part.data) <= LARGEST_PART:
                wanted[name] = part.digest
                continue
            oversized[part_object(edge, name)] = len(part.data)
            stored = self._published.get(part_object(edge, name))
            if stored is not None:
                wanted[name] = stored.digest
        return wanted

    def _part_writes(
        self, edge: str, parts: Mapping[str, Part], wanted: Mapping[str, bytes]
    ) -> list[Coroutine[Any, Any, None]]:
        writes: list[Coroutine[Any, Any, None]] = []
        for name, digest in wanted.items():
            stored = self._published.get(part_object(edge, name))
            if stored is None or stored.digest != digest:
                writes.append(self._write_part(edge, part_object(edge, name), parts[name].data))
        return writes

    async def _write_part(self, edge: str, name: str, data: bytes) -> None:
        self._published.wrote(await self._client.apply(self._manifest(edge, name, data)))

    def _manifest(self, edge: str, name: str, data: bytes) -> Manifest:
        labels = {**MANAGED_BY, TABLE_LABEL: edge}
        if edge != SHARED:
            labels[EDGE_LABEL] = edge
        return {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": name, "namespace": self._namespace, "labels": labels},
            "type": "Opaque",
            "data": {DATA_KEY: base64.b64encode(data).decode()},
        }

    async def _remove_strangers(
        self, shared: Mapping[str, bytes], own: Mapping[str, Mapping[str, bytes]]
    ) -> int:
        """Remove parts that no head names any more, and tables of edges that are gone: they hold hashes."""
        kept = {part_object("", name) for name in shared}
        for edge, parts in own.items():
            kept.add(head_object(edge))
            kept.update(part_object(edge, name) for name in parts)
        removals: list[Coroutine[Any, Any, None]] = [
            self._client.delete(SECRETS, self._namespace, name)
            for name in sorted(self._published.names() - kept)
        ]
        removed, _ = await _all(removals)
        return removed


async def _all(writes: list[Coroutine[Any, Any, None]]) -> tuple[int, str]:
    """How many of the writes were done, and the first fault: after that no other is begun."""
    waiting = iter(writes)
    faults: list[KubeError] = []
    done = 0

    async def work() -> None:
        nonlocal done
        while not faults and (write := next(waiting, None)) is not None:
            try:
                await write
                done += 1
            except KubeError as fault:
                faults.append(fault)

    ends = await asyncio.gather(*(work() for _ in range(AT_ONCE)), return_exceptions=True)
    for write in waiting:
        write.close()
    for end in ends:
        if end is not None:
            raise end
    return done, str(faults[0]) if faults else ""
