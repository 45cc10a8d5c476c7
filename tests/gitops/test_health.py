"""What GitOps tools make of our statuses, by their own code: Argo CD as the examples have it, and kstatus."""

from __future__ import annotations

import json
import subprocess
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import yaml

import go_tools
from gitops.statuses import Told, statuses
from support.objects import manifest_of

TESTS = Path(__file__).resolve().parents[1]
ARGOCD = TESTS.parent / "examples" / "gitops" / "argocd"

Health = dict[str, str]

HEALTH = {"Failed": "Degraded", "Current": "Healthy", "InProgress": "Progressing"}
"""What kstatus says, in Argo CD's words."""


@pytest.fixture(scope="module")
def told() -> list[Told]:
    found = statuses()
    assert len({json.dumps(each.manifest["status"]) for each in found}) >= 20, found
    return found


def expected(manifest: dict[str, Any]) -> str:
    """As the API promises: `Stalled` is a refusal, `Ready` of this generation is served, all else waits."""
    status = manifest["status"]
    conditions = {each["type"]: each["status"] for each in status["conditions"]}
    if status.get("observedGeneration") not in (None, manifest["metadata"]["generation"]):
        return "InProgress"
    if conditions.get("Stalled") == "True":
        return "Failed"
    return "Current" if conditions.get("Ready") == "True" else "InProgress"


def test_the_statuses_are_of_every_kind_and_every_outcome(told: list[Told]) -> None:
    outcomes = Counter(expected(each.manifest) for each in told)
    assert outcomes.keys() == HEALTH.keys()
    assert min(outcomes.values()) >= 3, outcomes
    assert len({each.ref.kind for each in told}) == 10


def test_kstatus_waits_fails_and_is_done_as_ready_and_stalled_say(told: list[Told]) -> None:
    objects = "\n".join(json.dumps(each.manifest) for each in told)
    answer = subprocess.run(
        [go_tools.built(TESTS / "kstatus")],
        input=objects,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    words = answer.stdout.split()
    wanted = [expected(each.manifest) for each in told]
    assert dict(zip(map(str, told), words, strict=True)) == dict(zip(map(str, told), wanted, strict=True))


def test_argo_cd_says_the_same(told: list[Told]) -> None:
    answers = judged(*(each.manifest for each in told))
    for each, health in zip(told, answers, strict=True):
        assert health["status"] == HEALTH[expected(each.manifest)], (str(each), health)
        assert health["message"], str(each)


def test_an_object_without_a_status_is_waited_for() -> None:
    bare = manifest_of("Trunk", "hq", "acme", {})
    bare["metadata"]["generation"] = 1
    assert [each["status"] for each in judged(bare, {**bare, "status": {}})] == ["Progressing"] * 2


def test_what_is_entered_in_argo_cd_are_these_scripts() -> None:
    patch = yaml.safe_load((ARGOCD / "argocd-cm.yaml").read_text())
    entered = yaml.safe_load(patch["data"]["resource.customizations"])
    assert entered == {
        "trunkline.dev/*": {"health.lua": (ARGOCD / "health.lua").read_text()},
        "argoproj.io/Application": {"health.lua": (ARGOCD / "application-health.lua").read_text()},
    }


def test_an_application_is_as_healthy_as_argo_cd_says() -> None:
    application = {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Application",
        "metadata": {"name": "operator"},
    }
    told = [{**application, "status": {"health": {"status": each}}} for each in ("Healthy", "Degraded")]
    assert [each["status"] for each in judged(*told, application)] == ["Healthy", "Degraded", "Progressing"]


def judged(*manifests: dict[str, Any]) -> list[Health]:
    """What Argo CD makes of them with argocd-cm.yaml entered."""
    settings = yaml.safe_load((ARGOCD / "argocd-cm.yaml").read_text())
    answer = subprocess.run(
        [go_tools.built(TESTS / "argocd")],
        input="\n".join(map(json.dumps, (settings, *manifests))),
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    return [json.loads(each) for each in answer.stdout.splitlines()]
