"""The code of the last version that says nothing of table schemas, from the history of this repository."""

from __future__ import annotations

import io
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]
LAST_VERSION: Final = "176cb97"
"""A commit. Its tables have schema 1."""


def unpack_last_version(directory: Path) -> Path:
    """Its `edge`, `operator` and `tests/support` below `directory`, which is given back."""
    command = ["git", "archive", LAST_VERSION, "edge", "operator", "tests/support"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, check=False)
    assert done.returncode == 0, f"{' '.join(command)}: {done.stderr.decode()}: is this a shallow clone?"
    with tarfile.open(fileobj=io.BytesIO(done.stdout)) as archive:
        archive.extractall(directory)
    return directory


def run_last_version(version: Path, program: str, *arguments: str, given: bytes = b"") -> bytes:
    """What a program prints that imports the last version alone."""
    done = subprocess.run(
        [sys.executable, "-c", program, *arguments],
        env={"PYTHONPATH": ":".join(str(version / each) for each in ("operator", "edge", "tests"))},
        input=given,
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout
