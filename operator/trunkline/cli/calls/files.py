"""Files of call records: read whole and fast, line by line, or followed as they grow."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from sipedge.event_file import RECORD_FILES
from sipedge.line_files import BEGINNING, LineReader, files_of
from trunkline.cli.calls.choice import KEYS, Row, row_of
from trunkline.cli.reading import UsageError
from trunkline.standalone.state_files import StateDirectory


def files_of_up(state: Path) -> list[Path]:
    """What the edges of this state directory write, full files included; none if there is none."""
    directory = StateDirectory(state).calls
    current = sorted(directory.glob("*.jsonl"))
    return [path for each in current for _, path in files_of(each, RECORD_FILES)]


def checked(files: Sequence[Path]) -> list[Path]:
    """These files. Raises UsageError for one that cannot be read."""
    for path in files:
        try:
            path.open("rb").close()
        except OSError as error:
            raise UsageError(f"--file {path}: {error.strerror}") from error
    return list(files)


def rows_of(files: Sequence[Path]) -> list[Row]:
    """The row of each record in these files: by DuckDB where it is installed, in less time."""
    if not files:
        return []
    try:
        import duckdb
    except ImportError:
        return [row_of(each) for path in files for each in records_of(path)]
    columns = {key: "DOUBLE" if key == "durationSeconds" else "VARCHAR" for key in KEYS} | {
        "sipStatus": "INTEGER",
        "event": "VARCHAR",
    }
    names = ", ".join(f'"{key}"' for key in KEYS)
    with duckdb.connect() as engine:
        found = engine.execute(
            f"SELECT {names} FROM read_ndjson(?, columns = {columns}, ignore_errors = true)"  # noqa: S608
            ' WHERE "callSid" IS NOT NULL AND event IS NULL',
            [[str(path) for path in files]],
        ).fetchall()
    return [Row(*each) for each in found]


def records_of(path: Path, containing: str = "") -> Iterator[dict[str, Any]]:
    """Each record of a file in whose line this text is, oldest first; what is none is passed over."""
    wanted = containing.encode()
    with path.open("rb") as file:
        for line in file:
            if wanted in line and (said := record_in(line)) is not None:
                yield said


def record_in(line: str | bytes) -> dict[str, Any] | None:
    """The record of a line; None for any other line, of a log for instance."""
    try:
        said = json.loads(line)
    except (ValueError, RecursionError):
        return None
    is_record = isinstance(said, dict) and isinstance(said.get("callSid"), str) and "event" not in said
    return said if is_record else None


class Followed:
    """Records that are written from now on."""

    def __init__(self, state: Path) -> None:
        self._directory = StateDirectory(state).calls
        self._readers = {path: self._reader(path, at_end=True) for path in self._directory.glob("*.jsonl")}

    def more(self) -> list[dict[str, Any]]:
        """Those that have come since."""
        for path in self._directory.glob("*.jsonl"):
            if path not in self._readers:
                self._readers[path] = self._reader(path, at_end=False)
        found = []
        for reader in self._readers.values():
            while lines := reader.read():
                found += [said for line in lines if (said := record_in(line)) is not None]
        return found

    def _reader(self, path: Path, *, at_end: bool) -> LineReader:
        reader = LineReader(path, BEGINNING, RECORD_FILES)
        if at_end:
            reader.position = reader.end()
        return reader
