"""Programs that look at what Trunkline shows, Prometheus and tshark: in a tree of Debian's packages."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path

from support.debian_root import debian_root, inside

RELEASE = "bookworm"
PACKAGES = ("prometheus", "tshark")


def watchers_root() -> Path:
    """The tree with both. Raises NoRootError where none can be made."""
    return debian_root("watchers", RELEASE, PACKAGES)


def watcher(command: Sequence[str], *shared: Path) -> list[str]:
    """How to run one of them, which sees `shared` folders where they are here. Raises NoRootError."""
    return [*inside(watchers_root(), *shared), *command]


def dissect(file: Path, *fields: str) -> list[list[str]]:
    """What tshark reads in a capture: of each packet these fields. Fails if it finds one that is wrong."""
    options = [part for field in fields for part in ("-e", field)]
    checks = [
        "-o",
        "ip.check_checksum:TRUE",
        "-o",
        "udp.check_checksum:TRUE",
        "-o",
        "tcp.check_checksum:TRUE",
    ]
    command = ["tshark", "-n", "-r", str(file), *checks, "-T", "fields", "-E", "separator=|", *options]
    done = subprocess.run(watcher(command, file.parent), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return [line.split("|") for line in done.stdout.splitlines()]
