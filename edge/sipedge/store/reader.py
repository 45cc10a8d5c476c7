"""The readers' side of the store: Kamailio's workers."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Final

import lmdb

from sipedge.store.environment import (
    DATA_FILE,
    GENERATIONS,
    LEARNED,
    MAX_KEY,
    META,
    PUBLISHED,
    Identity,
    identity,
    missing_bytes,
    open_environment,
    read_generations,
    read_sequence,
)
from sipedge.table.rows import SECTIONS, Generation, Section

RECHECK_SECONDS: Final = 1.0
"""How often at most a reader looks whether the file was replaced by another."""
_NOTHING: Final = (0,) * len(Generation)
_PLACES: Final = {generation: place for place, generation in enumerate(Generation)}
_OF_LEARNED: Final = {
    each: any(each in SECTIONS[section].generations for section in LEARNED) for each in Generation
}


class LmdbRows:
    """The readers' side: one per process, a transaction per request.

        with rows.transaction() as found:
            decision = route(Table(found), ...)

    While one of the two environments cannot be read, every answer from it is None; the other's stay.
    Not for several threads of one process at once.
    """

    def __init__(self, directory: Path | str, learned: Path | str | None = None) -> None:
        """`directory` holds the published table, `learned` what the agent found (None: nothing)."""
        self._table = _Environment(Path(directory), PUBLISHED)
        self._learned = None if learned is None else _Environment(Path(learned), LEARNED)

    def transaction(self) -> ReadTransaction:
        """One consistent view of the newest revision; use it as a context manager, or `end()` it."""
        return ReadTransaction(self._table, self._learned)

    def sequence(self) -> int | None:
        """The revision that a transaction begun now sees; None while there is no table."""
        with self.transaction() as found:
            return found.sequence

    def close(self) -> None:
        self._table.close()
        if self._learned is not None:
            self._learned.close()


class _Environment:
    """One environment as one process reads it.

    The file is opened by the first transaction in each process (LMDB must not be carried over a fork),
    again when another file has taken its place, and again after an error of LMDB.
    """

    def __init__(self, directory: Path, sections: tuple[Section, ...]) -> None:
        self._directory, self._sections = directory, sections
        self._data = directory / DATA_FILE
        self._env: Any = None
        self.dbs: Mapping[Section, Any] = {}
        self.meta: Any = None
        self._identity: Identity | None = None
        self._pid = 0
        self._checked = 0.0
        self._open_transactions = 0

    def begin(self) -> Any:
        """A read transaction, None if there is no readable file. Each is given back by `ended`."""
        if self._pid != os.getpid():
            self._forget()
        if self._open_transactions == 0:
            now = time.monotonic()
            if self._env is None or now - self._checked >= RECHECK_SECONDS:
                self._checked = now
                self._follow_file()
        txn = self._try_begin()
        if txn is None and self._open_transactions == 0:
            self._follow_file()
            txn = self._try_begin()
        self._open_transactions += txn is not None
        return txn

    def ended(self, failed: bool) -> None:
        left = self._open_transactions - 1
        self._open_transactions = left if left > 0 else 0
        if failed and left <= 0:
            self._discard()

    def close(self) -> None:
        if self._env is not None and self._pid == os.getpid():
            self._env.close()
        self._forget()

    def _try_begin(self) -> Any:
        if self._env is None:
            return None
        try:
            try:
                return self._env.begin()
            except lmdb.MapResizedError:
                self._env.set_mapsize(0)
                return self._env.begin()
        except lmdb.Error:
            self._discard()
            return None

    def _follow_file(self) -> None:
        found = identity(self._data)
        if found is None or (self._env is not None and found == self._identity):
            return  # A deleted file stays readable for those who have it open.
        self._discard()
        self._pid = os.getpid()
        try:
            self._env = open_environment(self._directory, readonly=True)
            if missing_bytes(self._env, self._data):
                raise lmdb.CorruptedError(f"{self._data} was cut short")
            self.dbs = {
                section: self._env.open_db(section.value.encode(), create=False) for section in self._sections
            }
            self.meta = self._env.open_db(META, create=False)
            self._identity = found
        except (lmdb.Error, OSError):
            self._discard()

    def _discard(self) -> None:
        if self._env is not None:
            self._env.close()
        self._forget()

    def _forget(self) -> None:
        self._env, self._identity, self.dbs, self.meta = None, None, {}, None
        self._open_transactions = 0
        self._pid = os.getpid()


class _View:
    """One read transaction of one environment."""

    __slots__ = ("_environment", "dbs", "failed", "meta", "txn")

    def __init__(self, environment: _Environment) -> None:
        self._environment = environment
        self.txn: Any = environment.begin()
        self.dbs, self.meta, self.failed = environment.dbs, environment.meta, False

    def end(self) -> None:
        txn, self.txn = self.txn, None
        if txn is not None:
            txn.abort()
            self._environment.ended(self.failed)


class ReadTransaction:
    """`sipedge.table.Rows` of one read transaction: the same revision from the first answer to the last.

    What was learned is opened by the first question for it: most calls have none.
    """

    __slots__ = ("_has_ended", "_learned", "_learned_environment", "_numbers", "_table")

    def __init__(self, table: _Environment, learned: _Environment | None) -> None:
        self._table, self._learned_environment = _View(table), learned
        self._learned: _View | None = None
        self._numbers: tuple[int, ...] | None = None
        self._has_ended = False

    def get(self, section: Section, key: bytes) -> bytes | None:
        """The row at exactly `key`."""
        view = self._view_of_learned() if section in LEARNED else self._table
        if view is None or view.txn is None or not 0 < len(key) <= MAX_KEY:
            return None
        try:
            row: bytes | None = view.txn.get(key, db=view.dbs[section])
        except lmdb.Error:
            view.failed = True
            if section not in LEARNED:
                raise
            return None  # what was learned is never worth a call
        return row

    def floor(self, section: Section, key: bytes) -> tuple[bytes, bytes] | None:
        """The row at the greatest key not above `key`. Of published sections alone."""
        view = self._table
        if view.txn is None or not key:
            return None
        # No stored key lies between a key and its first MAX_KEY bytes.
        key = key[:MAX_KEY]
        try:
            with view.txn.cursor(db=view.dbs[section]) as cursor:
                above = cursor.set_range(key)
                if not (above and cursor.key() == key) and not (cursor.prev() if above else cursor.last()):
                    return None
                item: tuple[bytes, bytes] = cursor.item()
        except lmdb.Error:
            view.failed = True
            raise
        return item

    def values(self, section: Section) -> Iterator[bytes]:
        """All rows of a published section, by their keys."""
        view = self._table
        if view.txn is None:
            return
        try:
            with view.txn.cursor(db=view.dbs[section]) as cursor:
                yield from cursor.iternext(keys=False)
        except lmdb.Error:
            view.failed = True
            raise

    @property
    def sequence(self) -> int | None:
        """The revision this transaction sees; None while there is no table."""
        return None if self._table.txn is None else read_sequence(self._table.txn, self._table.meta)

    @property
    def generations(self) -> tuple[int, ...]:
        """One number for each Generation, in its order; 0 where nothing can be read.

        What was made from rows still holds if the numbers of those rows' generations are the same.
        """
        table = _generations(self._table)
        learned = _generations(self._view_of_learned())
        return tuple(
            mine if is_learned else its
            for is_learned, mine, its in zip(_OF_LEARNED.values(), learned, table, strict=True)
        )

    @property
    def state(self) -> bytes:
        """The numbers of all generations of what was published, as they are stored; empty: not known."""
        view = self._table
        if view.txn is None:
            return b""
        try:
            row: bytes | None = view.txn.get(GENERATIONS, db=view.meta)
        except lmdb.Error:
            view.failed = True
            return b""
        return row or b""

    def generation(self, generation: Generation) -> int:
        """The number of one generation, as in `generations`."""
        if _OF_LEARNED[generation]:
            return self.generations[_PLACES[generation]]
        if self._numbers is None:
            self._numbers = _generations(self._table)
        return self._numbers[_PLACES[generation]]

    def end(self) -> None:
        """Give the transaction back. Answers are None from then on."""
        self._has_ended = True
        self._table.end()
        if self._learned is not None:
            self._learned.end()

    def _view_of_learned(self) -> _View | None:
        if self._learned is None and self._learned_environment is not None and not self._has_ended:
            self._learned = _View(self._learned_environment)
        return self._learned

    def __enter__(self) -> ReadTransaction:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.end()


def _generations(view: _View | None) -> tuple[int, ...]:
    if view is None or view.txn is None:
        return _NOTHING
    try:
        return read_generations(view.txn, view.meta) or _NOTHING
    except lmdb.Error:
        view.failed = True
        return _NOTHING
