"""The journal: one file per adopted call, so that a B2BUA that was killed finds its calls again.

A file is written beside its place and renamed into it, after each step of its call; what is read back is what
the last step left. Files of calls that cannot be up any more are dropped.
"""

from __future__ import annotations

import json
import logging
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from sipedge.b2bua_settings import journal_file

log = logging.getLogger(__name__)

_SUFFIX: Final = ".json"
_UNFINISHED: Final = ".new"
_SCHEMA: Final = 1


class Journal:
    """The files of one B2BUA. Their directory is its own, and nobody else's: they hold what calls are known
    by."""

    def __init__(self, directory: Path, longest_seconds: float) -> None:
        self._directory, self._longest = directory, longest_seconds
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)

    def write(self, name: str, plain: dict[str, Any]) -> None:
        """Remember a call, by its Call-ID. A disk that is full costs the memory of it, and no more."""
        place = self._place(name)
        beside = place.with_suffix(_UNFINISHED)
        try:
            beside.write_text(json.dumps({"schema": _SCHEMA, **plain}), encoding="ascii")
            os.replace(beside, place)
        except OSError as error:
            log.error("the journal cannot be written: %s", error.strerror)

    def forget(self, name: str) -> None:
        """The call is over."""
        self._place(name).unlink(missing_ok=True)

    def read(self) -> Iterator[dict[str, Any]]:
        """What an earlier process has left. What cannot be read, is too old, or was never finished, is
        dropped."""
        for beside in self._directory.glob(f"*{_UNFINISHED}"):
            beside.unlink(missing_ok=True)
        for place in sorted(self._directory.glob(f"*{_SUFFIX}")):
            plain = self._read(place)
            if plain is None:
                place.unlink(missing_ok=True)
            else:
                yield plain

    def _read(self, place: Path) -> dict[str, Any] | None:
        try:
            if time.time() - place.stat().st_mtime > self._longest:
                return None
            plain = json.loads(place.read_text(encoding="ascii"))
        except (OSError, ValueError, RecursionError) as error:
            log.error("a file of the journal cannot be read: %s", type(error).__name__)
            return None
        return plain if isinstance(plain, dict) and plain.get("schema") == _SCHEMA else None

    def _place(self, name: str) -> Path:
        return journal_file(self._directory, name)
