"""The tables of all edges, published and counted."""

from __future__ import annotations

import shutil
import sys
import time
from collections.abc import Mapping
from dataclasses import replace

from trunkline.compiler.delta import Delta
from trunkline.publication.packer import PartKey
from trunkline.publication.queue import Queue
from trunkline.publication.revision import Revision
from trunkline.reconcile.place import Publication
from trunkline.standalone.publish import EdgeDirectory
from trunkline.standalone.state import acknowledged_sequence, schemas_read
from trunkline.standalone.state_files import StateDirectory, disk_fault
from trunkline.status.pod_claim import schema_for


class Tables:
    """Makes the published tables what the queue says: one directory for each edge."""

    def __init__(self, state: StateDirectory) -> None:
        self._state = state
        # A file has room for any part.
        self._queue = Queue(bound=sys.maxsize)
        self._revision = Revision()
        self._directories: dict[str, EdgeDirectory] = {}
        self._pending: frozenset[str] = frozenset()
        self._schemas: Mapping[str, int] = {}
        self._last: Publication | None = None
        """Of the tables as they are, if nothing is left to be done."""
        self._is_first = True
        self._is_empty = True
        """Nothing was taken yet."""

    def start_over(self) -> None:
        """Nothing was taken yet: what comes next is everything."""
        self._queue, self._revision, self._last = Queue(bound=sys.maxsize), Revision(), None
        self._is_empty = True

    def take(self, delta: Delta) -> None:
        """Remember what has to be published."""
        self._queue.take(delta)
        self._pending, self._last, self._is_empty = frozenset(self._queue.edges), None, False

    def publish(self) -> Publication:
        """Write what differs from the next revision. Faults are values: the last table stays in force."""
        if self._is_empty:
            # What is published must not be taken for what nobody wants.
            return Publication()
        schemas = {edge: schema_for(schemas_read(self._state, edge)) for edge in self._queue.edges}
        if self._last is not None and schemas == self._schemas:
            return self._last
        self._schemas = schemas
        self._queue.set_schemas(schemas)
        self._revision = self._queue.advance(self._unwritten())
        written, faults = 0, dict(self._queue.faults)
        for edge, parts in self._revision.heads.items():
            try:
                written += self._publish_edge(edge, parts, schemas[edge])
            except OSError as error:
                faults[edge] = disk_fault(error)
        for edge in self._directories.keys() - set(self._queue.edges):
            del self._directories[edge]
            shutil.rmtree(self._state.published(edge), ignore_errors=True)
        self._pending = frozenset(faults)
        if not faults:
            self._queue.forget_bytes()
        if self._is_first:
            self._remove_strangers()
            self._is_first = False
        publication = Publication(
            written,
            self.sequences,
            self._queue.last_row(self.sequences),
            faults,
            self._queue.left_out,
            self._queue.opinions,
            self._queue.waiting,
        )
        if not faults and not self._queue.waiting:
            self._last = replace(publication, written=0)
        return publication

    @property
    def sequences(self) -> Mapping[str, int]:
        """Edge to the sequence that contains the newest revision, published or still to be."""
        return {
            edge: directory.next_sequence if edge in self._pending else directory.sequence
            for edge, directory in self._directories.items()
        }

    def _remove_strangers(self) -> None:
        """Remove what edges that are gone left on disk: their tables hold hashes of passwords."""
        for directory in (
            self._state.root / "published",
            self._state.edges,
            self._state.root / "certificates",
        ):
            for entry in directory.iterdir() if directory.is_dir() else ():
                if entry.name not in self._directories:
                    shutil.rmtree(entry, ignore_errors=True)

    def _publish_edge(self, edge: str, parts: Mapping[str, PartKey], schema: int) -> int:
        published = self._directory(edge).publish(
            self._digests(parts), lambda name: self._queue.data(parts[name]), int(time.time()), schema
        )
        return published.parts_written

    def _unwritten(self) -> frozenset[PartKey]:
        return frozenset(
            parts[name]
            for edge, parts in self._revision.heads.items()
            for name in self._directory(edge).lacks(self._digests(parts))
        )

    def _digests(self, parts: Mapping[str, PartKey]) -> Mapping[str, bytes]:
        return {name: self._revision.parts[part] for name, part in parts.items()}

    def _directory(self, edge: str) -> EdgeDirectory:
        if edge not in self._directories:
            acknowledged = acknowledged_sequence(self._state, edge)
            self._directories[edge] = EdgeDirectory(edge, self._state.published(edge), acknowledged)
        return self._directories[edge]
