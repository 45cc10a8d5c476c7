"""The chart's files: what is generated is up to date, every value is explained, the schema knows them all."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

import chart

ROOT = Path(__file__).resolve().parents[2]
CHART = ROOT / "charts" / "trunkline"
VALUES = (CHART / "values.yaml").read_text(encoding="utf-8")


def leaves(tree: Any, path: str = "") -> Iterator[str]:
    """Where values stand that are no maps with content."""
    if isinstance(tree, dict) and tree:
        for key, value in tree.items():
            yield from leaves(value, f"{path}.{key}" if path else key)
    else:
        yield path


def is_covered(path: str, by: set[str]) -> bool:
    """True if the path or one above it is in `by`."""
    parts = path.split(".")
    return any(".".join(parts[: length + 1]) in by for length in range(len(parts)))


def test_what_is_generated_is_what_its_sources_say(helm: Path) -> None:
    """CRDs, the table of values, and the plain manifests of deploy/: `make chart` makes them."""
    assert chart.main(["--check", "--helm", str(helm)]) == 0


def test_helm_finds_nothing_to_object_to(
    run_helm: Callable[..., subprocess.CompletedProcess[str]],
) -> None:
    """`helm lint --strict`."""
    done = run_helm("lint", "--strict")
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_value_is_explained() -> None:
    """By a comment above it, or above the map that it is part of."""
    explained = {each.path for each in chart.values(VALUES)}
    assert [path for path in leaves(yaml.safe_load(VALUES)) if not is_covered(path, explained)] == []


@pytest.mark.parametrize("page", ("charts/trunkline/README.md", "docs/guides/upgrade.md"))
def test_what_pods_of_the_first_version_with_media_ask_for(page: str) -> None:
    """What is told of upgrades is the sum of the containers that came with media."""
    resources = yaml.safe_load(VALUES)["edge"]["resources"]
    asked = [resources[name]["requests"] for name in ("b2bua", "rtpengine", "valkey", "recorder")]
    cpu, memory = (
        sum(int(each[what].removesuffix(unit)) for each in asked)
        for what, unit in (("cpu", "m"), ("memory", "Mi"))
    )
    text = " ".join((ROOT / page).read_text(encoding="utf-8").split())
    assert f"{cpu}m of a processor and {memory} MiB together" in text


def test_the_schema_knows_every_value_and_no_other() -> None:
    """A value that the schema lacks could not be set; one that values.yaml lacks would not be found."""
    schema = json.loads((CHART / "values.schema.json").read_text(encoding="utf-8"))

    def known(part: Any, path: str = "") -> Iterator[str]:
        if "$ref" in part:
            part = schema["definitions"][part["$ref"].rpartition("/")[2]]
        properties = part.get("properties")
        if path == "global":
            # Helm itself gives every chart `global`, and other charts may have theirs in it.
            part = {**part, "additionalProperties": False}
        if properties is None:
            yield path
            return
        assert part["additionalProperties"] is False, path
        for name, each in properties.items():
            yield from known(each, f"{path}.{name}" if path else name)

    explained = {each.path for each in chart.values(VALUES)}
    # Resources and the like are as in a pod.
    found = set(known(schema))
    assert {path for path in found if not is_covered(path, explained)} == set()
    assert {path for path in explained if not any(is_covered(each, {path}) for each in found)} == set()


@pytest.mark.parametrize("name", ("crds.yaml", "operator.yaml"))
def test_plain_manifests_bear_no_mark_of_helm(name: str) -> None:
    """kubectl would not understand them, and `helm install` would stumble over them."""
    text = (ROOT / "deploy" / name).read_text(encoding="utf-8")
    assert "helm" not in text.lower()
    assert len(list(yaml.safe_load_all(text))) > 8
