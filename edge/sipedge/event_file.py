"""A file of lines that never grows beyond a bound: when it is full it is put aside, and the oldest goes."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Final

FILE_BYTES: Final = 16 << 20
KEPT_FILES: Final = 4
"""Full ones beside the current: `<name>.1` is the newest. All together take 80 MB."""
RECORD_FILE_BYTES: Final = 32 << 20
"""Of call records, which are kept longer than events: a file holds some 30,000."""
RECORD_FILES: Final = 8
RECORD_FILES_OF_POD: Final = 2
"""A pod's records leave it by its standard output; here they are kept to write each once."""


class LineFile:
    """Appends whole lines, by one process alone. The file is opened anew each time: it may be moved away."""

    def __init__(self, path: Path, file_bytes: int = FILE_BYTES, kept_files: int = KEPT_FILES) -> None:
        self._path, self._file_bytes, self._kept_files = path, file_bytes, kept_files
        self._name = str(path)
        self._left = 0, 0
        """Inode and size of the file as the last write left it: it ends with a whole line then."""

    def append(self, lines: Sequence[str]) -> None:
        """Write the lines, all or none. Raises OSError, with the file as it was."""
        data = "\n".join((*lines, "")).encode("utf-8", "replace")
        descriptor = os.open(self._name, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            found = os.fstat(descriptor)
            inode, before = found.st_ino, found.st_size
            # A process that was killed as it wrote may have left half a line: it must not spoil the next.
            if before and (inode, before) != self._left and os.pread(descriptor, 1, before - 1) != b"\n":
                data = b"\n" + data
            size = before + len(data)
            try:
                while data:
                    data = data[os.write(descriptor, data) :]
            except OSError:
                os.ftruncate(descriptor, before)
                raise
        finally:
            os.close(descriptor)
        self._left = inode, size
        if size >= self._file_bytes:
            self._rotate()

    def _rotate(self) -> None:
        for number in range(self._kept_files, 0, -1):
            older = self._path if number == 1 else self._kept(number - 1)
            if older.exists():
                older.replace(self._kept(number))

    def _kept(self, number: int) -> Path:
        return self._path.with_name(f"{self._path.name}.{number}")
