"""Tables to Secrets: parts first, each head last and only if nobody else wrote it meanwhile."""

from __future__ import annotations

import asyncio
import base64
import time
from collections.abc import Callable, Coroutine, Iterable, Mapping
from typing import Any, Final

from sipedge.fault import describe_fault
from sipedge.table import SCHEMA
from sipedge.table.publication import (
    DATA_KEY,
    SHARED,
    TABLE_LABEL,
    Head,
    group_of_part,
    head_object,
    part_object,
)
from trunkline.compiler.delta import Delta
from trunkline.controllers.published import PublishedSecrets
from trunkline.controllers.queued import QueuedRows
from trunkline.kube.client import KubeClient, Manifest
from trunkline.kube.faults import ConflictError, KubeError
from trunkline.kube.paths import SECRETS
from trunkline.plan.workload_names import EDGE_LABEL, MANAGED_BY
from trunkline.publication.packer import PartKey
from trunkline.publication.revision import too_large
from trunkline.reconcile.place import OvertakenError, Publication
from trunkline.status.pod_claim import next_sequence

AT_ONCE: Final = 16
"""Writes under way at the same time."""
LIFT_SECONDS: Final = 60.0
"""At most once in this time a head is written for nothing but that a pod says it has a higher sequence."""


class Publisher:
    """Makes the published tables what the queue says. What it knows is what the API server has."""

    def __init__(
        self,
        client: KubeClient,
        namespace: str,
        published: PublishedSecrets,
        claimed: Callable[[str], Iterable[int]],
        schema: Callable[[str], int] = lambda _: SCHEMA,
    ) -> None:
        """`claimed` tells the sequences that an edge's pods say they have: agents refuse lower ones.

        `schema` tells in which schema an edge's table is to be written.
        """
        self._client, self._namespace, self._published = client, namespace, published
        self._claimed, self._schema = claimed, schema
        self._lifted_at: dict[str, float] = {}
        self._rows = self._current = QueuedRows()
        """What was taken, and what is being published of it: another once all begins anew."""
        self._pending: frozenset[str] = frozenset()
        self.failed: Mapping[str, str] = {}
        """Edge to a fault of its newest table that nobody foresaw."""

    def take(self, delta: Delta) -> None:
        """Remember what has to be published."""
        self._rows.take(delta)

    def start_over(self) -> None:
        """Nothing was taken yet: what comes next is everything."""
        self._rows = QueuedRows()

    def sequences(self, edges: Iterable[str]) -> Mapping[str, int]:
        """Edge to the sequence that contains the newest revision, published or still to be."""
        return {
            edge: self._next_sequence(edge) if edge in self._pending else self.published(edge)
            for edge in edges
        }

    def published(self, edge: str) -> int:
        """The sequence of the edge's head, as the API server has it; 0 if there is none."""
        head = self._published.head(head_object(edge))
        return head.sequence if head is not None else 0

    async def publish(self) -> Publication:
        """Write what differs from the next revision. Raises OvertakenError; other faults are values."""
        rows = self._rows
        if rows.is_empty:
            # What is published must not be taken for what nobody wants.
            return Publication()
        self._current = rows
        revision = await rows.advance(self._schema, self._unwritten)
        queue = rows.queue
        self._pending = frozenset(queue.edges)
        failed, faults = dict(queue.faults), dict[str, str]()
        shared = {part for parts in revision.heads.values() for part in parts.values() if not part[0]}
        written, fault = await _all(
            [self._write_part(part) for part in sorted(shared) if self._differs(part)]
        )
        if fault:
            faults = dict.fromkeys(queue.edges, fault)
        else:
            for edge, parts in revision.heads.items():
                try:
                    count, fault = await self._publish_edge(edge, parts)
                except OvertakenError:
                    raise
                except Exception as error:
                    count, fault = 0, describe_fault(error)
                    failed[edge] = fault
                written += count
                if fault:
                    faults[edge] = fault
        faults.update(failed)
        self.failed = failed
        self._pending = frozenset(faults)
        if not faults:
            written += await self._remove_strangers()
            queue.forget_bytes()
        sequences = self.sequences(queue.edges)
        return Publication(
            written,
            sequences,
            queue.last_row(sequences),
            faults,
            queue.left_out,
            {**queue.opinions, **too_large(revision)},
            queue.waiting,
        )

    # ----------------------------------------------------------------------------------------- heads

    async def _publish_edge(self, edge: str, parts: Mapping[str, PartKey]) -> tuple[int, str]:
        own = [part for part in parts.values() if part[0]]
        written, fault = await _all([self._write_part(part) for part in own if self._differs(part)])
        if fault:
            return written, fault
        wanted = {name: digest for name, part in parts.items() if (digest := self._wanted(part))}
        before = self._published.head(head_object(edge))
        schema = self._schema(edge)
        is_current = before is not None and (before.schema, before.edge, before.parts) == (
            schema,
            edge,
            wanted,
        )
        if is_current and not self._must_lift(edge):
            return written, ""
        epoch = self._epoch(before, is_older=self._is_older(edge))
        try:
            head = Head(schema, edge, self._next_sequence(edge), wanted, epoch)
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

    def _next_sequence(self, edge: str) -> int:
        return next_sequence(self.published(edge), self._claimed(edge))

    def _is_older(self, edge: str) -> bool:
        """Whether the head is an older one, of before a restore: pods have a higher sequence."""
        return self._next_sequence(edge) > self.published(edge) + 1

    def _must_lift(self, edge: str) -> bool:
        """Whether a head is written for nothing but that pods wait for one above what they have."""
        now = time.monotonic()
        if not self._is_older(edge) or now - self._lifted_at.get(edge, float("-inf")) < LIFT_SECONDS:
            return False
        self._lifted_at[edge] = now
        return True

    @staticmethod
    def _epoch(before: Head | None, *, is_older: bool) -> int:
        """A later one where agents may have a higher sequence: the head is an older one, or was lost."""
        if before is not None and not is_older:
            return before.epoch
        return max(int(time.time()), before.epoch + 1 if before is not None else 0)

    # ----------------------------------------------------------------------------------------- parts

    def _unwritten(self) -> list[PartKey]:
        return [part for part in self._current.revision.parts if self._differs(part)]

    def _wanted(self, part: PartKey) -> bytes | None:
        """The hash to publish of a part; of one that is too large, that of its last good content, if any."""
        if part not in self._current.revision.too_large:
            return self._current.revision.parts[part]
        stored = self._published.get(part_object(*part))
        return stored.digest if stored is not None else None

    def _differs(self, part: PartKey) -> bool:
        stored, wanted = self._published.get(part_object(*part)), self._wanted(part)
        return wanted is not None and (stored is None or stored.digest != wanted)

    async def _write_part(self, part: PartKey) -> None:
        edge, name = part
        label = edge or group_of_part(name) or SHARED
        manifest = self._manifest(label, part_object(edge, name), self._current.queue.data(part), edge)
        self._published.wrote(await self._client.apply(manifest))

    def _manifest(self, label: str, name: str, data: bytes, edge: str | None = None) -> Manifest:
        labels = {**MANAGED_BY, TABLE_LABEL: label}
        if owner := label if edge is None else edge:
            labels[EDGE_LABEL] = owner
        return {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": name, "namespace": self._namespace, "labels": labels},
            "type": "Opaque",
            "data": {DATA_KEY: base64.b64encode(data).decode()},
        }

    async def _remove_strangers(self) -> int:
        """Remove parts that no head names any more, and tables of edges that are gone: they hold hashes."""
        kept = {head_object(edge) for edge in self._current.revision.heads}
        kept.update(
            part_object(*part) for parts in self._current.revision.heads.values() for part in parts.values()
        )
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

    try:
        ends = await asyncio.gather(*(work() for _ in range(AT_ONCE)), return_exceptions=True)
    finally:
        for write in waiting:
            write.close()
    for end in ends:
        if end is not None:
            raise end
    return done, str(faults[0]) if faults else ""
