"""Makes what tests run on, ahead of them: programs, images and trees of packages, once, outside the clone.

    python tests/cluster/prepare.py

The first time takes minutes, for which no test's time limit is meant; later it is over at once. Where no node
can run, what only a node needs is not made.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Final

if __package__ in (None, ""):
    tests = Path(__file__).resolve().parents[1]
    sys.path[0:1] = [str(tests), str(tests.parent / "scripts")]

import go_tools
import images
from cluster import binaries, machine
from gitops.upstream import UPSTREAM
from support.asterisk import asterisk_root
from support.debian_root import NoRootError
from support.image_root import image_root
from support.watchers import watchers_root

TESTS: Final = Path(__file__).resolve().parents[1]
PROGRAMS: Final = tuple(TESTS / name for name in ("argocd", "collector", "kstatus", "s3", "workflows"))
"""Modules of programs in Go that tests call."""


def main() -> int:
    """0; 1 with what a failed build of a program said."""
    node = not (machine.cannot() or machine.missing_packages())
    programs = binaries.NODE if node else (*binaries.API_SERVER, "kube-controller-manager")
    try:
        binaries.find((*programs, "helm"))
        for module in PROGRAMS:
            go_tools.built(module)
        for each in UPSTREAM:
            each.crds()
    except subprocess.CalledProcessError as error:
        print(f"{error}\n{error.stderr or ''}".strip(), file=sys.stderr)
        return 1
    if node:
        _keep_images()
    _keep_roots()
    return 0


def _keep_images() -> None:
    """Only the last tests need them: whatever keeps them from being built, the others shall run."""
    for image in images.IMAGES:
        try:
            images.kept(image)
        except (subprocess.CalledProcessError, OSError) as error:
            print(f"images: {image.name} could not be built, its tests will fail: {error}", file=sys.stderr)


def _keep_roots() -> None:
    """Packages that this machine's release lacks; a few tests of SIP alone need them, and say so."""
    for make in (image_root, asterisk_root, watchers_root):
        try:
            make()
        except (NoRootError, subprocess.CalledProcessError, OSError) as error:
            print(f"roots: {error}; tests that need it will say that they did not run", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
