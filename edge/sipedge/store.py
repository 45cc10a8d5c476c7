"""The edge table on disk: LMDB with one writer (the agent) and many readers (Kamailio's workers).

One named database per section, and `meta` with `sequence`, `schema` and `edge`. Readers see one whole
revision per transaction; a commit is seen by the next transaction of every process, with no reload.

`Store` is the writer's side, `LmdbRows` the readers'.
"""

from __future__ import annotations

import errno
import os
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Final

import lmdb

from sipedge.table.publication import PackedRows
from sipedge.table.rows import SCHEMA, Section

DATA_FILE: Final = "data.mdb"
META: Final = b"meta"
MAP_SIZE: Final = 4 << 30
"""Bytes of address space reserved; the file grows only as rows need it."""
MAX_READERS: Final = 512
MAX_KEY: Final = 511
"""Longest key in bytes that LMDB stores; a longer one is in no table."""
PUBLISHED: Final = tuple(section for section in Section if section is not Section.RESOLVED)
"""The sections a revision consists of; `resolved` is the agent's own."""
RECHECK_SECONDS: Final = 1.0
"""How often at most a reader looks whether the file was replaced by another."""

_Identity = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Meta:
    """What the store says of itself; all None in a store that has no table yet."""

    sequence: int | None = None
    schema: int | None = None
    edge: str | None = None


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


class Store:
    """The writer. Exactly one process may hold one, and one at a time.

    Every method that writes does so in one transaction: an error or a crash at any moment leaves the
    table as it was before. Nothing is synced to the disk, since a lost table is published again.
    Raises `lmdb.Error` or OSError; `fault_text` puts either into words.
    """

    def __init__(self, directory: Path, edge: str) -> None:
        """Open the store in `directory`, made if need be. The caller has looked for damage before."""
        self._edge = edge
        self._data = directory / DATA_FILE
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._env = _open_environment(directory, readonly=False)
        try:
            with self._env.begin(write=True) as txn:
                self._dbs = {
                    section: self._env.open_db(section.value.encode(), txn=txn) for section in Section
                }
                self._meta = self._env.open_db(META, txn=txn)
            self._fill_up()
        except BaseException:
            self._env.close()
            raise

    @property
    def meta(self) -> Meta:
        with self._env.begin() as txn:
            return read_meta(txn, self._meta)

    @property
    def sequence(self) -> int | None:
        """The revision in the store; None while it has none."""
        return self.meta.sequence

    def is_untouched(self) -> bool:
        """False once the file was deleted, replaced or written to by anybody but this store."""
        return _signature(self._data) == self._signature

    def is_readable(self) -> bool:
        """True if the rows can still be read: untouched, or deleted or replaced and so still held open here.

        Otherwise they must not be read any more: garbage can end the process, and pages cut off do.
        """
        signature = _signature(self._data)
        return signature[:2] != self._signature[:2] or signature == self._signature

    def commit(self, sequence: int, rows: PackedRows) -> Written:
        """Make the published sections equal to `rows`: only rows that differ are touched."""
        with self._write(sequence) as txn:
            put = deleted = 0
            for section in PUBLISHED:
                wanted, db = rows.get(section, {}), self._dbs[section]
                deleted += _delete(txn, db, [key for key, _ in txn.cursor(db) if key not in wanted])
                put += _put(txn, db, wanted)
        return Written(put, deleted)

    def apply(self, sequence: int, change: Change) -> Written:
        """Go from the stored revision to `sequence` by `change` alone."""
        with self._write(sequence) as txn:
            deleted = sum(_delete(txn, self._dbs[section], keys) for section, keys in change.delete.items())
            put = sum(_put(txn, self._dbs[section], rows) for section, rows in change.put.items())
        return Written(put, deleted)

    def commit_resolved(self, put: Mapping[bytes, bytes], delete: Iterable[bytes] = ()) -> Written:
        """Write what names resolve to; the revision stays as it is."""
        with self._write(None) as txn:
            db = self._dbs[Section.RESOLVED]
            return Written(deleted=_delete(txn, db, delete), put=_put(txn, db, put))

    def rows(self, section: Section) -> list[tuple[bytes, bytes]]:
        """All packed rows of a section, by key."""
        with self._env.begin() as txn:
            return list(txn.cursor(self._dbs[section]))

    def close(self) -> None:
        self._env.close()

    @contextmanager
    def _write(self, sequence: int | None) -> Iterator[Any]:
        # Workers that were killed leave their reader slots behind, which pin old pages for ever.
        self._env.reader_check()
        try:
            with self._env.begin(write=True) as txn:
                yield txn
                if sequence is not None:
                    for key, value in (("sequence", sequence), ("schema", SCHEMA), ("edge", self._edge)):
                        txn.put(key.encode(), str(value).encode(), db=self._meta)
        finally:
            self._fill_up()  # a failed transaction may have written pages, too

    def _fill_up(self) -> None:
        if missing := missing_bytes(self._env, self._data):
            # LMDB may count a last page that it never wrote. With the file always at its full length,
            # one that is shorter has been cut.
            os.truncate(self._data, self._data.stat().st_size + missing)
        self._signature = _signature(self._data)


def _put(txn: Any, db: Any, rows: Mapping[bytes, bytes]) -> int:
    differing = [(key, row) for key, row in sorted(rows.items()) if txn.get(key, db=db) != row]
    for key, row in differing:
        txn.put(key, row, db=db)
    return len(differing)


def _delete(txn: Any, db: Any, keys: Iterable[bytes]) -> int:
    return sum(txn.delete(key, db=db) for key in keys)


class LmdbRows:
    """The readers' side: one per process, a transaction per request.

        with rows.transaction() as found:
            decision = route(Table(found), ...)

    The file is opened by the first transaction in each process (LMDB must not be carried over a fork),
    again when another file has taken its place, and again after an error of LMDB. While there is no
    readable file, every answer is None. Not for several threads of one process at once.
    """

    def __init__(self, directory: Path | str) -> None:
        self._directory = Path(directory)
        self._data = self._directory / DATA_FILE
        self._env: Any = None
        self._dbs: dict[Section, Any] = {}
        self._meta: Any = None
        self._identity: _Identity | None = None
        self._pid = 0
        self._checked = 0.0
        self._open_transactions = 0

    def transaction(self) -> ReadTransaction:
        """One consistent view of the newest revision; use it as a context manager, or `end()` it."""
        now = time.monotonic()
        if self._pid != os.getpid():
            self._forget()
        if self._open_transactions == 0 and (self._env is None or now - self._checked >= RECHECK_SECONDS):
            self._checked = now
            self._follow_file()
        return ReadTransaction(self, self._begin(), self._dbs, self._meta)

    def sequence(self) -> int | None:
        """The revision that a transaction begun now sees; None while there is no table."""
        with self.transaction() as found:
            return found.sequence

    def close(self) -> None:
        if self._env is not None and self._pid == os.getpid():
            self._env.close()
        self._forget()

    def _begin(self) -> Any:
        txn = self._try_begin()
        if txn is None and self._open_transactions == 0:
            self._follow_file()
            txn = self._try_begin()
        self._open_transactions += txn is not None
        return txn

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
        identity = _identity(self._data)
        if identity is None or (self._env is not None and identity == self._identity):
            return  # A deleted file stays readable for those who have it open.
        self._discard()
        self._pid = os.getpid()
        try:
            self._env = _open_environment(self._directory, readonly=True)
            if missing_bytes(self._env, self._data):
                raise lmdb.CorruptedError(f"{self._data} was cut short")
            self._dbs = {
                section: self._env.open_db(section.value.encode(), create=False) for section in Section
            }
            self._meta = self._env.open_db(META, create=False)
            self._identity = identity
        except (lmdb.Error, OSError):
            self._discard()

    def _ended(self, failed: bool) -> None:
        self._open_transactions = max(0, self._open_transactions - 1)
        if failed and self._open_transactions == 0:
            self._discard()

    def _discard(self) -> None:
        if self._env is not None:
            self._env.close()
        self._forget()

    def _forget(self) -> None:
        self._env, self._identity, self._dbs, self._meta = None, None, {}, None
        self._open_transactions = 0
        self._pid = os.getpid()


