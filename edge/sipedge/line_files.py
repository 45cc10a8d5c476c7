"""Reads what `LineFile` writes, over its rotations, and from where an earlier reader stopped."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Any, BinaryIO, Final, Self

from sipedge.event_file import KEPT_FILES

CHUNK: Final = 256 << 10
"""Bytes that are read at once; no line is longer."""
_HEAD: Final = 512
"""Bytes of a file by which it is told from another: the time of its first line is among them."""


@dataclass(frozen=True, slots=True)
class Position:
    """How far a reader has come: in which file, and behind which byte of it."""

    file: str = ""
    """By inode and first line; "" = before the oldest file."""
    offset: int = 0

    def to_json(self) -> list[Any]:
        return [self.file, self.offset]

    @classmethod
    def of_json(cls, said: Any) -> Self | None:
        """The position of `to_json`; None for what is none."""
        match said:
            case [str(file), int(offset)] if offset >= 0 and not isinstance(offset, bool):
                return cls(file, offset)
        return None


BEGINNING: Final = Position()
"""Before the oldest file."""


class LineReader:
    """One reader of a file and of those that were put aside. It sees whole lines alone."""

    def __init__(self, path: Path, position: Position = BEGINNING, kept_files: int = KEPT_FILES) -> None:
        self._path, self._kept_files = path, kept_files
        self.position = position
        """Behind the last line that was given."""
        self.gaps = 0
        """How often what was to come next had been thrown away already."""

    def read(self) -> list[bytes]:
        """The next lines, at most `CHUNK` bytes of them; none if there is nothing new. Raises OSError."""
        for file, path in self._from_here():
            offset = self.position.offset if file == self.position.file else 0
            lines, size = _lines_of(path, file, offset)
            if lines is None:
                return []  # it was put aside this very moment: it is found there next time
            # Nothing is added to a file that was put aside; what is not ended there is no line.
            self.position = Position(file, offset + size)
            if lines:
                return lines
        return []

    def end(self) -> Position:
        """Behind all that there is."""
        newest = BEGINNING
        for file, path in files_of(self._path, self._kept_files):
            newest = Position(file, path.stat().st_size)
        return newest

    def _from_here(self) -> Iterator[tuple[str, Path]]:
        """The file of the position and those that are newer, oldest first."""
        files = list(files_of(self._path, self._kept_files))
        names = [name for name, _ in files]
        if self.position.file in names:
            return iter(files[names.index(self.position.file) :])
        if self.position.file and files:
            self.gaps += 1
            self.position = BEGINNING
        return iter(files)


def files_of(path: Path, kept_files: int = KEPT_FILES) -> Iterator[tuple[str, Path]]:
    """Each file that has a line, oldest first, and what it is told by."""
    for place in (*(path.with_name(f"{path.name}.{number}") for number in range(kept_files, 0, -1)), path):
        name = _name_of(place)
        if name:
            yield name, place


def _name_of(path: Path) -> str:
    """ "" for a file that is not there, or has no whole line yet: it cannot be told from others."""
    try:
        with path.open("rb") as file:
            return _name_of_open(file)
    except FileNotFoundError:
        return ""


def _name_of_open(file: BinaryIO) -> str:
    head = file.read(_HEAD)
    first, found, _ = head.partition(b"\n")
    if not found and len(head) < _HEAD:
        return ""
    return f"{os.fstat(file.fileno()).st_ino}-{blake2b(first, digest_size=8).hexdigest()}"


def _lines_of(path: Path, name: str, offset: int) -> tuple[list[bytes] | None, int]:
    """Whole lines from there on, and how many bytes they are; None if it is another file."""
    try:
        file = path.open("rb")
    except FileNotFoundError:
        return None, 0
    with file:
        if _name_of_open(file) != name:
            return None, 0
        file.seek(offset)
        data = file.read(CHUNK)
    end = data.rfind(b"\n") + 1
    if not end and len(data) == CHUNK:
        # No line of ours is so long: it is passed over.
        return [b""], CHUNK
    return data[:end].split(b"\n")[:-1], end
