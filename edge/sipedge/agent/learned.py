"""Keeps what the agent has found out in an LMDB environment of its own, whatever happens to its file.

The truth is in memory: a file that is damaged, gone or written to by others is written anew from there.
After a start it is what the file holds, if it can be read; what is lost is found out again.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import lmdb

from sipedge.agent.faults import Faults
from sipedge.agent.recovery import find_fault, replace_store
from sipedge.store import DATA_FILE, LEARNED, Change, LearnedStore, fault_text
from sipedge.table.rows import Section

log = logging.getLogger(__name__)

FIRST_RETRY_SECONDS: Final = 0.1
LONGEST_RETRY_SECONDS: Final = 5.0
INSPECTION_SECONDS: Final = 10.0
"""A table waits for this file's inspection, so that names keep their addresses over a restart."""


class LearnedKeeper:
    """The one owner of the learned store. Faults are told, never raised: calls go on without it."""

    def __init__(self, directory: Path, edge: str, faults: Faults) -> None:
        self._directory, self._edge, self._faults = directory, edge, faults
        self._store: LearnedStore | None = None
        self._rows: dict[Section, dict[bytes, bytes]] = {section: {} for section in LEARNED}
        self._unwritten: set[tuple[Section, bytes]] = set()
        self._retry_seconds = FIRST_RETRY_SECONDS
        self._retry_at = 0.0
        self._begins_empty = not (directory / DATA_FILE).exists()

    @property
    def resolved(self) -> Mapping[bytes, bytes]:
        """The rows of section `resolved`, by key."""
        return dict(self._rows[Section.RESOLVED])

    def resolved_row(self, key: bytes) -> bytes | None:
        """What is known of one name; None = nothing."""
        return self._rows[Section.RESOLVED].get(key)

    def set(self, section: Section, key: bytes, row: bytes | None) -> None:
        """Row `key` of `section` is now `row` (None: no row). Written by the next `step`."""
        rows = self._rows[section]
        if rows.get(key) == row:
            return
        if row is None:
            rows.pop(key, None)
        else:
            rows[key] = row
        self._unwritten.add((section, key))

    def take_over(self, resolved: Mapping[bytes, bytes]) -> None:
        """Begin with what an older version has left, if there was no file of ours at the start."""
        if self._begins_empty:
            self._begins_empty = False
            for key, row in resolved.items():
                if key not in self._rows[Section.RESOLVED]:
                    self.set(Section.RESOLVED, key, row)

    def step(self) -> None:
        """Bring the file one step nearer to what is known, unless it has to be waited for."""
        if time.monotonic() < self._retry_at:
            return
        try:
            store = self._usable_store()
            if self._unwritten:
                store.apply(self._change())
                self._unwritten.clear()
        except (lmdb.Error, OSError) as error:
            self._faults.set("learned", fault_text(error, self._directory))
            if isinstance(error, lmdb.PanicError):
                self._close()
            self._retry_at = time.monotonic() + self._retry_seconds
            self._retry_seconds = min(self._retry_seconds * 2, LONGEST_RETRY_SECONDS)
        else:
            self._faults.set("learned", None)
            self._retry_seconds = FIRST_RETRY_SECONDS

    def _change(self) -> Change:
        put: dict[Section, dict[bytes, bytes]] = {}
        delete: dict[Section, set[bytes]] = {}
        for section, key in self._unwritten:
            if key in self._rows[section]:
                put.setdefault(section, {})[key] = self._rows[section][key]
            else:
                delete.setdefault(section, set()).add(key)
        return Change(put, {section: frozenset(keys) for section, keys in delete.items()})

    def _usable_store(self) -> LearnedStore:
        if self._store is None:
            self._store = self._open()
        elif not self._store.is_untouched():
            self._store = self._replaced("was taken away or written to by something else", self._store)
            self._unwritten.clear()
        return self._store

    def _open(self) -> LearnedStore:
        fault = None
        if (self._directory / DATA_FILE).exists():
            fault = find_fault(self._directory, self._edge, LearnedStore, INSPECTION_SECONDS)
        if fault is not None:
            return self._replaced(f"was damaged ({fault})", None)
        store = LearnedStore(self._directory, self._edge)
        for key, row in store.rows(Section.RESOLVED):
            # What was found since is newer than what the file says.
            if (Section.RESOLVED, key) not in self._unwritten:
                self._rows[Section.RESOLVED].setdefault(key, row)
        # Nobody knows for how long the rest holds that was found before: it is found out again.
        # That there are neighbours is worth knowing until they are met again.
        for section in LEARNED:
            if section not in (Section.RESOLVED, Section.NEIGHBOURS):
                self._unwritten |= {(section, key) for key, _ in store.rows(section)}
        return store

    def _replaced(self, happened: str, old: LearnedStore | None) -> LearnedStore:
        log.warning("the file of learned facts in %s %s and is written anew", self._directory, happened)
        return replace_store(
            self._directory, lambda place: LearnedStore(place, self._edge), self._fill, old=old
        )

    def _fill(self, store: LearnedStore) -> None:
        store.apply(Change(put=self._rows))

    def _close(self) -> None:
        if self._store is not None:
            self._store.close()
            self._store = None
