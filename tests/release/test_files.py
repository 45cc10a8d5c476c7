"""What a release says of itself, and archives that are the same bytes each time."""

from __future__ import annotations

import io
import os
import re
import stat
import tarfile
from email.parser import Parser
from pathlib import Path

import pytest
import yaml

import images
from release.archives import files_below, packed, repacked
from release.chart_metadata import annotations_of, with_metadata
from release.commit import ROOT
from release.krew import krew_manifest
from release.place import UNPUBLISHED, Place, place_of
from release.python_bill import pins_in, python_bill
from release.sbom import settled
from release.versions import version_of

SECONDS = 1_700_000_000
VERSION = version_of("0.2.0", "v0.2.0", 1, "0123456789ab")
DEVELOPED = version_of("0.2.0", None, 7, "0123456789ab")
NOWHERE = place_of({})
SOMEWHERE = place_of({"RELEASE_URL": "https://github.com/acme/trunkline/", "REGISTRY": "ghcr.io/acme"})


def test_an_archive_knows_neither_order_nor_times_nor_owners(tmp_path: Path) -> None:
    made = []
    for number, names in enumerate((("b", "a"), ("a", "b"))):
        folder = tmp_path / str(number)
        folder.mkdir()
        for name in names:
            (folder / name).write_text(name)
            os.utime(folder / name, (number, number))
        (folder / "a").chmod(0o755 if number else 0o700)
        made.append(packed(files_below(folder), SECONDS))
    assert made[0] == made[1]
    with tarfile.open(fileobj=io.BytesIO(made[0])) as archive:
        assert [(each.name, each.mtime, each.mode, each.uid) for each in archive] == [
            ("a", SECONDS, stat.S_IRWXU | 0o055, 0),
            ("b", SECONDS, 0o644, 0),
        ]


def test_a_packed_archive_is_its_own_repacking() -> None:
    data = packed({"chart/values.yaml": b"a: 1\n", "chart/Chart.yaml": b"name: x\n"}, SECONDS)
    assert repacked(data, SECONDS) == data


@pytest.mark.parametrize("image", images.IMAGES, ids=lambda image: image.name)
def test_no_image_keeps_the_moment_of_its_making_in_bytecode(image: images.Image) -> None:
    """It would differ each time; and it is stale once a release gives sources the commit's time."""
    dockerfile = (ROOT / image.dockerfile).read_text(encoding="utf-8")
    by_pip = re.findall(r"pip install .*", dockerfile)
    assert by_pip
    assert all("--no-compile" in each for each in by_pip), by_pip
    assert "compileall" in dockerfile
    shipped = dockerfile.rpartition("\nFROM ")[2]
    assert "python3-" not in shipped or "\nARG SOURCE_DATE_EPOCH\n" in shipped


@pytest.mark.parametrize(
    ("place", "is_marked"), ((NOWHERE, True), (SOMEWHERE, False), (Place("", "r"), True))
)
def test_what_is_not_published_says_so(place: Place, is_marked: bool) -> None:
    manifest = krew_manifest(VERSION, place, "0" * 64, "3.11")
    chart = with_metadata({}, VERSION, place, "<svg/>", {})
    assert manifest.startswith("# Unpublished") == is_marked
    assert ("trunkline.dev/unpublished" in chart["annotations"]) == is_marked
    assert (UNPUBLISHED in manifest, chart["home"] == UNPUBLISHED) == (not place.url,) * 2


def test_krew_finds_the_archive_where_the_release_is() -> None:
    [platform] = yaml.safe_load(krew_manifest(VERSION, SOMEWHERE, "0" * 64, "3.11"))["spec"]["platforms"]
    assert platform["uri"] == (
        "https://github.com/acme/trunkline/releases/download/v0.2.0/kubectl-trunk-0.2.0-linux-amd64.tar.gz"
    )


def test_artifact_hub_is_told_of_every_kind_and_its_example() -> None:
    crds = [yaml.safe_load(path.read_text()) for path in sorted((ROOT / "crds").glob("*.yaml"))]
    examples = [
        each
        for path in sorted((ROOT / "examples" / "quickstart").rglob("*.yaml"))
        for each in yaml.safe_load_all(path.read_text())
        if each
    ]
    told = annotations_of(crds, examples, DEVELOPED, SOMEWHERE)
    kinds = {each["spec"]["names"]["kind"] for each in crds}
    assert {each["kind"] for each in yaml.safe_load(told["artifacthub.io/crds"])} == kinds
    shown = {each["kind"] for each in yaml.safe_load(told["artifacthub.io/crdsExamples"])}
    assert {"Trunk", "Number", "Edge", "Carrier"} <= shown <= kinds
    assert told["artifacthub.io/prerelease"] == "true"
    [first, *_] = yaml.safe_load(told["artifacthub.io/images"])
    assert first["image"] == "ghcr.io/acme/trunkline/operator:0.2.0-dev.7_g0123456789ab"


def test_a_bill_of_materials_has_no_time_and_no_name_by_chance() -> None:
    documents = [
        {"creationInfo": {"created": f"2026-01-0{n}T00:00:00Z", "creators": []}, "documentNamespace": str(n)}
        for n in (1, 2)
    ]
    made = {settled(each, "trunkline-edge", "sha256:0", SECONDS) for each in documents}
    assert len(made) == 1
    assert '"created": "2023-11-14T22:13:20Z"' in made.pop()


ABOUT = """\
Name: trunkline
Version: 0.2.0
License-Expression: Apache-2.0
Requires-Dist: aiohttp<4,>=3.8
Requires-Dist: PyYAML
Requires-Dist: kopf<1.46,>=1.45; extra == 'operator'
Requires-Dist: trunkline[cluster]; extra == 'operator'
Requires-Dist: pytest>=8.3; extra == 'dev'
"""


def test_a_bill_of_a_wheel_names_each_library_that_users_get() -> None:
    pins = pins_in("# with hashes elsewhere\naiohttp==3.11.1\nkopf==1.45.2\npytest==8.3.1\n")
    bill = python_bill(Parser().parsestr(ABOUT), "trunkline-0.2.0.whl", "0" * 64, pins, SECONDS)
    own, *others = bill["packages"]
    assert (own["name"], own["checksums"][0]["checksumValue"]) == ("trunkline", "0" * 64)
    assert [(each["name"], each.get("versionInfo")) for each in others] == [
        ("aiohttp", "3.11.1"),
        ("kopf", "1.45.2"),
        ("pyyaml", None),
    ]
    assert "<4,>=3.8" in others[0]["comment"]
    kinds = {each["spdxElementId"]: each["relationshipType"] for each in bill["relationships"]}
    assert kinds == {
        "SPDXRef-DOCUMENT": "DESCRIBES",
        "SPDXRef-Library-aiohttp": "DEPENDENCY_OF",
        "SPDXRef-Library-kopf": "OPTIONAL_DEPENDENCY_OF",
        "SPDXRef-Library-pyyaml": "DEPENDENCY_OF",
    }
    assert "2023-11-14T22:13:20Z" in bill["creationInfo"]["created"]


def test_an_address_without_tls_is_refused() -> None:
    with pytest.raises(ValueError, match="https"):
        place_of({"RELEASE_URL": "http://example.com"})
