"""A table file that is damaged, foreign or gone: found before it is read, put aside, replaced.

LMDB trusts its file: pages that are cut off or overwritten can end the process that reads them. So a file
left by an earlier run is first walked from end to end by a process of its own:
`python3 -m sipedge.agent.recovery DIRECTORY EDGE` prints what is wrong with it, or nothing.
"""

from __future__ import annotations

import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import lmdb

from sipedge.store import DATA_FILE, MAP_SIZE, META, PUBLISHED, Store, missing_bytes, read_meta
from sipedge.table.publication import PackedRows
from sipedge.table.rows import SCHEMA, Section

INSPECTION_SECONDS: Final = 120


@dataclass(frozen=True, slots=True)
class Content:
    """Everything a store holds."""

    sequence: int | None = None
    rows: PackedRows = field(default_factory=dict)
    resolved: Mapping[bytes, bytes] = field(default_factory=dict)


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
    return Opened(replace_store(directory, edge, Content()), fault)


def content_of(store: Store) -> Content:
    """All that an open store holds. The store must be readable."""
    return Content(
        sequence=store.sequence,
        rows={section: dict(store.rows(section)) for section in PUBLISHED},
        resolved=dict(store.rows(Section.RESOLVED)),
    )


def replace_store(directory: Path, edge: str, content: Content, old: Store | None = None) -> Store:
    """A new file with `content` in the place of the old one, which is kept as `lmdb.corrupt-<n>`.

    Readers meet the old file or the filled new one. `old` is closed once the new one is written, so that
    it stays usable if that fails. Raises lmdb.Error or OSError.
    """
    fresh = directory.with_name(f"{directory.name}.new")
    shutil.rmtree(fresh, ignore_errors=True)
    store = Store(fresh, edge)
    try:
        if content.sequence is not None:
            store.commit(content.sequence, content.rows)
        store.commit_resolved(content.resolved)
    finally:
        store.close()
    if old is not None:
        old.close()
    _put_aside(directory)
    fresh.rename(directory)
    return Store(directory, edge)


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


def find_fault(directory: Path, edge: str) -> str | None:
    """What is wrong with the table file in `directory`; None if all of it can be read."""
    command = [sys.executable, "-m", "sipedge.agent.recovery", str(directory), edge]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=INSPECTION_SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        return "reading it does not come to an end"
    if done.returncode < 0:
        return f"reading it ends with {signal.Signals(-done.returncode).name}"
    if done.returncode:
        return (done.stderr.strip().splitlines() or ["it cannot be read"])[-1]
    return done.stdout.strip() or None


def inspect(directory: Path, edge: str) -> str | None:
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
            return f"{missing} bytes are cut off its end" if missing else _walk(env, edge)
    except (lmdb.Error, ValueError) as error:
        return str(error)


def _walk(env: lmdb.Environment, edge: str) -> str | None:
    if not env.stat()["entries"]:
        return None  # made, and never written to
    names = [section.value.encode() for section in Section] + [META]
    databases = {name: env.open_db(name, create=False) for name in names}
    with env.begin() as txn:
        for database in databases.values():
            for _ in txn.cursor(db=database):
                pass
        meta = read_meta(txn, databases[META])
    if meta.edge not in (None, edge):
        return f'it holds the table of edge "{meta.edge}"'
    if meta.schema is not None and meta.schema > SCHEMA:
        return f"its schema {meta.schema} is newer than {SCHEMA}, the newest this edge understands"
    return None


if __name__ == "__main__":
    print(inspect(Path(sys.argv[1]), sys.argv[2]) or "")
