"""The shared table of objects on a real API server: what it takes, what it refuses, and at which field."""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping
from typing import Any

import pytest

from api.bad_cluster_objects import Bad
from api.mechanical_faults import mechanical_faults
from api.table_of_objects import BAD, GOOD, Good
from api.whole_objects import WHOLE
from cluster.apiserver import ApiServer, RefusedError
from cluster.kubectl import Kubectl, stream
from trunkline.api import KINDS
from trunkline.api.crd import object_schema
from trunkline.api.group import API_VERSION

pytestmark = pytest.mark.apiserver

MECHANICAL = tuple(
    bad for whole in WHOLE for bad in mechanical_faults(object_schema(KINDS[whole["kind"]]), whole)
)


def _title(case: Good | Bad) -> str:
    return f"{case.manifest['kind']}: {case.title}"


def placed(manifest: Mapping[str, Any], namespace: str | None) -> dict[str, Any]:
    """`manifest` in a test's own namespace, or, for a cluster kind, under a name of its own."""
    metadata = dict(manifest["metadata"])
    if KINDS[manifest["kind"]].scope == "Namespaced":
        metadata["namespace"] = namespace
    else:
        metadata["name"] = f"{metadata['name'][:30]}-{secrets.token_hex(4)}"
    return {**manifest, "metadata": metadata}


@pytest.mark.parametrize("good", GOOD, ids=_title)
def test_a_good_object_is_applied_and_changes_nothing_when_applied_again(
    kubectl: Kubectl, good: Good
) -> None:
    """`kubectl apply` takes it, and finds it unchanged the second time."""
    manifest = placed(good.manifest, kubectl.namespace)
    assert kubectl.apply(manifest).strip().endswith(" created")
    assert kubectl.apply(manifest).strip().endswith(" unchanged")


@pytest.mark.parametrize("good", GOOD, ids=_title)
def test_a_good_object_is_kept_as_it_was_written(kubectl: Kubectl, good: Good) -> None:
    """Nothing of a spec is pruned or rewritten; the server only adds defaults."""
    manifest = placed(good.manifest, kubectl.namespace)
    kubectl.apply(manifest)
    stored = kubectl.get(KINDS[manifest["kind"]].plural, manifest["metadata"]["name"])["spec"]
    assert lost(manifest["spec"], stored, "spec") == []


def lost(written: Any, stored: Any, path: str) -> list[str]:
    """Where `stored` lacks or changes something of `written`; nulls count as not written."""
    if isinstance(written, Mapping) and isinstance(stored, Mapping):
        return [
            fault
            for name, value in written.items()
            if value is not None
            for fault in lost(value, stored.get(name), f"{path}.{name}")
        ]
    if isinstance(written, list) and isinstance(stored, list) and len(written) == len(stored):
        pairs = enumerate(zip(written, stored, strict=True))
        return [
            fault for position, (one, other) in pairs for fault in lost(one, other, f"{path}[{position}]")
        ]
    return [] if written == stored else [f"{path}: {written!r} became {stored!r}"]


@pytest.mark.parametrize("bad", BAD, ids=_title)
def test_kubectl_apply_refuses_a_bad_object_at_its_field(kubectl: Kubectl, bad: Bad) -> None:
    """The user sees the field at fault; a fault that no schema can see is taken, as the table says."""
    manifest = dict(bad.manifest)
    if KINDS[manifest["kind"]].scope == "Namespaced" and bad.path != "metadata.namespace":
        manifest = placed(manifest, kubectl.namespace)
    answer = kubectl.try_("apply", "--dry-run=server", "-f", "-", given=stream(manifest))
    if bad.crd_cannot and not bad.path.startswith("metadata."):
        assert answer.status == 0, answer.errors
        return
    assert answer.status == 1, f"accepted: {answer.output}"
    # Names are judged by kubectl and the server themselves, each in its own words.
    assert bad.crd_cannot or bad.path in fields_in(answer.errors), answer.errors


def fields_in(complaint: str) -> set[str]:
    """The fields that the API server's refusal names, as kubectl shows it."""
    lines = re.findall(r"^(?:\* |.* is invalid: )?(?:\[)?([a-zA-Z][\w.\[\]/\"-]*): ", complaint, re.MULTILINE)
    unknown = re.findall(r'unknown field "([^"]+)"', complaint)
    return {field.replace('"', "") for field in (*lines, *unknown)}


@pytest.mark.parametrize("bad", MECHANICAL, ids=_title)
def test_the_server_refuses_what_oversteps_the_schema_at_the_same_field(server: ApiServer, bad: Bad) -> None:
    """Each bound, type, choice and required field holds on the server as it does in the models."""
    refusal = try_create(server, placed(bad.manifest, "default"))
    assert refusal is not None, "accepted"
    assert bad.path in refusal, refusal


def try_create(server: ApiServer, manifest: Mapping[str, Any]) -> set[str] | None:
    """Fields that the server refuses `manifest` for (strict, dry run); None if it would take it."""
    kind = KINDS[manifest["kind"]]
    namespace = f"/namespaces/{manifest['metadata']['namespace']}" if kind.scope == "Namespaced" else ""
    path = f"/apis/{API_VERSION}{namespace}/{kind.plural}?dryRun=All&fieldValidation=Strict"
    try:
        server.request(path, method="POST", body=manifest)
    except RefusedError as refusal:
        causes = refusal.status.get("details", {}).get("causes", [])
        return {cause["field"] for cause in causes if "field" in cause} | fields_in(refusal.status["message"])
    return None
