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
    """0; 1 with what a failed command said."""
    try:
        if machine.cannot() or machine.missing_packages():
            binaries.find((*binaries.API_SERVER, "kube-controller-manager", "helm"))
            return 0
        binaries.find((*binaries.NODE, "helm"))
        for image in images.IMAGES:
            images.kept(image)
    except subprocess.CalledProcessError as error:
        print(f"{error}\n{error.stderr or ''}".strip(), file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
