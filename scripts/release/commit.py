"""The commit that a release is made of: its version, its time, and its files without anything else."""

from __future__ import annotations

import io
import re
import subprocess
import tarfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from release.versions import Version, VersionError, version_of

ROOT: Final = Path(__file__).resolve().parents[2]
VERSION_FILE: Final = "edge/sipedge/__init__.py"
_DECLARATION: Final = re.compile(r'^__version__ = "([^"]*)"$', re.MULTILINE)


@dataclass(frozen=True)
class Commit:
    """One commit of this clone."""

    hash: str
    seconds: int
    """When it was made, since the epoch: the time of every file of the release (SOURCE_DATE_EPOCH)."""
    version: Version

    def export(self, folder: Path) -> None:
        """Write its files below `folder`, with its version where the package declares one."""
        with tarfile.open(fileobj=io.BytesIO(_git_bytes("archive", self.hash))) as archive:
            archive.extractall(folder)  # noqa: S202 -- our own commit
        path = folder / VERSION_FILE
        text = path.read_text(encoding="utf-8")
        path.write_text(_DECLARATION.sub(f'__version__ = "{self.version.python}"', text), encoding="utf-8")


def commit_at(name: str = "HEAD") -> Commit:
    """Raises VersionError; CalledProcessError if there is no such commit."""
    found = _git("rev-parse", "--verify", f"{name}^{{commit}}")
    declared = _DECLARATION.search(_git("show", f"{found}:{VERSION_FILE}"))
    if declared is None:
        raise VersionError(f"{VERSION_FILE} declares no __version__")
    tags = _git("tag", "--points-at", found, "--list", "v[0-9]*").split()
    if len(tags) > 1:
        raise VersionError(f"the commit has more than one version: {', '.join(tags)}")
    count = int(_git("rev-list", "--count", found))
    version = version_of(declared[1], tags[0] if tags else None, count, found[:12])
    return Commit(found, int(_git("log", "-1", "--format=%ct", found)), version)


def _git(*arguments: str) -> str:
    return _git_bytes(*arguments).decode().strip()


def _git_bytes(*arguments: str) -> bytes:
    return subprocess.run(["git", *arguments], cwd=ROOT, check=True, stdout=subprocess.PIPE).stdout
