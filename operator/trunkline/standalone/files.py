"""Which files the PATH arguments name, and their text.

Directories are searched to any depth for `*.yaml` and `*.yml`. Names that begin with a dot are left out
(editors' locks and temporary files, `.git`), unless the argument itself names one. Symlinks are followed.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

LARGEST_FILE: Final = 32 * 1024 * 1024
"""Bytes. A larger file is refused, so that a stray dump cannot eat the memory."""

SUFFIXES: Final = (".yaml", ".yml")


class NoSuchPathError(Exception):
    """A PATH argument names nothing. The text says which, and what to do."""


class UnreadableFileError(Exception):
    """A file is there, but is no text that could be YAML. The text says why."""


@dataclass(frozen=True, slots=True)
class Found:
    """The files of all PATH arguments, sorted, each once; and directories that could not be listed."""

    files: tuple[str, ...]
    unreadable: tuple[tuple[str, str], ...]
    """Path and the fault."""


def find_files(paths: Sequence[str | os.PathLike[str]]) -> Found:
    """Every manifest file below `paths`. Raises NoSuchPathError for a path that names nothing."""
    files: dict[str, str] = {}
    unreadable: list[tuple[str, str]] = []
    for path in (os.fspath(each) for each in paths):
        if not os.path.lexists(path):
            raise NoSuchPathError(
                f"{path}: no such file or directory: give a directory of YAML or a YAML file"
            )
        found = _walk(path, set(), unreadable) if os.path.isdir(path) else [path]
        for each in (os.path.normpath(one) for one in found):
            # One file reached by two arguments (a directory and a file in it) is one file.
            files.setdefault(os.path.realpath(each), each)
    return Found(tuple(sorted(files.values())), tuple(unreadable))


def _walk(directory: str, seen: set[tuple[int, int]], unreadable: list[tuple[str, str]]) -> Iterator[str]:
    try:
        facts = os.stat(directory)
        if (facts.st_dev, facts.st_ino) in seen:
            return
        seen.add((facts.st_dev, facts.st_ino))
        with os.scandir(directory) as listing:
            entries = sorted(listing, key=lambda entry: entry.name)
    except FileNotFoundError:
        return
    except OSError as error:
        unreadable.append((directory, f"cannot be listed: {error.strerror}: check its permissions"))
        return
    for entry in entries:
        if entry.name.startswith("."):
            continue
        if entry.is_dir():
            yield from _walk(entry.path, seen, unreadable)
        elif entry.name.endswith(SUFFIXES):
            yield entry.path


def read_file(path: str) -> bytes:
    """The file's bytes. Raises UnreadableFileError for what is no readable, regular, small enough file."""
    try:
        facts = os.stat(path)
        if not stat.S_ISREG(facts.st_mode):
            raise UnreadableFileError("is not a regular file: only files and directories of files are read")
        if facts.st_size > LARGEST_FILE:
            limit = LARGEST_FILE // (1024 * 1024)
            raise UnreadableFileError(f"has {facts.st_size:,} bytes, more than {limit} MiB: split it")
        return Path(path).read_bytes()
    except FileNotFoundError as error:
        fault = "is a symlink to nothing" if os.path.islink(path) else "is gone"
        raise UnreadableFileError(f"{fault}: put the file back or remove its name") from error
    except OSError as error:
        raise UnreadableFileError(f"cannot be read: {error.strerror}: check its permissions") from error


def decode_text(data: bytes) -> str:
    """The text of a file's bytes. Raises UnreadableFileError for what is not UTF-8."""
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise UnreadableFileError(
            f"is not UTF-8 text (line {line}, byte {error.start}): save it as UTF-8"
        ) from error
