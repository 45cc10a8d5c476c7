"""How far the events of an instance have been read, and the calls that are open of them: over a kill."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Final

from sipedge.calls.book import CallBook
from sipedge.calls.record import Record
from sipedge.instance import InstanceSettings
from sipedge.line_files import BEGINNING, LineReader, Position

SAVE_SECONDS: Final = 5.0
_WHOLE: Final = "whole"
"""The last line: a file without it is none."""


class BookFile:
    """The file `calls.book`. What is not in it yet is found again: in the events, and in the records."""

    def __init__(self, settings: InstanceSettings) -> None:
        self._settings = settings
        self.is_saved = True
        """False: something was read since it was written."""
        self._save_at = 0.0

    def begin(self, pod: str | None) -> tuple[LineReader, CallBook]:
        """Where to read on, and the book of what was read before. Raises OSError."""
        settings = self._settings
        settings.records_file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        kept = _read(settings.call_book_file)
        events, records, lines = (BEGINNING, BEGINNING, []) if kept is None else kept
        book = CallBook.of_lines(lines, pod)
        # What was written after the book was put down would be written again.
        written = LineReader(settings.records_file, records, settings.record_files - 1)
        while more := written.read():
            book.skip([sid for line in more if (sid := _sid_of(line))])
        return LineReader(settings.events_file, events), book

    def is_due(self, now: float) -> bool:
        """True if it is time to save; `now` is monotonic."""
        return not self.is_saved and now >= self._save_at

    def save(self, position: Position, book: CallBook) -> None:
        """Put down what was read up to `position`; its records are all written. Raises OSError."""
        began = time.monotonic()
        settings = self._settings
        records = LineReader(settings.records_file, BEGINNING, settings.record_files - 1).end()
        head = json.dumps([position.to_json(), records.to_json()])
        path = settings.call_book_file
        temporary = path.with_name(f"{path.name}.new")
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.writelines(f"{line}\n" for line in (head, *book.to_lines(), _WHOLE))
        temporary.replace(path)
        self.is_saved = True
        # Of many calls it takes longer, and is rarer then: never more than a tenth of the time.
        self._save_at = began + max(SAVE_SECONDS, 10 * (time.monotonic() - began))


def _read(path: Path) -> tuple[Position, Position, list[str]] | None:
    """Where events and records were then, and the lines of the book; None if there is no whole one."""
    try:
        head, *lines, last = path.read_text("utf-8").splitlines()
        events, records = map(Position.of_json, json.loads(head))
    except (OSError, ValueError, TypeError):
        return None
    return None if last != _WHOLE or events is None or records is None else (events, records, lines)


def _sid_of(line: bytes) -> str | None:
    record = Record.from_line(line.decode("utf-8", "replace"))
    return None if record is None else record.call_sid
