"""`make release`: everything that a release of one commit is, below dist/.

    PYTHONPATH=scripts:tests python -m release [--commit HEAD] [--only packages]

What is not committed plays no part. Two runs for one commit write the same bytes, as far as Debian and the
Python package index still have the same packages. RELEASE_URL (https://github.com/OWNER/trunkline) and
REGISTRY (ghcr.io/OWNER) say where it will be found; without them all of it says that it is not published.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final

from cluster import binaries
from release.archives import sums
from release.commit import ROOT, commit_at
from release.layouts import ARCHITECTURES, make_layouts
from release.packages import Workshop
from release.place import place_of
from release.versions import VersionError

SUMS: Final = "SHA256SUMS"


def main() -> int:
    """0, or 1 with what is wrong."""
    parser = argparse.ArgumentParser(
        prog="release", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--commit", default="HEAD")
    parser.add_argument("--target", type=Path, default=ROOT / "dist")
    parser.add_argument(
        "--only",
        choices=("packages",),
        help="no images, and no bill of materials that is read out of something",
    )
    options = parser.parse_args()
    try:
        _make(options.commit, options.target.resolve(), with_images=options.only is None)
    except (VersionError, ValueError, subprocess.CalledProcessError) as error:
        print(f"release: {error}\n{getattr(error, 'stderr', None) or ''}".strip(), file=sys.stderr)
        return 1
    return 0


def _make(name: str, target: Path, *, with_images: bool) -> None:
    commit, place = commit_at(name), place_of(os.environ)
    print(f"{commit.version.semantic}, of commit {commit.hash[:12]}, to {target}")
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    with tempfile.TemporaryDirectory(prefix="trunkline-release-") as folder:
        # Under one name for every run, for wheels that are built there may keep it.
        sources = Path(folder) / "trunkline"
        commit.export(sources)
        workshop = Workshop(commit, place, sources, target)
        workshop.describe_chart()
        wheel = workshop.make_python()
        workshop.make_python_bills(wheel)
        plugin = workshop.make_plugin(wheel)
        if with_images:
            workshop.make_bill(plugin)
            make_layouts(commit, place, sources, target)
        workshop.make_chart(binaries.find(["helm"])["helm"])
    (target / SUMS).write_text(sums(target.iterdir()), encoding="utf-8")
    _tell(target, is_published=place.is_published, with_images=with_images)


def _tell(target: Path, *, is_published: bool, with_images: bool) -> None:
    for path in sorted(target.iterdir()):
        print(f"  {path.stat().st_size / 1e6:8.1f} MB  {path.name}")
    if with_images:
        others = sorted(set(ARCHITECTURES.values()) - {ARCHITECTURES[os.uname().machine]})
        print(f"Not built, for this machine does not execute it: {', '.join(others)}.")
    if not is_published:
        print("Unpublished: RELEASE_URL and REGISTRY are not both set.")


if __name__ == "__main__":
    sys.exit(main())
