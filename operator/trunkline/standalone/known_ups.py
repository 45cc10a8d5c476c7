"""The `up`s of this user that run: those in the usual place, and those that --state-dir put elsewhere.

One that is elsewhere has a link in the usual place while it runs, so that other commands find it.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from trunkline.standalone.state import is_running
from trunkline.standalone.state_files import StateDirectory, default_state_directory, read_json

_ELSEWHERE: Final = "elsewhere"


def running_ups() -> tuple[Path, ...]:
    """Their state directories, sorted."""
    home = _home()
    found = {path.resolve() for path in (*home.glob("*"), *(home / _ELSEWHERE).glob("*"))}
    return tuple(sorted(each for each in found if is_running(each)))


def up_of(paths: Sequence[str]) -> Path:
    """The state directory of the `up` that runs with these paths; the usual one of these if none does."""
    usual = default_state_directory(paths)
    wanted = sorted(map(os.path.realpath, paths))
    if is_running(usual):
        return usual
    return next((each for each in running_ups() if _paths(each) == wanted), usual)


@contextmanager
def known(root: Path) -> Iterator[None]:
    """Other commands find the `up` of this state directory meanwhile, as far as files can be written."""
    folder = _home() / _ELSEWHERE
    link = folder / hashlib.blake2b(os.fsencode(root), digest_size=6).hexdigest()
    if root.resolve().parent == _home().resolve():
        yield
        return
    with suppress(OSError):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for left in (each for each in folder.iterdir() if not is_running(each)):
            left.unlink()
        link.symlink_to(root)
    try:
        yield
    finally:
        with suppress(OSError):
            link.unlink()
            # A home that had nothing of ours has nothing of ours again.
            folder.rmdir()
            folder.parent.rmdir()


def _home() -> Path:
    return default_state_directory(()).parent


def _paths(root: Path) -> list[str]:
    summary = read_json(StateDirectory(root).summary)
    return sorted(map(os.path.realpath, summary["paths"])) if isinstance(summary, dict) else []
