"""The manifests of examples/gitops fit the chart and one another. Argo CD and Flux do not run here."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
GITOPS = ROOT / "examples" / "gitops"
Manifest = dict[str, Any]


def manifests(path: str) -> list[Manifest]:
    return list(yaml.safe_load_all((GITOPS / path).read_text()))


def applications() -> list[Manifest]:
    files = sorted((GITOPS / "argocd" / "applications").glob("*.yaml"))
    return [each for file in files for each in yaml.safe_load_all(file.read_text())]


VALUES = {
    "argocd": applications()[0]["spec"]["source"]["helm"]["valuesObject"],
    "flux": manifests("flux/operator/trunkline.yaml")[1]["spec"]["values"],
}


@pytest.mark.parametrize("tool", VALUES)
def test_the_chart_takes_their_values(tool: str) -> None:
    schema = json.loads((ROOT / "charts" / "trunkline" / "values.schema.json").read_text())
    jsonschema.validate(VALUES[tool], schema)


def test_argo_cd_syncs_the_operator_before_edges_and_edges_before_trunks() -> None:
    waves = [int(each["metadata"]["annotations"]["argocd.argoproj.io/sync-wave"]) for each in applications()]
    assert waves == sorted(set(waves))
    assert all(each["metadata"]["finalizers"] for each in applications()), (
        "a deletion waits for what is below"
    )
    later = [set(each["spec"]["syncPolicy"]["syncOptions"]) for each in applications()[1:]]
    assert all("SkipDryRunOnMissingResource=true" in options for options in later)


def test_flux_waits_for_the_one_before() -> None:
    known = [each for each in manifests("flux/trunkline.yaml") if each["kind"] == "Kustomization"]
    assert all(each["spec"]["wait"] for each in known)
    needed = [[it["name"] for it in each["spec"].get("dependsOn", ())] for each in known]
    assert needed == [[], *([each["metadata"]["name"]] for each in known[:-1])]
