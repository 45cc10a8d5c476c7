"""An edge table to the directory from which the edge's agents take it.

Parts first, then the head, each replaced in one step: an agent that sees a head finds every part that the
head names, or sees that a part does not match yet and waits.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from sipedge.table import EdgeTable
from sipedge.table.codec import TableFormatError
from sipedge.table.publication import Head, head_of, pack_parts, part_hash, unpack_head
from trunkline.standalone.state_files import write_atomically

HEAD: Final = "head"
PARTS: Final = "parts"


@dataclass(frozen=True, slots=True)
class Published:
    """The outcome for one edge."""

    sequence: int
    """Of the head that is now on disk."""
    parts_written: int
    """0 if the table was there already."""


class Publisher:
    """Writes the tables of one edge. Its memory is the head on disk, so a restart goes on counting."""

    def __init__(self, edge: str, directory: Path, acknowledged: int = 0) -> None:
        """`acknowledged` is the highest sequence that an instance of the edge has.

        Agents refuse a sequence below theirs, so if the head on disk is lost the next one goes above it.
        """
        self._edge = edge
        self._directory = directory
        self._head = _head_on_disk(directory)
        self._floor = acknowledged

    @property
    def sequence(self) -> int:
        """Of the last published table; 0 if there is none."""
        return self._head.sequence if self._head is not None else 0

    @property
    def next_sequence(self) -> int:
        """Of the next table that differs."""
        return max(self.sequence, self._floor) + 1

    def publish(self, table: EdgeTable) -> Published:
        """Make `table` the current one; nothing is written if it is. Raises OSError, leaving the old head."""
        packed = pack_parts(table)
        head = head_of(self._edge, self.next_sequence, packed)
        before = self._head
        current = before is not None and (before.schema, before.edge) == (head.schema, head.edge)
        held = dict(before.parts) if before is not None and current else {}
        directory = self._directory / PARTS
        # A part that somebody removed is written again, though the head names it.
        present = {entry.name for entry in os.scandir(directory)} if directory.is_dir() else set()
        changed = [
            name for name, digest in head.parts.items() if held.get(name) != digest or name not in present
        ]
        if current and not changed and held == dict(head.parts):
            return Published(self.sequence, 0)
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        for name in changed:
            write_atomically(directory / name, packed[name])
        write_atomically(self._directory / HEAD, head.pack())
        self._head = head
        for name in present - head.parts.keys():
            (directory / name).unlink(missing_ok=True)
        return Published(head.sequence, len(changed))


def _head_on_disk(directory: Path) -> Head | None:
    try:
        head = unpack_head((directory / HEAD).read_bytes())
        damaged = [name for name, digest in head.parts.items() if _hash(directory / PARTS / name) != digest]
    except (OSError, TableFormatError):
        return None
    # Damaged parts are left out, so that the next publication writes them again.
    parts = {name: digest for name, digest in head.parts.items() if name not in damaged}
    return Head(head.schema, head.edge, head.sequence, parts)


def _hash(path: Path) -> bytes:
    try:
        return part_hash(path.read_bytes())
    except OSError:
        return b""
