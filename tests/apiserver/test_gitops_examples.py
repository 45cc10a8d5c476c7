"""An API server with the CRDs of Argo CD, Flux and External Secrets takes every manifest of the examples."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from cluster.apiserver import ApiServer, running
from gitops.upstream import UPSTREAM

pytestmark = pytest.mark.apiserver

GITOPS = Path(__file__).resolve().parents[2] / "examples" / "gitops"
MANIFESTS = {
    f"{path.relative_to(GITOPS)}: {each['kind']} {each['metadata']['name']}": each
    for path in sorted(GITOPS.rglob("*.yaml"))
    for each in yaml.safe_load_all(path.read_text())
}
NAMESPACES = ("argocd", "flux-system", "trunkline-system", "acme")
BUILT_IN = "v1"
"""What an API server has without any CRD."""


@pytest.fixture(scope="module")
def theirs() -> Iterator[ApiServer]:
    with running() as made:
        crds = [path for each in UPSTREAM for path in each.crds()]
        for path in crds:
            made.kubectl("create", "-f", str(path))
        made.kubectl.until_established("crd", "--all")
        for name in NAMESPACES:
            made.kubectl("create", "namespace", name)
        yield made


def test_they_are_taken_and_a_field_that_nobody_knows_is_not(theirs: ApiServer) -> None:
    """Strictly: so the schemas are in force, and know each field that we write."""
    custom = {name: each for name, each in MANIFESTS.items() if each["apiVersion"] != BUILT_IN}
    assert {each["kind"] for each in custom.values()} == {
        "Application",
        "ExternalSecret",
        "GitRepository",
        "HelmRelease",
        "Kustomization",
    }
    for name, manifest in MANIFESTS.items():
        assert (name, refusal(theirs, manifest)) == (name, "")
    for name, manifest in custom.items():
        other: dict[str, Any] = copy.deepcopy(manifest)
        other["spec"]["noSuchField"] = "x"
        assert ".spec.noSuchField: field not declared" in refusal(theirs, other), name


def refusal(server: ApiServer, manifest: dict[str, Any]) -> str:
    """What the API server objects to, and "" if nothing; it keeps nothing."""
    said = server.kubectl.try_(
        *("apply", "--server-side", "--dry-run=server", "--validate=strict", "-f", "-"),
        given=json.dumps(manifest),
    )
    assert said.status == 0 or said.errors
    return said.errors if said.status else ""
