"""What is added to edge pods: the schema and the operator refuse the same, by the same path."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from trunkline.plan.pod_options import pod_options
from unit.plan.test_pod_options import EVERYTHING, REFUSED

CHART = Path(__file__).resolve().parents[2] / "charts" / "trunkline"
SCHEMA = json.loads((CHART / "values.schema.json").read_text(encoding="utf-8"))
VALUES = yaml.safe_load((CHART / "values.yaml").read_text(encoding="utf-8"))
NAMES = {"labels": "podLabels", "annotations": "podAnnotations"}
"""What has another name in the values; the rest has the pod's."""


def values(options: dict[str, Any]) -> dict[str, Any]:
    return {"edge": {NAMES.get(name, name): value for name, value in options.items()}}


def faults(given: dict[str, Any]) -> list[str]:
    """The paths of what the schema refuses, helm's own among them."""
    validator = jsonschema.Draft7Validator(SCHEMA)
    return [".".join(map(str, each.absolute_path)) for each in validator.iter_errors(given)]


def test_the_schema_takes_all_that_the_operator_takes() -> None:
    """Each form that a pod's manifest may have."""
    assert faults(values(EVERYTHING)) == []
    assert pod_options(json.dumps(EVERYTHING)).runtime_class_name == "gvisor"


@pytest.mark.parametrize("case", sorted(REFUSED.keys() - {"twice"}))
def test_the_schema_refuses_all_that_the_operator_refuses(case: str) -> None:
    """With the value in its path."""
    options, _ = REFUSED[case]
    (name,) = options
    found = faults(values(options))
    assert found
    assert all(path == "edge" or path.startswith(f"edge.{NAMES.get(name, name)}") for path in found)


def test_the_defaults_are_fit_for_the_schema() -> None:
    """And add nothing to a pod."""
    assert faults({**VALUES, "baseDomain": "voice.example"}) == []


@pytest.mark.parametrize(
    "given",
    (
        {"global": {"imageRegistry": "https://mirror.example"}},
        {"commonLabels": {"app.kubernetes.io/name": "x"}},
        {"commonLabels": {"helm.sh/chart": "x"}},
        {"operator": {"podLabels": {"app.kubernetes.io/instance": "x"}}},
        {"operator": {"replicas": 0}},
        {"operator": {"image": {"digest": "sha256:abc"}}},
        {"operator": {"serviceAccount": {"name": "A b"}}},
        {"operator": {"extraEnv": [{"name": "TRUNKLINE_BASE_DOMAIN", "value": "x"}]}},
        {"operator": {"extraVolumes": [{"name": "tmp", "emptyDir": {}}]}},
        {"operator": {"extraVolumeMounts": [{"name": "ca"}]}},
        {"operator": {"extraArgs": "--verbose"}},
        {"operator": {"topologySpreadConstraints": [{"maxSkew": 1}]}},
        {"extraObjects": {}},
        {"uninstall": {"rbac": "none"}},
        {"monitoring": {"podMonitor": {"scrapeTimeout": "soon"}}},
        {"monitoring": {"serviceMonitor": {"namespace": "No Name"}}},
        {"monitoring": {"serviceMonitor": {"relabelings": {}}}},
    ),
    ids=str,
)
def test_what_would_break_the_release_is_refused(given: dict[str, Any]) -> None:
    """Labels that selectors stand on, names that are taken, forms that cannot be."""
    assert faults(given)


def test_every_value_has_a_description() -> None:
    """Its comment in values.yaml: editors and Artifact Hub show it."""
    part = SCHEMA["properties"]["edge"]["properties"]["podLabels"]
    assert part["description"].startswith("More labels for the edge pods.")
