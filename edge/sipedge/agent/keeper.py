"""Keeps LMDB equal to the newest whole revision of the source, whatever happens to the file."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

import lmdb

from sipedge.agent.faults import Faults
from sipedge.agent.recovery import Content, content_of, open_store, replace_store
from sipedge.agent.source import Source
from sipedge.store import PUBLISHED, Change, Store, Written, fault_text
from sipedge.table.codec import TableFormatError
from sipedge.table.publication import rows_of
from sipedge.table.revision import Staged
from sipedge.table.rows import Section

log = logging.getLogger(__name__)

LOOK_SECONDS: Final = 0.25
"""How often the file itself is looked at while the source is quiet."""
EVERY_SECTION: Final = frozenset(PUBLISHED)
FIRST_RETRY_SECONDS: Final = 0.1
LONGEST_RETRY_SECONDS: Final = 5.0


class TableKeeper:
    """The one owner of the store.

    `on_commit` is called after each commit, and when a store that has a table was opened, with the sections
    whose rows may have changed.
    """

    def __init__(
        self,
        directory: Path,
        edge: str,
        source: Source,
        faults: Faults,
        on_commit: Callable[[frozenset[Section]], None],
    ) -> None:
        self._directory, self._edge, self._source, self._faults = directory, edge, source, faults
        self._on_commit = on_commit
        self._store: Store | None = None
        self._committed: Staged | None = None
        self._refused: Staged | None = None
        self._retry_seconds = FIRST_RETRY_SECONDS
        self._retry_at = 0.0
        self.sequence: int | None = None
        """The revision in LMDB; None while there is none."""
        self._epoch = 0
        self._torn_sequence: int | None = None
        self.notice: str | None = None
        """What had to be mended since this process started."""

    async def run(self) -> None:
        while True:
            if (wait := self._retry_at - time.monotonic()) > 0:
                await asyncio.sleep(wait)
            self.step()
            await self._source.changed(LOOK_SECONDS)

    def step(self) -> None:
        """Bring the store one step nearer to what it should be; faults are told, never raised."""
        try:
            store = self._usable_store()
            self._take(store)
        except (lmdb.Error, OSError) as error:
            self._faults.set("store", fault_text(error, self._directory))
            # What LMDB still holds is not known for certain: the next commit compares every row.
            self._committed = None
            if isinstance(error, lmdb.PanicError):
                self._close()
            self._retry_at = time.monotonic() + self._retry_seconds
            self._retry_seconds = min(self._retry_seconds * 2, LONGEST_RETRY_SECONDS)
        else:
            self._faults.set("store", None)
            self._retry_seconds = FIRST_RETRY_SECONDS

    def rows(self, section: Section) -> list[tuple[bytes, bytes]]:
        """The packed rows of a section of the table in LMDB; none while there is no table."""
        store = self._store
        return store.rows(section) if store is not None and store.is_readable() else []

    @property
    def taken(self) -> int | None:
        """The newest revision of which LMDB holds something: `sequence`, or the next, loaded though torn."""
        torn = self._torn_sequence
        return torn if torn is not None and self.sequence == torn - 1 else self.sequence

    def resolved_before(self) -> dict[bytes, bytes]:
        """What an older version had found for names, as long as its table's file is there."""
        store = self._store
        return store.resolved_before() if store is not None and store.is_readable() else {}

    def _usable_store(self) -> Store:
        if self._store is None:
            return self._open()
        if not self._store.is_untouched():
            return self._rebuild(self._store)
        return self._store

    def _open(self) -> Store:
        opened = open_store(self._directory, self._edge)
        if opened.fault is not None:
            self._tell_replaced(f"was damaged ({opened.fault})")
        self._know(opened.store)
        if self.sequence is not None:
            log.info("the table in LMDB is revision %d", self.sequence)
            self._on_commit(EVERY_SECTION)
        return opened.store

    def _rebuild(self, store: Store) -> Store:
        if store.is_readable():
            content, happened = content_of(store), "was taken away"
        else:
            content, happened = self._content_in_memory(), "was written to by something else"
        self._committed = self._refused = None
        self._store = replace_store(
            self._directory, lambda place: Store(place, self._edge), content.fill, old=store
        )
        self._know(self._store)
        self._tell_replaced(happened)
        self._on_commit(EVERY_SECTION)
        return self._store

    def _know(self, store: Store) -> None:
        self._store, self.sequence, self._epoch = store, store.sequence, store.meta.epoch

    def _content_in_memory(self) -> Content:
        staged = self._source.look().staged
        if staged is None:
            return Content()
        return Content(staged.head.sequence, rows_of(staged.parts.values()), staged.head.epoch)

    def _tell_replaced(self, happened: str) -> None:
        self.notice = f"the table file in {self._directory} {happened} and was written anew"
        log.warning("%s", self.notice)

    def _take(self, store: Store) -> None:
        offer = self._source.look()
        self._faults.set("source", offer.fault)
        staged = offer.staged
        if staged is None and offer.torn is not None and self.sequence is None:
            return self._take_torn(store, offer.torn)
        if staged is None or staged is self._committed or staged is self._refused:
            return
        self._refused = None
        if self._is_older(staged):
            self._refuse(
                staged,
                f"revision {staged.head.sequence} is older than {self.sequence}, which is in use: not taken; "
                f"to go back to it, stop this agent, delete {self._directory} and start it again",
            )
            return
        try:
            written, sections = self._commit(store, staged)
        except TableFormatError as error:
            self._refuse(staged, f"revision {staged.head.sequence}: {error}; the last table stays in use")
            return
        self._committed, self.sequence, self._epoch = staged, staged.head.sequence, staged.head.epoch
        self._faults.set("revision", None)
        log.info("revision %d: %d rows written, %d deleted", self.sequence, written.put, written.deleted)
        self._on_commit(sections)

    def _is_older(self, staged: Staged) -> bool:
        """True for a revision from before the one in use; after a restore, a later epoch says it is not."""
        head = staged.head
        return self.sequence is not None and head.sequence < self.sequence and head.epoch <= self._epoch

    def _take_torn(self, store: Store, torn: Staged) -> None:
        """Serve what there is of a revision. It counts as the one before, for it is not all there."""
        sequence = torn.head.sequence
        store.commit(sequence - 1, rows_of(torn.parts.values()), torn.head.epoch)
        self._epoch = torn.head.epoch
        self._torn_sequence, self.sequence = sequence, sequence - 1
        self._faults.set(
            "revision",
            f"revision {sequence} is in use although it is not whole, since there is no other: calls that "
            "need what is missing are refused until the parts are published again",
        )
        self._on_commit(EVERY_SECTION)

    def _commit(self, store: Store, staged: Staged) -> tuple[Written, frozenset[Section]]:
        head = staged.head
        if self._committed is None:
            return store.commit(head.sequence, rows_of(staged.parts.values()), head.epoch), EVERY_SECTION
        change = change_between(self._committed, staged)
        return store.apply(head.sequence, change, head.epoch), frozenset({*change.put, *change.delete})

    def _refuse(self, staged: Staged, fault: str) -> None:
        self._refused = staged
        self._faults.set("revision", fault)

    def _close(self) -> None:
        if self._store is not None:
            self._store.close()
            self._store = None


def change_between(old: Staged, new: Staged) -> Change:
    """The change that leads from one revision to another, from the parts that differ alone.

    Raises TableFormatError for a part that is none.
    """
    names = {
        name for name in (*old.parts, *new.parts) if old.head.parts.get(name) != new.head.parts.get(name)
    }
    before = rows_of(old.parts[name] for name in sorted(names & old.parts.keys()))
    after = rows_of(new.parts[name] for name in sorted(names & new.parts.keys()))
    return Change(
        put={
            section: {key: row for key, row in rows.items() if before.get(section, {}).get(key) != row}
            for section, rows in after.items()
        },
        delete={
            section: frozenset(rows.keys() - after.get(section, {}).keys())
            for section, rows in before.items()
        },
    )