class ReadTransaction:
    """`sipedge.table.Rows` of one read transaction: the same revision from the first answer to the last."""

    __slots__ = ("_dbs", "_failed", "_meta", "_owner", "_txn")

    def __init__(self, owner: LmdbRows, txn: Any, dbs: Mapping[Section, Any], meta: Any) -> None:
        self._owner, self._txn, self._dbs, self._meta, self._failed = owner, txn, dbs, meta, False

    def get(self, section: Section, key: bytes) -> bytes | None:
        """The row at exactly `key`."""
        if self._txn is None or not 0 < len(key) <= MAX_KEY:
            return None
        try:
            row: bytes | None = self._txn.get(key, db=self._dbs[section])
        except lmdb.Error:
            self._failed = True
            raise
        return row

    def floor(self, section: Section, key: bytes) -> tuple[bytes, bytes] | None:
        """The row at the greatest key not above `key`."""
        if self._txn is None or not key:
            return None
        # No stored key lies between a key and its first MAX_KEY bytes.
        key = key[:MAX_KEY]
        try:
            with self._txn.cursor(db=self._dbs[section]) as cursor:
                above = cursor.set_range(key)
                if not (above and cursor.key() == key) and not (cursor.prev() if above else cursor.last()):
                    return None
                item: tuple[bytes, bytes] = cursor.item()
        except lmdb.Error:
            self._failed = True
            raise
        return item

    @property
    def sequence(self) -> int | None:
        """The revision this transaction sees; None while there is no table."""
        return None if self._txn is None else read_meta(self._txn, self._meta).sequence

    def end(self) -> None:
        """Give the transaction back. Answers are None from then on."""
        txn, self._txn = self._txn, None
        if txn is not None:
            txn.abort()
            self._owner._ended(self._failed)

    def __enter__(self) -> ReadTransaction:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.end()


def read_meta(txn: Any, db: Any) -> Meta:
    """The meta rows that `txn` sees."""
    sequence, schema, edge = (txn.get(key, db=db) for key in (b"sequence", b"schema", b"edge"))
    return Meta(
        sequence=None if sequence is None else int(sequence),
        schema=None if schema is None else int(schema),
        edge=None if edge is None else edge.decode(),
    )


def missing_bytes(env: Any, data: Path) -> int:
    """By how much the data file is shorter than its own account says; 0 for a whole file."""
    expected: int = (env.info()["last_pgno"] + 1) * env.stat()["psize"]
    return max(0, expected - data.stat().st_size)


def fault_text(error: lmdb.Error | OSError, directory: Path) -> str:
    """An error of the store in words: what is wrong, and what mends it."""
    no_space = isinstance(error, (lmdb.DiskError, lmdb.MapFullError)) or (
        isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT)
    )
    if no_space:
        return (
            f"no space left for the table in {directory}: free disk space there; "
            "the last table stays in use and the new one is written as soon as there is room"
        )
    return f"the table in {directory} cannot be written: {error}; it is tried again"


def _open_environment(directory: Path, *, readonly: bool) -> Any:
    return lmdb.open(
        str(directory),
        map_size=MAP_SIZE,
        max_dbs=len(Section) + 1,
        max_readers=MAX_READERS,
        readonly=readonly,
        create=not readonly,
        mode=0o600,
        sync=False,
        metasync=False,
        # Rows are read at random: read-ahead would fill the memory with pages nobody asks for.
        readahead=False,
    )


def _signature(data: Path) -> tuple[int, ...]:
    try:
        status = data.stat()
    except OSError:
        return ()
    return (status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns)


def _identity(data: Path) -> _Identity | None:
    try:
        status = data.stat()
    except OSError:
        return None
    return (status.st_dev, status.st_ino) if status.st_size else None
