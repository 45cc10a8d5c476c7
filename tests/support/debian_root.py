"""File trees with packages of a Debian release, in which their programs run beside this machine's.

Made once by mmdebstrap and kept, like the tests' other caches, outside the clone.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

CACHE: Final = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "trunkline" / "images"


class NoRootError(Exception):
    """There can be no such tree here; the text says why."""


def debian_root(name: str, release: str, packages: tuple[str, ...], *options: str) -> Path:
    """The tree called `name`, of just these packages; `options` go to mmdebstrap.

    Raises NoRootError where none can be made, CalledProcessError (with `stderr`) if making it failed.
    """
    if os.geteuid() != 0:
        raise NoRootError(
            "a tree of Debian's packages is for root alone: run the tests as root, or with sudo"
        )
    if shutil.which("mmdebstrap") is None:
        raise NoRootError("mmdebstrap is missing; `make setup` installs it")
    digest = hashlib.sha256(" ".join((release, *packages)).encode()).hexdigest()[:16]
    kept = CACHE / f"{name}-{digest}"
    CACHE.mkdir(parents=True, exist_ok=True)
    with (CACHE / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not kept.exists():
            _make(kept, release, packages, options)
    return kept


def _make(kept: Path, release: str, packages: tuple[str, ...], options: tuple[str, ...]) -> None:
    print(f"making a Debian {release} with {', '.join(packages)}", file=sys.stderr, flush=True)
    partial = kept.with_name(f"building-{kept.name}")
    shutil.rmtree(partial, ignore_errors=True)
    command = ["mmdebstrap", "--quiet", "--variant=minbase", f"--include={','.join(packages)}", *options]
    try:
        subprocess.run([*command, release, str(partial)], check=True, stderr=subprocess.PIPE, text=True)
        partial.rename(kept)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def inside(root: Path, *shared: Path) -> list[str]:
    """What goes before a command so that it runs in the tree: it sees `shared` folders where they are here.

    The mounts are the command's own and end with it.
    """
    return with_places(root, {folder: folder for folder in shared})


def with_places(root: Path, places: Mapping[Path, Path]) -> list[str]:
    """The same; the command sees each of these files and folders of ours where the key says."""
    lines = ["set -e"]
    for seen, own in places.items():
        place = root / seen.relative_to("/")
        if own.is_dir():
            place.mkdir(parents=True, exist_ok=True)
        else:
            place.touch()
        lines.append(f'mount --bind "{own}" "{place}"')
    lines += [f'mount -t proc proc "{root}/proc"', f'mount --bind /dev "{root}/dev"']
    lines.append(f'exec chroot "{root}" "$@"')
    return ["unshare", "--mount", "--propagation", "private", "sh", "-c", "; ".join(lines), "sh"]
