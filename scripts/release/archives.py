"""Tar files that are the same bytes whenever they are made of the same files."""

from __future__ import annotations

import gzip
import hashlib
import io
import tarfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path


def packed(files: Mapping[str, Path | bytes], seconds: int, *, compressed: bool = True) -> bytes:
    """A tar file of these: by name, of one time, owned by root, executable or not and no more."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.GNU_FORMAT) as archive:
        for name in sorted(files):
            _add(archive, name, files[name], seconds)
    return gzip.compress(buffer.getvalue(), mtime=0) if compressed else buffer.getvalue()


def repacked(data: bytes, seconds: int) -> bytes:
    """The same of a compressed tar file that some program has written, its own times and order taken out."""
    with tarfile.open(fileobj=io.BytesIO(data), mode="r:gz") as archive:
        members = [member for member in archive if member.isfile()]
        files = {each.name: file.read() for each in members if (file := archive.extractfile(each))}
    return packed(files, seconds)


def files_below(folder: Path, prefix: str = "") -> dict[str, Path | bytes]:
    """Each file below `folder`, by its path from there behind `prefix`."""
    return {f"{prefix}{path.relative_to(folder)}": path for path in folder.rglob("*") if path.is_file()}


def sums(paths: Iterable[Path]) -> str:
    """What `sha256sum --check` reads."""
    return "".join(f"{sum_of(path)}  {path.name}\n" for path in sorted(paths))


def sum_of(path: Path) -> str:
    """The SHA-256 of a file, as hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def names_in(data: bytes) -> Iterator[str]:
    """The names in a compressed tar file."""
    with tarfile.open(fileobj=io.BytesIO(data), mode="r:gz") as archive:
        yield from archive.getnames()


def _add(archive: tarfile.TarFile, name: str, content: Path | bytes, seconds: int) -> None:
    data = content if isinstance(content, bytes) else content.read_bytes()
    entry = tarfile.TarInfo(name)
    entry.size, entry.mtime = len(data), seconds
    entry.mode = 0o755 if isinstance(content, Path) and content.stat().st_mode & 0o100 else 0o644
    archive.addfile(entry, io.BytesIO(data))
