"""The writer's side of the store: the agent's."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Self

import lmdb

from sipedge.store.environment import (
    DATA_FILE,
    GENERATIONS,
    LEARNED,
    META,
    PUBLISHED,
    Meta,
    missing_bytes,
    open_environment,
    pack_generations,
    read_generations,
    read_meta,
    signature,
)
from sipedge.table.publication import PackedRows
from sipedge.table.rows import ROW_SCHEMA, Generation, Section, changed_generations

_FIRST_GENERATION_BITS: Final = 62
"""A new file's numbers are drawn, so that they are those of no file before it."""


@dataclass(frozen=True, slots=True)
class Change:
    """Rows to write and keys to delete, to get from one revision to the next."""

    put: PackedRows = field(default_factory=dict)
    delete: Mapping[Section, frozenset[bytes]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Written:
    """How many rows a commit really changed."""

    put: int
    deleted: int


class Writer:
    """The writer of one environment. Exactly one process may hold one, and one at a time.

    Every method that writes does so in one transaction, which also counts the generations of what it
    changed: an error or a crash at any moment leaves the rows as they were before. Nothing is synced to the
    disk, since what is lost is published, or found out, again. Raises `lmdb.Error` or OSError; `fault_text`
    puts either into words.
    """

    sections: tuple[Section, ...]

    def __init__(self, directory: Path, edge: str) -> None:
        """Open the store in `directory`, made if need be. The caller has looked for damage before."""
        self._edge = edge
        self._data = directory / DATA_FILE
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._env = open_environment(directory, readonly=False)
        try:
            with self._env.begin(write=True) as txn:
                self._dbs = {
                    section: self._env.open_db(section.value.encode(), txn=txn) for section in self.sections
                }
                self._meta = self._env.open_db(META, txn=txn)
                if read_generations(txn, self._meta) is None:
                    drawn = tuple(secrets.randbits(_FIRST_GENERATION_BITS) + 1 for _ in Generation)
                    txn.put(GENERATIONS, pack_generations(drawn), db=self._meta)
            self._fill_up()
        except BaseException:
            self._env.close()
            raise

    @property
    def meta(self) -> Meta:
        with self._env.begin() as txn:
            return read_meta(txn, self._meta)

    @property
    def generations(self) -> dict[Generation, int]:
        """As readers would see them now; those of another environment's sections mean nothing here."""
        with self._env.begin() as txn:
            return dict(zip(Generation, read_generations(txn, self._meta) or (), strict=False))

    def is_untouched(self) -> bool:
        """False once the file was deleted, replaced or written to by anybody but this store."""
        return signature(self._data) == self._signature

    def is_readable(self) -> bool:
        """True if the rows can still be read: untouched, or deleted or replaced and so still held open here.

        Otherwise they must not be read any more: garbage can end the process, and pages cut off do.
        """
        now = signature(self._data)
        return now[:2] != self._signature[:2] or now == self._signature

    def rows(self, section: Section) -> list[tuple[bytes, bytes]]:
        """All packed rows of a section, by key."""
        with self._env.begin() as txn:
            return list(txn.cursor(self._dbs[section]))

    def close(self) -> None:
        self._env.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _commit(self, sequence: int | None, change: Change, epoch: int = 0) -> Written:
        with self._write(sequence, epoch) as txn:
            return self._change(txn, change)

    def _change(self, txn: Any, change: Change) -> Written:
        put = deleted = 0
        changed: set[Section] = set()
        for section, keys in change.delete.items():
            if gone := _delete(txn, self._dbs[section], keys):
                changed.add(section)
                deleted += gone
        for section, rows in change.put.items():
            if written := _put(txn, self._dbs[section], rows):
                changed.add(section)
                put += written
        self._count(txn, changed_generations(changed))
        return Written(put, deleted)

    def _count(self, txn: Any, changed: frozenset[Generation]) -> None:
        if changed:
            numbers = read_generations(txn, self._meta) or ()
            counted = (number + (each in changed) for each, number in zip(Generation, numbers, strict=True))
            txn.put(GENERATIONS, pack_generations(tuple(counted)), db=self._meta)

    @contextmanager
    def _write(self, sequence: int | None, epoch: int) -> Iterator[Any]:
        # Workers that were killed leave their reader slots behind, which pin old pages for ever.
        self._env.reader_check()
        try:
            with self._env.begin(write=True) as txn:
                yield txn
                said = {"schema": ROW_SCHEMA, "edge": self._edge}
                if sequence is not None:
                    said.update(sequence=sequence, epoch=epoch)
                for key, value in said.items():
                    txn.put(key.encode(), str(value).encode(), db=self._meta)
        finally:
            self._fill_up()  # a failed transaction may have written pages, too

    def _fill_up(self) -> None:
        if missing := missing_bytes(self._env, self._data):
            # LMDB may count a last page that it never wrote. With the file always at its full length,
            # one that is shorter has been cut.
            os.truncate(self._data, self._data.stat().st_size + missing)
        self._signature = signature(self._data)


class Store(Writer):
    """The published table."""

    sections = PUBLISHED

    @property
    def sequence(self) -> int | None:
        """The revision in the store; None while it has none."""
        return self.meta.sequence

    def commit(self, sequence: int, rows: PackedRows, epoch: int = 0) -> Written:
        """Make the sections equal to `rows`: only rows that differ are touched."""
        with self._write(sequence, epoch) as txn:
            gone = {
                section: frozenset(key for key, _ in txn.cursor(db) if key not in rows.get(section, {}))
                for section, db in self._dbs.items()
            }
            return self._change(txn, Change(rows, gone))

    def apply(self, sequence: int, change: Change, epoch: int = 0) -> Written:
        """Go from the stored revision to `sequence` by `change` alone."""
        return self._commit(sequence, change, epoch)

    def resolved_before(self) -> dict[bytes, bytes]:
        """What an older version, which kept all in one environment, had found for names."""
        try:
            # Left where it is: the older version's workers may still be running, and would miss it.
            db = self._env.open_db(Section.RESOLVED.value.encode(), create=False)
        except lmdb.NotFoundError:
            return {}
        with self._env.begin() as txn:
            return dict(txn.cursor(db))


class LearnedStore(Writer):
    """What the agent has found out. It is no revision, and can be found out again."""

    sections = LEARNED

    def commit(self, put: Mapping[bytes, bytes], delete: Iterable[bytes] = ()) -> Written:
        """Write what names resolve to, and delete what they resolved to."""
        return self.apply(Change({Section.RESOLVED: put}, {Section.RESOLVED: frozenset(delete)}))

    def apply(self, change: Change) -> Written:
        """Write and delete rows of any section."""
        return self._commit(None, change)


def _put(txn: Any, db: Any, rows: Mapping[bytes, bytes]) -> int:
    differing = [(key, row) for key, row in sorted(rows.items()) if txn.get(key, db=db) != row]
    for key, row in differing:
        txn.put(key, row, db=db)
    return len(differing)


def _delete(txn: Any, db: Any, keys: Iterable[bytes]) -> int:
    return sum(txn.delete(key, db=db) for key in keys)
