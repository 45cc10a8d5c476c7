"""A machine with Asterisk as Debian configures it, but for the two files of a guide."""

from __future__ import annotations

import shlex
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from support.debian_root import with_places

SECONDS: Final = 120.0
_WRITTEN: Final = ("run", "var/lib", "var/log", "var/spool")
"""Where Asterisk writes to a folder of its own name. /var/run is a link, which would lead out of the tree."""


def write_machine(root: Path, place: Path, files: Path, keys: Path) -> Path:
    """A folder with the program `asterisk`, which runs in the tree of Debian's packages.

    `files` are laid over /etc/asterisk, one by one; `keys` is /etc/asterisk/keys there.
    """
    places = {Path("/etc/asterisk") / each.name: each for each in sorted(files.glob("*.conf"))}
    keys.mkdir(parents=True, exist_ok=True)
    places[Path("/etc/asterisk/keys")] = keys
    for name in _WRITTEN:
        own = place / name
        own.mkdir(parents=True)
        places[Path("/", name, "asterisk")] = own
    programs = place / "programs"
    programs.mkdir()
    program = programs / "asterisk"
    program.write_text(f'#!/bin/sh\nexec {shlex.join(with_places(root, places))} asterisk "$@"\n')
    program.chmod(0o755)
    return programs


@contextmanager
def running(programs: Path) -> Iterator[None]:
    """Its Asterisk, booted; what it wrote is printed where it does not come up."""
    program, log = programs / "asterisk", programs.parent / "output"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [program, "-f"], stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True
        )
    try:
        deadline = time.monotonic() + SECONDS
        while b"fully booted" not in _asked(program):
            said = log.read_text(errors="replace")
            assert process.poll() is None, f"Asterisk ended:\n{said[-4000:]}"
            assert time.monotonic() < deadline, f"Asterisk does not start:\n{said[-4000:]}"
            time.sleep(0.1)
        yield
    finally:
        process.kill()
        process.wait()


def _asked(program: Path) -> bytes:
    command: list[str | Path] = [program, "-rx", "core waitfullybooted"]
    return subprocess.run(command, capture_output=True, check=False).stdout
