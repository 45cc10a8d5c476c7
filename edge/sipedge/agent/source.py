"""Where an edge's table comes from: something that offers whole revisions.

A revision is whole when every part that its head names is there and has the hash that the head says.
A torn one (a publication half done, a part cut short) is not offered at all.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

from sipedge.table.codec import TableFormatError
from sipedge.table.publication import Head, NewerSchemaError, part_hash, unpack_head

POLL_SECONDS: Final = 0.04
LONGEST_RETRY_SECONDS: Final = 1.0
TORN_GRACE_SECONDS: Final = 1.0
"""How long a revision may be torn before that is a fault: a publication in progress takes less."""


@dataclass(frozen=True, slots=True)
class Staged:
    """One whole revision: each part has the hash that the head gives for it."""

    head: Head
    parts: Mapping[str, bytes]


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
        self._parts: dict[str, tuple[bytes, bytes]] = {}
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
        known = {name: self._parts.get(name, (b"", b"")) for name in head.parts}
        self._parts = {
            name: known[name] if known[name][0] == wanted else self._read_part(name)
            for name, wanted in head.parts.items()
        }
        torn = torn_parts(head, self._parts)
        if not torn:
            self._torn_since = None
            self._offer = Offer(Staged(head, {name: data for name, (_, data) in self._parts.items()}), None)
            return
        now = time.monotonic()
        self._torn_since = self._torn_since or now
        self._retry_at = now + self._retry_seconds
        self._retry_seconds = min(self._retry_seconds * 2, LONGEST_RETRY_SECONDS)
        lasting = now - self._torn_since >= TORN_GRACE_SECONDS
        self._offer = Offer(None, self._torn_text(head, torn) if lasting else None)

    def _read_part(self, name: str) -> tuple[bytes, bytes]:
        # The head is checked by its hash alone: a name must not lead out of the directory.
        if "/" in name or name.startswith("."):
            return b"", b""
        try:
            data = (self._parts_directory / name).read_bytes()
        except OSError:
            return b"", b""
        return part_hash(data), data

    def _torn_text(self, head: Head, torn: Sequence[str]) -> str:
        return torn_text(head, str(self._parts_directory / torn[0]), torn, self._parts)


class UnusableHeadError(ValueError):
    """A head that this edge cannot use; the text names it and the mend."""


def read_head(data: bytes, edge: str, place: str) -> Head:
    """The head of the table of `edge`, found at `place`. Raises UnusableHeadError."""
    try:
        head = unpack_head(data)
    except NewerSchemaError as error:
        raise UnusableHeadError(f"{place}: {error}") from error
    except TableFormatError as error:
        raise UnusableHeadError(f"{place}: {error}; the last table stays in use") from error
    if head.edge != edge:
        raise UnusableHeadError(
            f'{place} is the table of edge "{head.edge}", this is edge "{edge}": '
            "give this agent the table of its own edge"
        )
    return head


def torn_parts(head: Head, parts: Mapping[str, tuple[bytes, bytes]]) -> list[str]:
    """The names of the parts that are missing or not those of `head`. `parts`: name to hash and bytes."""
    return sorted(name for name, wanted in head.parts.items() if parts.get(name, (b"", b""))[0] != wanted)


def torn_text(head: Head, place: str, torn: Sequence[str], parts: Mapping[str, tuple[bytes, bytes]]) -> str:
    """Why the revision of `head` is not taken; `place` is where the first of its torn parts is looked for."""
    more = f" and {len(torn) - 1} more" if len(torn) > 1 else ""
    there = parts.get(torn[0], (b"", b""))[0]
    fault = "is not the one that the head names" if there else "cannot be read"
    return (
        f"revision {head.sequence} is not whole: part {place}{more} {fault}; "
        "the last table stays in use until the parts are published again"
    )
