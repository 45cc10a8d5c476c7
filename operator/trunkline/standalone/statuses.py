"""Statuses in files: the book's word in memory at once, on disk soon after."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from trunkline.api import ObjectRef
from trunkline.reconcile.schedule import Outcome
from trunkline.standalone.generations import Generation
from trunkline.standalone.status_files import FileStatus, read_statuses, remove_status, write_status
from trunkline.status.book import Due, Identity, StatusBook
from trunkline.status.report import Status
from trunkline.status.stored import StoredStatus, stored_status

_NOTHING = StoredStatus()


@dataclass(frozen=True, slots=True)
class Transition:
    """An object's status before and now; None where it did not or does not exist."""

    ref: ObjectRef
    before: Status | None
    now: Status | None


@dataclass(frozen=True, slots=True)
class _Seen:
    """An object of the files, as the book wants to know it."""

    ref: ObjectRef
    identity: Identity
    stored: StoredStatus = _NOTHING
    is_ending: bool = field(default=False, init=False)


class FileStatuses:
    """What is stored of each object, and what of it is not on disk yet."""

    def __init__(self, directory: Path, book: StatusBook) -> None:
        self._directory, self._book = directory, book
        self._generations: dict[ObjectRef, Generation] = {}
        self._stored = {each.ref: each for each in read_statuses(directory)}
        self._unwritten: set[ObjectRef] = set()
        # Programmed=True of an earlier run says nothing of the edges that start now.
        self._earlier = set(self._stored)

    @property
    def generations(self) -> Mapping[ObjectRef, Generation]:
        """Those of all statuses on disk."""
        return {ref: stored.generation for ref, stored in self._stored.items()}

    def see(
        self, generations: Mapping[ObjectRef, Generation]
    ) -> tuple[dict[ObjectRef, Identity | None], list[Transition]]:
        """These are all objects of the files now. The identities of those that changed, None = gone.

        The statuses of those that are gone go with them.
        """
        before, self._generations = self._generations, dict(generations)
        identities: dict[ObjectRef, Identity | None] = {}
        for ref, generation in generations.items():
            if before.get(ref) != generation:
                self._book.see([self._seen(ref)])
                identities[ref] = _identity(generation)
        gone = (before.keys() | self._stored.keys()) - generations.keys()
        identities.update(dict.fromkeys(gone))
        self._book.gone(gone)
        return identities, [self._forget(ref) for ref in sorted(gone & self._stored.keys())]

    def _forget(self, ref: ObjectRef) -> Transition:
        self._unwritten.add(ref)
        return Transition(ref, self._stored.pop(ref).status, None)

    def store(self, now: float, clock: str) -> list[Transition]:
        """Take what the book says is due; it is not on disk yet. `now` is monotonic, `clock` RFC 3339 UTC."""
        return [self._store(due, now) for due in self._book.due(now, clock)]

    def _store(self, due: Due, now: float) -> Transition:
        ref = due.seen.ref
        before = self._stored.get(ref)
        self._stored[ref] = FileStatus(ref, self._generations[ref], due.status)
        self._earlier.discard(ref)
        self._unwritten.add(ref)
        self._book.see([self._seen(ref)])
        self._book.wrote(due, due.status.to_dict(), now)
        return Transition(ref, before.status if before else None, due.status)

    def _seen(self, ref: ObjectRef) -> _Seen:
        identity, stored = _identity(self._generations[ref]), self._stored.get(ref)
        if stored is None:
            return _Seen(ref, identity)
        status = _without_programmed(stored.status) if ref in self._earlier else stored.status
        return _Seen(ref, identity, stored_status(status.to_dict()))

    # ---------------------------------------------------------------------------------------- the disk

    @property
    def has_unwritten(self) -> bool:
        """True while the disk is behind."""
        return bool(self._unwritten)

    async def write(self) -> Outcome:
        """Bring the disk up to date. Raises OSError; what is not written then is written the next time."""
        taken = {ref: self._stored.get(ref) for ref in sorted(self._unwritten)}
        self._unwritten.clear()
        try:
            await asyncio.to_thread(self._write, taken)
        except BaseException:
            self._unwritten.update(taken)
            raise
        return Outcome()

    def write_rest(self) -> None:
        """The same at the end, when nothing else is to be done. Raises OSError."""
        self._write({ref: self._stored.get(ref) for ref in sorted(self._unwritten)})

    def _write(self, taken: Mapping[ObjectRef, FileStatus | None]) -> None:
        for ref, stored in taken.items():
            if stored is None:
                remove_status(self._directory, ref)
            else:
                write_status(self._directory, stored)


def _identity(generation: Generation) -> Identity:
    return generation.content, generation.number


def _without_programmed(status: Status) -> Status:
    """The status without the latch: its times stay, but `Programmed` must be seen anew."""
    kept = tuple(condition for condition in status.conditions if condition.type != "Programmed")
    return Status(status.observed_generation, kept, status.facts)
