"""A file tree with the packages of the edge's image, in which the image's Kamailio runs without an image.

Made once by mmdebstrap and kept, like the tests' other caches, outside the clone.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[2]
DOCKERFILE: Final = ROOT / "edge" / "Dockerfile"
CACHE: Final = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "trunkline" / "images"


class NoRootError(Exception):
    """There can be no such tree here; the text says why."""


def image_packages(dockerfile: str) -> tuple[str, tuple[str, ...]]:
    """Debian's release and the packages that a Dockerfile installs.

    Raises ValueError if it does not install any, or is based on something else.
    """
    base = re.search(r"^ARG BASE_IMAGE=debian:([a-z]+)", dockerfile, re.MULTILINE)
    installed = re.search(r"apt-get install [^\\]*\\\n((?: +[a-z0-9][a-z0-9+.-]* *\\\n)+)", dockerfile)
    if base is None or installed is None:
        raise ValueError("the Dockerfile names no Debian release, or no packages")
    return base[1], tuple(installed[1].replace("\\", " ").split())


def image_root() -> Path:
    """The tree. Raises NoRootError where none can be made, CalledProcessError if making it failed."""
    if os.geteuid() != 0:
        raise NoRootError("the image's Kamailio is tried by root alone: run the tests as root, or with sudo")
    if shutil.which("mmdebstrap") is None:
        raise NoRootError("mmdebstrap is missing; `make setup` installs it")
    release, packages = image_packages(DOCKERFILE.read_text(encoding="utf-8"))
    name = hashlib.sha256(" ".join((release, *packages)).encode()).hexdigest()[:16]
    kept = CACHE / f"root-{name}"
    CACHE.mkdir(parents=True, exist_ok=True)
    with (CACHE / "root.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not kept.exists():
            _make(kept, release, packages)
    return kept


def _make(kept: Path, release: str, packages: tuple[str, ...]) -> None:
    print(f"making a Debian {release} with the packages of the edge's image", file=sys.stderr, flush=True)
    partial = kept.with_name(f"building-{kept.name}")
    shutil.rmtree(partial, ignore_errors=True)
    command = ["mmdebstrap", "--quiet", "--variant=minbase", f"--include={','.join(packages)}"]
    subprocess.run([*command, release, str(partial)], check=True)
    partial.rename(kept)


def inside(root: Path, *shared: Path) -> list[str]:
    """What goes before a command so that it runs in the tree: it sees `shared` folders where they are here.

    The mounts are the command's own and end with it.
    """
    lines = ["set -e"]
    for folder in shared:
        place = root / folder.relative_to("/")
        place.mkdir(parents=True, exist_ok=True)
        lines.append(f'mount --bind "{folder}" "{place}"')
    lines += [f'mount -t proc proc "{root}/proc"', f'mount --bind /dev "{root}/dev"']
    lines.append(f'exec chroot "{root}" "$@"')
    return ["unshare", "--mount", "--propagation", "private", "sh", "-c", "; ".join(lines), "sh"]
