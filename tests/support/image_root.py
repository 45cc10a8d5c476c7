"""A file tree with the packages of the edge's image, in which the image's Kamailio runs without an image."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from support.debian_root import NoRootError, debian_root, inside

__all__ = ["NoRootError", "image_packages", "image_root", "inside"]

DOCKERFILE: Final = Path(__file__).resolve().parents[2] / "edge" / "Dockerfile"


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
    """The tree. Raises as `debian_root` does."""
    return debian_root("root", *image_packages(DOCKERFILE.read_text(encoding="utf-8")))
