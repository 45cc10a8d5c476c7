"""Makes what the tests of a cluster run on, ahead of them: programs and images, once, outside the clone.

    python tests/cluster/prepare.py

The first time takes minutes, for which no test's time limit is meant; later it is over at once. Where no node
can run, only what an API server needs is made.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

if __package__ in (None, ""):
    tests = Path(__file__).resolve().parents[1]
    sys.path[0:1] = [str(tests), str(tests.parent / "scripts")]

import images
from cluster import binaries, machine


def main() -> int:
    """0; 1 with what a failed build of a program said."""
    node = not (machine.cannot() or machine.missing_packages())
    programs = binaries.NODE if node else (*binaries.API_SERVER, "kube-controller-manager")
    try:
        binaries.find((*programs, "helm"))
    except subprocess.CalledProcessError as error:
        print(f"{error}\n{error.stderr or ''}".strip(), file=sys.stderr)
        return 1
    if node:
        _keep_images()
    return 0


def _keep_images() -> None:
    """Only the last tests need them: whatever keeps them from being built, the others shall run."""
    for image in images.IMAGES:
        try:
            images.kept(image)
        except (subprocess.CalledProcessError, OSError) as error:
            print(f"images: {image.name} could not be built, its tests will fail: {error}", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
