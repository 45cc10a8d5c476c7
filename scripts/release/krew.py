"""The manifest by which krew, kubectl's plugin manager, finds and checks `kubectl trunk`."""

from __future__ import annotations

from typing import Any, Final

import yaml

from release.place import Place
from release.versions import Version

PLUGIN: Final = "kubectl-trunk"
LAUNCHER: Final = """#!/bin/sh
# kubectl trunk: what is beside this file, by a Python {python}.
place=$(dirname "$(readlink -f "$0")")
command -v python{python} >/dev/null || {{ echo "kubectl trunk needs python{python} on PATH" >&2; exit 1; }}
export PYTHONPATH="$place/lib"
exec python{python} -P -c 'from trunkline.cli import main_of_kubectl; main_of_kubectl()' "$@"
"""
"""By the version of Python that the libraries beside it are built for, as 3.11."""


def archive_name(version: Version) -> str:
    """The file that krew fetches."""
    return f"{PLUGIN}-{version.semantic}-linux-amd64.tar.gz"


def krew_manifest(version: Version, place: Place, sha256: str, python: str) -> str:
    """The manifest, for the index of krew or for `kubectl krew install --manifest`."""
    name = archive_name(version)
    spec: dict[str, Any] = {
        "version": f"v{version.semantic}",
        "homepage": place.home,
        "shortDescription": "Look into Trunkline's SIP trunks and edges",
        "description": (
            "Says which trunks and edges are ready and why others are not, what an edge would do with\n"
            "a call, and what is wrong with the objects in a namespace. It reads, and writes nothing.\n"
        ),
        "caveats": f"Needs Python {python} on PATH.\n",
        "platforms": [
            {
                "selector": {"matchLabels": {"os": "linux", "arch": "amd64"}},
                "uri": place.download(version.semantic, name),
                "sha256": sha256,
                "bin": PLUGIN,
            }
        ],
    }
    head = "" if place.is_published else "# Unpublished: nothing is where `uri` says.\n"
    manifest = {
        "apiVersion": "krew.googlecontainertools.github.com/v1alpha2",
        "kind": "Plugin",
        "metadata": {"name": "trunk"},
        "spec": spec,
    }
    return head + yaml.safe_dump(manifest, sort_keys=False, width=110)
