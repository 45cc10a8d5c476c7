"""Where an edge's table comes from: something that offers whole revisions, and never a torn one."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

from sipedge.table.publication import Head
from sipedge.table.revision import (
    ABSENT,
    Part,
    Staged,
    UnusableHeadError,
    assemble,
    part_of,
    read_head,
    torn_parts,
    torn_text,
)

POLL_SECONDS: Final = 0.04
LONGEST_RETRY_SECONDS: Final = 1.0
TORN_GRACE_SECONDS: Final = 1.0
"""How long a revision may be torn before that is a fault: a publication in progress takes less."""


@dataclass(frozen=True, slots=True)
class Offer:
    """What a source has at this moment."""

    staged: Staged | None
    """The newest whole revision; None = nothing that can be used."""
    fault: str | None
    """Why the newest one cannot be used."""
    torn: Staged | None = None
    """The newest one as far as it is there, if it has been torn for long: better than no table at all."""


class Source(Protocol):
    """A place where tables of one edge are published."""

    async def changed(self, within: float) -> None:
        """Return when a look may show something new, and after `within` seconds at the latest."""

    def look(self) -> Offer:
        """What is offered now. Cheap while nothing changes. Never raises for what was published."""


class DirectorySource:
    """A directory with `head` and `parts/<name>`, each file replaced whole, the head last."""

    def __init__(self, directory: Path, edge: str) -> None:
        self._head_file = directory / "head"
        self._parts_directory = directory / "parts"
        self._edge = edge
        self._seen: tuple[int, ...] = ()
        self._offer = Offer(None, f"no table is published in {directory} yet")
        self._head: Head | None = None
        self._parts: dict[str, Part] = {}
        self._torn_since: float | None = None
        self._retry_seconds = POLL_SECONDS
        self._retry_at = 0.0

    async def changed(self, within: float) -> None:
        """Return when a look may show something new, and after `within` seconds at the latest."""
        until = time.monotonic() + within
        while True:
            rest = until - time.monotonic()
            if self._is_due() or rest <= 0:
                return
            await asyncio.sleep(min(POLL_SECONDS, rest))

    def look(self) -> Offer:
        """What is offered now. Reads only files that may have changed."""
        if self._is_due():
            signature = self._signature()
            if signature != self._seen:
                self._seen, self._retry_seconds, self._torn_since = signature, POLL_SECONDS, None
                self._read_head()
            if self._head is not None:
                self._stage(self._head)
        return self._offer

    def _is_due(self) -> bool:
        is_retry_due = self._torn_since is not None and time.monotonic() >= self._retry_at
        return is_retry_due or self._signature() != self._seen

    def _signature(self) -> tuple[int, ...]:
        try:
            status = self._head_file.stat()
        except OSError:
            return ()
        return (status.st_ino, status.st_size, status.st_mtime_ns)

    def _read_head(self) -> None:
        self._head = None
        try:
            self._head = read_head(self._head_file.read_bytes(), self._edge, str(self._head_file))
        except FileNotFoundError:
            self._offer = Offer(None, f"{self._head_file} is missing: the last table stays in use")
        except UnusableHeadError as error:
            self._offer = Offer(None, str(error))
        except OSError as error:
            self._offer = Offer(None, f"{self._head_file}: {error}; the last table stays in use")

    def _stage(self, head: Head) -> None:
        known = {name: self._parts.get(name, ABSENT) for name in head.parts}
        self._parts = {
            name: known[name] if known[name][0] == wanted else self._read_part(name)
            for name, wanted in head.parts.items()
        }
        staged = assemble(head, self._parts)
        if staged is not None:
            self._torn_since = None
            self._offer = Offer(staged, None)
            return
        now = time.monotonic()
        self._torn_since = self._torn_since or now
        self._retry_at = now + self._retry_seconds
        self._retry_seconds = min(self._retry_seconds * 2, LONGEST_RETRY_SECONDS)
        lasting = now - self._torn_since >= TORN_GRACE_SECONDS
        self._offer = Offer(None, self._torn_text(head, torn_parts(head, self._parts)) if lasting else None)

    def _read_part(self, name: str) -> Part:
        # The head is checked by its hash alone: a name must not lead out of the directory.
        if "/" in name or name.startswith("."):
            return ABSENT
        try:
            return part_of((self._parts_directory / name).read_bytes())
        except OSError:
            return ABSENT

    def _torn_text(self, head: Head, torn: Sequence[str]) -> str:
        return torn_text(head, str(self._parts_directory / torn[0]), torn, self._parts)
