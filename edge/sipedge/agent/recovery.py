"""A table file that is damaged, foreign or gone: found before it is read, put aside, replaced.

LMDB trusts its file: pages that are cut off or overwritten can end the process that reads them. So a file
left by an earlier run is first walked from end to end by a process of its own:
`python3 -m sipedge.agent.recovery KIND DIRECTORY EDGE` (KIND: Store or LearnedStore) prints what is wrong
with it, or nothing.
"""

from __future__ import annotations

import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, TypeVar

import lmdb

from sipedge.store import (
    DATA_FILE,
    MAP_SIZE,
    META,
    PUBLISHED,
    LearnedStore,
    Store,
    Writer,
    missing_bytes,
    read_meta,
)
from sipedge.table.publication import PackedRows
from sipedge.table.rows import ROW_SCHEMA, Section

INSPECTION_SECONDS: Final = 120.0
_KINDS: Final[dict[str, type[Writer]]] = {each.__name__: each for each in (Store, LearnedStore)}

_Kept = TypeVar("_Kept", bound=Writer)


@dataclass(frozen=True, slots=True)
class Content:
    """Everything a table's store holds."""

    sequence: int | None = None
    rows: PackedRows = field(default_factory=dict)
    epoch: int = 0

    def fill(self, store: Store) -> None:
        """Write it into a store that is empty."""
        if self.sequence is not None:
            store.commit(self.sequence, self.rows, self.epoch)


@dataclass(frozen=True, slots=True)
class Opened:
    """An open store, and what was wrong with the file that was found (None: nothing)."""

    store: Store
    fault: str | None


def open_store(directory: Path, edge: str) -> Opened:
    """Open the store; a file that cannot be trusted is put aside and an empty store takes its place.

    Raises lmdb.Error or OSError if no store can be made.
    """
    fault = find_fault(directory, edge) if (directory / DATA_FILE).exists() else None
    if fault is None:
        return Opened(Store(directory, edge), None)
    return Opened(replace_store(directory, lambda place: Store(place, edge), Content().fill), fault)


def content_of(store: Store) -> Content:
    """All that an open store holds. The store must be readable."""
    return Content(
        sequence=store.sequence,
        rows={section: dict(store.rows(section)) for section in PUBLISHED},
        epoch=store.meta.epoch,
    )


def replace_store(
    directory: Path, make: Callable[[Path], _Kept], fill: Callable[[_Kept], None], old: _Kept | None = None
) -> _Kept:
    """A new file in the place of the old one, which is kept as `<directory>.corrupt-<n>`.

    `make` opens a store in a directory, `fill` writes what the new one shall hold. Readers meet the old file
    or the filled new one. `old` is closed once the new one is written, so that it stays usable if that fails.
    Raises lmdb.Error or OSError.
    """
    fresh = directory.with_name(f"{directory.name}.new")
    shutil.rmtree(fresh, ignore_errors=True)
    with make(fresh) as store:
        fill(store)
    if old is not None:
        old.close()
    _put_aside(directory)
    fresh.rename(directory)
    return make(directory)


def _put_aside(directory: Path) -> None:
    kept = {
        int(match[1]): path
        for path in directory.parent.glob(f"{directory.name}.corrupt-*")
        if (match := re.fullmatch(r".*\.corrupt-(\d+)", path.name))
    }
    for path in kept.values():
        shutil.rmtree(path, ignore_errors=True)
    if not directory.exists():
        return
    if (directory / DATA_FILE).exists():
        number = max(kept, default=0) + 1
        directory.rename(directory.with_name(f"{directory.name}.corrupt-{number}"))
    else:
        shutil.rmtree(directory)


def find_fault(
    directory: Path, edge: str, kind: type[Writer] = Store, seconds: float = INSPECTION_SECONDS
) -> str | None:
    """What is wrong with the file in `directory`; None if all of it can be read."""
    command = [sys.executable, "-m", "sipedge.agent.recovery", kind.__name__, str(directory), edge]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=seconds, check=False)
    except subprocess.TimeoutExpired:
        return "reading it does not come to an end"
    if done.returncode < 0:
        return f"reading it ends with {signal.Signals(-done.returncode).name}"
    if done.returncode:
        return (done.stderr.strip().splitlines() or ["it cannot be read"])[-1]
    return done.stdout.strip() or None


def inspect(kind: type[Writer], directory: Path, edge: str) -> str | None:
    """As `find_fault`, in this process: garbage may end it."""
    try:
        with lmdb.open(
            str(directory),
            map_size=MAP_SIZE,
            max_dbs=len(Section) + 1,
            readonly=True,
            lock=False,
            create=False,
        ) as env:
            missing = missing_bytes(env, directory / DATA_FILE)
            return f"{missing} bytes are cut off its end" if missing else _walk(env, edge, kind.sections)
    except (lmdb.Error, ValueError) as error:
        return str(error)


def _walk(env: lmdb.Environment, edge: str, sections: tuple[Section, ...]) -> str | None:
    if not env.stat()["entries"]:
        return None  # made, and never written to
    names = [section.value.encode() for section in sections]
    databases = {META: env.open_db(META, create=False)}
    for name in names:
        with suppress(lmdb.NotFoundError):  # a section that the version which wrote it did not have
            databases[name] = env.open_db(name, create=False)
    with env.begin() as txn:
        for database in databases.values():
            for _ in txn.cursor(db=database):
                pass
        meta = read_meta(txn, databases[META])
    if meta.edge not in (None, edge):
        return f'it holds the table of edge "{meta.edge}"'
    if meta.schema is not None and meta.schema > ROW_SCHEMA:
        return f"its schema {meta.schema} is newer than {ROW_SCHEMA}, the newest this edge understands"
    return None


if __name__ == "__main__":
    print(inspect(_KINDS[sys.argv[1]], Path(sys.argv[2]), sys.argv[3]) or "")
