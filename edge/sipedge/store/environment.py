"""What the writer and the readers of an LMDB environment must agree upon."""

from __future__ import annotations

import errno
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import lmdb

from sipedge.table.rows import Generation, Section

DATA_FILE: Final = "data.mdb"
META: Final = b"meta"
GENERATIONS: Final = b"generations"
"""The key in `meta` of the environment's generations: eight bytes for each, in the order of `Generation`."""
MAP_SIZE: Final = 4 << 30
"""Bytes of address space reserved; the file grows only as rows need it."""
MAX_READERS: Final = 512
MAX_KEY: Final = 511
"""Longest key in bytes that LMDB stores; a longer one is in no table."""
LEARNED: Final = (Section.RESOLVED, Section.ANSWER, Section.TALLY, Section.NEIGHBOURS)
"""The sections that the agent fills by itself."""
PUBLISHED: Final = tuple(section for section in Section if section not in LEARNED)
"""The sections a revision consists of."""
_NUMBERS: Final = struct.Struct(f">{len(Generation)}Q")

Identity = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Meta:
    """What an environment says of itself; all None in one that was never written to."""

    sequence: int | None = None
    schema: int | None = None
    edge: str | None = None
    epoch: int = 0
    """Of the revision, as its head has it."""


def read_sequence(txn: Any, db: Any) -> int | None:
    """`Meta.sequence` alone: every call asks for it."""
    sequence = txn.get(b"sequence", db=db)
    return None if sequence is None else int(sequence)


def read_meta(txn: Any, db: Any) -> Meta:
    """The meta rows that `txn` sees."""
    schema, edge, epoch = (txn.get(key, db=db) for key in (b"schema", b"edge", b"epoch"))
    return Meta(
        sequence=read_sequence(txn, db),
        schema=None if schema is None else int(schema),
        edge=None if edge is None else edge.decode(),
        epoch=0 if epoch is None else int(epoch),
    )


def pack_generations(numbers: tuple[int, ...]) -> bytes:
    """The row at GENERATIONS."""
    return _NUMBERS.pack(*numbers)


def read_generations(txn: Any, db: Any) -> tuple[int, ...] | None:
    """One number for each Generation, as `txn` sees them; None in a store of an older version."""
    row = txn.get(GENERATIONS, db=db)
    return None if row is None or len(row) != _NUMBERS.size else _NUMBERS.unpack(row)


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


def open_environment(directory: Path, *, readonly: bool) -> Any:
    """Open or make the environment. Raises lmdb.Error or OSError."""
    return lmdb.open(
        str(directory),
        map_size=MAP_SIZE,
        # An older version kept all sections in one environment.
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


def signature(data: Path) -> tuple[int, ...]:
    """Changes with every write to the file, and with its replacement; () for no file."""
    try:
        status = data.stat()
    except OSError:
        return ()
    return (status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns)


def identity(data: Path) -> Identity | None:
    """Changes when another file takes this one's place; None for no file, or an empty one."""
    try:
        status = data.stat()
    except OSError:
        return None
    return (status.st_dev, status.st_ino) if status.st_size else None
