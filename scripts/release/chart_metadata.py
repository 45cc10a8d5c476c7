"""What a chart says of itself beyond what helm needs: its home, its icon, and what Artifact Hub shows."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from typing import Any, Final

import yaml

from release.place import Place
from release.versions import Version

IMAGES: Final = ("operator", "edge", "recorder")
_PREFIX: Final = "artifacthub.io/"

Manifest = Mapping[str, Any]


def with_metadata(
    chart: Manifest, version: Version, place: Place, icon: str, annotations: Mapping[str, str]
) -> dict[str, Any]:
    """Chart.yaml as it is released; `icon` is the text of an SVG."""
    data = base64.b64encode(icon.encode()).decode()
    return {
        **chart,
        "version": version.semantic,
        "appVersion": version.tag,
        "home": place.home,
        "sources": [place.home],
        "icon": f"data:image/svg+xml;base64,{data}",
        "annotations": {
            **annotations,
            **({} if place.is_published else {"trunkline.dev/unpublished": "true"}),
        },
    }


def annotations_of(
    crds: Sequence[Manifest], examples: Sequence[Manifest], version: Version, place: Place
) -> dict[str, str]:
    """What Artifact Hub shows: kinds with an example of each that there is one of, and images."""
    return {
        f"{_PREFIX}license": "Apache-2.0",
        f"{_PREFIX}operator": "true",
        f"{_PREFIX}prerelease": str("-" in version.semantic).lower(),
        f"{_PREFIX}crds": _yaml([_kind(each) for each in crds]),
        f"{_PREFIX}crdsExamples": _yaml(_first_of_each(examples)),
        f"{_PREFIX}images": _yaml(
            [{"name": name, "image": place.image(name, version.tag)} for name in IMAGES]
        ),
    }


def _kind(crd: Manifest) -> dict[str, str]:
    spec = crd["spec"]
    newest = spec["versions"][-1]
    return {
        "kind": spec["names"]["kind"],
        "version": newest["name"],
        "name": crd["metadata"]["name"],
        "displayName": spec["names"]["kind"],
        "description": newest["schema"]["openAPIV3Schema"]["description"].split("\n\n")[0],
    }


def _first_of_each(examples: Sequence[Manifest]) -> list[Manifest]:
    found: dict[str, Manifest] = {}
    for each in examples:
        if str(each.get("apiVersion")).startswith("trunkline.dev/"):
            found.setdefault(each["kind"], each)
    return [found[kind] for kind in sorted(found)]


def _yaml(value: object) -> str:
    return yaml.safe_dump(value, sort_keys=False, allow_unicode=True, width=110)
