"""A real API server takes the CRDs, and tells users by them what they ask and what is wrong."""

from __future__ import annotations

import json
from typing import Any

import pytest

from cli.typical_mistakes import GOOD, MISTAKES, Mistake
from cluster.apiserver import ApiServer
from cluster.kubectl import Kubectl
from trunkline.api import ALL_KINDS
from trunkline.api.group import API_VERSION, GROUP

pytestmark = pytest.mark.apiserver

EVERY_KIND = pytest.mark.parametrize("kind", ALL_KINDS, ids=lambda kind: str(kind.kind))


@EVERY_KIND
def test_a_crd_is_established_with_its_names_and_a_structural_schema(server: ApiServer, kind: Any) -> None:
    """The server serves the kind and complains of nothing."""
    status = server.kubectl.get("crd", f"{kind.plural}.{GROUP}")["status"]
    conditions = {each["type"]: each["status"] for each in status["conditions"]}
    assert conditions.pop("Established") == "True"
    assert conditions.pop("NamesAccepted") == "True"
    assert "NonStructuralSchema" not in conditions
    assert status["acceptedNames"]["kind"] == kind.kind
    assert status["storedVersions"] == [API_VERSION.rpartition("/")[2]]


def test_discovery_tells_scope_short_names_and_category(server: ApiServer) -> None:
    """kubectl finds each kind by its short names and in the category, with the right scope."""
    found = {each["name"]: each for each in json.loads(server.request(f"/apis/{API_VERSION}"))["resources"]}
    for kind in ALL_KINDS:
        resource = found[kind.plural]
        assert resource["namespaced"] == (kind.scope == "Namespaced"), kind
        assert resource["categories"] == ["trunkline"], kind
        names = {resource["singularName"], *resource.get("shortNames", [])}
        assert set(kind.short_names) <= names, kind
        assert f"{kind.plural}/status" in found, kind
    assert sorted(found) == sorted(
        name for kind in ALL_KINDS for name in (kind.plural, f"{kind.plural}/status")
    )


def test_no_short_name_is_taken_by_another_resource(server: ApiServer) -> None:
    """Our short names mean our kinds, also beside everything that Kubernetes itself serves."""
    names: dict[str, list[str]] = {}
    groups = json.loads(server.request("/apis"))["groups"]
    paths = ["/api/v1", *(f"/apis/{group['preferredVersion']['groupVersion']}" for group in groups)]
    for path in paths:
        for resource in json.loads(server.request(path))["resources"]:
            if "/" not in resource["name"]:
                for name in {resource["name"], resource["singularName"], *resource.get("shortNames", [])}:
                    names.setdefault(name, []).append(f"{path}: {resource['name']}")
    ours = {name for kind in ALL_KINDS for name in (*kind.short_names, kind.plural)}
    assert {name: names[name] for name in ours if len(names[name]) > 1} == {}


@EVERY_KIND
def test_kubectl_explains_every_field(server: ApiServer, kind: Any) -> None:
    """`kubectl explain` knows each field of spec and describes it."""
    schema = server.kubectl.get("crd", f"{kind.plural}.{GROUP}")["spec"]["versions"][0]["schema"][
        "openAPIV3Schema"
    ]
    told = server.kubectl("explain", f"{kind.plural}.spec", f"--api-version={API_VERSION}")
    assert "<no description>" not in told
    for field, about in schema["properties"]["spec"]["properties"].items():
        assert field in told
        assert about["description"].split()[0] in told
    everything = server.kubectl("explain", kind.plural, "--recursive", f"--api-version={API_VERSION}")
    assert "conditions" in everything


def test_the_category_lists_objects_of_every_tenant_kind(kubectl: Kubectl) -> None:
    """`kubectl get trunkline` shows what a team has."""
    spec = {"number": "+14155550100"}
    kubectl.apply(
        {"apiVersion": API_VERSION, "kind": "Number", "metadata": {"name": "main-line"}, "spec": spec}
    )
    kubectl.apply({"apiVersion": API_VERSION, "kind": "Trunk", "metadata": {"name": "hq"}, "spec": {}})
    names = kubectl("get", "trunkline", "-o", "name").split()
    assert {"number.trunkline.dev/main-line", "trunk.trunkline.dev/hq"} <= set(names)


def test_objects_are_selected_by_what_they_name(kubectl: Kubectl) -> None:
    """The numbers of one trunk, without a label on each."""
    for name, trunk in (("main-line", "hq"), ("fax", "lab")):
        spec = {"number": "+14155550100", "trunkRef": {"name": trunk}}
        kubectl.apply({"apiVersion": API_VERSION, "kind": "Number", "metadata": {"name": name}, "spec": spec})
    found = kubectl("get", "numbers", "--field-selector", "spec.trunkRef.name=hq", "-o", "name")
    assert found.split() == ["number.trunkline.dev/main-line"]


def test_kubectl_says_of_typical_mistakes_what_validate_says(kubectl: Kubectl) -> None:
    """Where an API server can know it of one object; in our sentence wherever the rule is ours."""
    wrong = []
    for mistake in MISTAKES:
        if mistake.by_kubectl is not None:
            text = _document(mistake).replace("namespace: acme}", f"namespace: {kubectl.namespace}}}")
            answer = kubectl.try_("apply", "--dry-run=server", "--filename=-", given=text)
            is_told = all(words in answer.errors for words in mistake.by_kubectl)
            if not (answer.status and is_told) or "in body should match" in answer.errors:
                wrong.append(f"{mistake.title}: {answer.errors}")
    assert not wrong, "\n".join(wrong)


def _document(mistake: Mistake) -> str:
    """The one object that is at fault."""
    good = GOOD.split("---\n")
    (document,) = (each for each in mistake.text.split("---\n") if each not in good)
    return document
