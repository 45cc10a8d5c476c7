"""What a queue gives out, read as an edge would read it."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Protocol

from sipedge.table import EdgeTable, Row, Section
from sipedge.table.codec import unpack_row
from sipedge.table.publication import part_hash, rows_of
from support.deltas import delta_between
from trunkline.compiler.delta import Delta
from trunkline.publication.packer import PartKey
from trunkline.publication.queue import Queue
from trunkline.publication.revision import Revision
from trunkline.reconcile.place import Publication

Sections = Mapping[Section, Mapping[str, Row]]


def sections_of(queue: Queue, revision: Revision, edge: str) -> Sections:
    """The rows of an edge that has this revision, which is the queue's last; every hash is checked."""
    data = [queue.data(part) for part in revision.heads[edge].values()]
    for part, packed in zip(revision.heads[edge].values(), data, strict=True):
        assert revision.parts[part] == part_hash(packed)
    return {
        section: {key.decode(): unpack_row(section, row) for key, row in rows.items()}
        for section, rows in rows_of(data).items()
    }


def written(before: Revision, after: Revision) -> frozenset[PartKey]:
    """The parts that lie between two revisions, as a shell would write or remove them."""
    return frozenset(
        part
        for part in before.parts.keys() | after.parts.keys()
        if before.parts.get(part) != after.parts.get(part)
    )


def drain(queue: Queue, most: int = 10_000) -> Revision:
    """Publish until nothing waits."""
    for _ in range(most):
        revision = queue.advance()
        if not queue.waiting:
            return revision
    raise AssertionError(f"{queue.waiting} rows wait for ever")


class SecretPublisher(Protocol):
    """What takes deltas and publishes them."""

    def take(self, delta: Delta) -> None: ...

    async def publish(self) -> Publication: ...


class WholeTables:
    """Publishes whole tables: what differs from the last ones, all of it at once."""

    def __init__(self, publisher: SecretPublisher) -> None:
        self._publisher, self._tables = publisher, dict[str, EdgeTable]()

    async def publish(self, tables: Mapping[str, EdgeTable]) -> Publication:
        self._publisher.take(delta_between(self._tables, tables))
        self._tables = dict(tables)
        return await self._publisher.publish()


class PackedTables:
    """Whole tables, packed at the cost of what changed."""

    def __init__(self) -> None:
        self._queue, self._tables = Queue(bound=sys.maxsize), dict[str, EdgeTable]()

    def parts(self, tables: Mapping[str, EdgeTable]) -> Mapping[str, Mapping[str, bytes]]:
        """Edge to part name to bytes of each."""
        self._queue.take(delta_between(self._tables, tables))
        self._tables = dict(tables)
        heads = self._queue.advance().heads
        return {
            edge: {name: self._queue.data(part) for name, part in parts.items()}
            for edge, parts in heads.items()
        }
