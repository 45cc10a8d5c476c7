"""The images of a commit as OCI layouts, with what each is made of."""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path
from typing import Final

import images
from release.archives import files_below, packed
from release.commit import Commit
from release.place import Place
from release.sbom import bill_of

ARCHITECTURES: Final = {"x86_64": "amd64", "aarch64": "arm64"}
_OCI: Final = "org.opencontainers.image"


def make_layouts(commit: Commit, place: Place, sources: Path, target: Path) -> None:
    """Write each image as a tar file of an OCI layout, and its bill of materials.

    Only for the architecture of this machine. Raises CalledProcessError.
    """
    architecture = ARCHITECTURES[os.uname().machine]
    for image in images.IMAGES:
        with tempfile.TemporaryDirectory(prefix="trunkline-release-") as folder:
            layout = Path(folder) / "layout"
            _build(image, commit, place, sources, layout)
            stem = f"trunkline-{image.name}-{commit.version.tag}-linux-{architecture}"
            packing = packed(files_below(layout), commit.seconds, compressed=False)
            (target / f"{stem}.oci.tar").write_bytes(packing)
            bill = bill_of(
                f"oci-dir:{layout}",
                f"trunkline-{image.name}",
                commit.version.tag,
                _digest(layout),
                commit.seconds,
            )
            (target / f"{stem}.spdx.json").write_text(bill, encoding="utf-8")


def _build(image: images.Image, commit: Commit, place: Place, sources: Path, layout: Path) -> None:
    labels = {
        f"{_OCI}.version": commit.version.semantic,
        f"{_OCI}.revision": commit.hash,
        f"{_OCI}.source": place.home,
        f"{_OCI}.url": place.home,
    }
    # A base of this very day: one that is kept lacks what Debian has mended since.
    bases = layout.parent / "bases"
    with images.builder(sources) as build:
        build.build_layout(
            image,
            images.base(image, bases, commit.seconds),
            f"{layout}:{commit.version.tag}",
            labels=labels,
            seconds=commit.seconds,
        )


def _digest(layout: Path) -> str:
    [manifest] = json.loads((layout / "index.json").read_text(encoding="utf-8"))["manifests"]
    return str(manifest["digest"])
