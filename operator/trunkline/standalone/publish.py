"""An edge's table in the directory from which its agents take it.

Parts first, then the head, each replaced in one step: an agent that sees a head finds every part that the
head names, or sees that a part does not match yet and waits.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from sipedge.table import SCHEMA
from sipedge.table.codec import TableFormatError
from sipedge.table.publication import Head, part_hash, unpack_head
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


class EdgeDirectory:
    """The published table of one edge. Its memory is the head on disk, so a restart goes on counting."""

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

    def lacks(self, parts: Mapping[str, bytes]) -> frozenset[str]:
        """Those of `parts` (name to hash) that the head on disk does not name."""
        held = self._head.parts if self._head is not None else {}
        return frozenset(name for name, digest in parts.items() if held.get(name) != digest)

    def publish(
        self,
        parts: Mapping[str, bytes],
        data: Callable[[str], bytes],
        epoch: int,
        schema: int = SCHEMA,
    ) -> Published:
        """Make these parts (name to hash) the current table, of which `data` has the bytes.

        Nothing is written if it is. `epoch` is that of a table whose head is lost. Raises OSError, leaving
        the old head.
        """
        before = self._head
        head = Head(schema, self._edge, self.next_sequence, dict(sorted(parts.items())), epoch)
        if before is not None:
            head = replace(head, epoch=before.epoch)
        current = before is not None and (before.schema, before.edge) == (head.schema, head.edge)
        held = dict(before.parts) if before is not None and before.edge == self._edge else {}
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
            write_atomically(directory / name, data(name))
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
    return replace(head, parts={name: digest for name, digest in head.parts.items() if name not in damaged})


def _hash(path: Path) -> bytes:
    try:
        return part_hash(path.read_bytes())
    except OSError:
        return b""
