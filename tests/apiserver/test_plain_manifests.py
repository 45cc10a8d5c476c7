"""`kubectl apply -k deploy` on an API server that has never seen Trunkline, and what its page says of it.

No node runs pods here; the operator is a process with the account and the settings of its Deployment.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml

from apiserver.accounts import ROOT, SYSTEM, environment_of
from apiserver.operators import SECONDS
from apiserver.quickstart import quickstart
from cluster.apiserver import ApiServer, running
from cluster.processes import wait_until
from support.chart_objects import one, operator_environment
from support.trunkline_command import run_trunkline

pytestmark = pytest.mark.apiserver

PLAIN = ROOT / "deploy"
EDGES = "trunkline-edges"
APPLY = ("apply", "--server-side", "-k", str(PLAIN))

Manifest = dict[str, Any]


@contextmanager
def fresh() -> Iterator[ApiServer]:
    """A new API server with its controllers, to which deploy/ was applied once."""
    with running(controllers=True) as server:
        server.kubectl(*APPLY)
        server.kubectl.until_established("crd", "--all")
        yield server


@pytest.fixture(scope="module")
def applied() -> Iterator[ApiServer]:
    with fresh() as server:
        yield server


def rendered(server: ApiServer, folder: Path) -> list[Manifest]:
    """What kustomize makes of a folder."""
    return list(yaml.safe_load_all(server.kubectl("kustomize", str(folder))))


def versions(server: ApiServer) -> dict[str, tuple[str, int | str]]:
    """UID and version of every object that deploy/ names; a status that controllers write is no change."""
    given = yaml.safe_dump_all(rendered(server, PLAIN))
    found = json.loads(server.kubectl("get", "-o", "json", "-f", "-", given=given))["items"]
    return {
        f"{each['kind']} {each['metadata']['name']} {each['metadata'].get('namespace', '')}": (
            each["metadata"]["uid"],
            each["metadata"].get("generation", each["metadata"]["resourceVersion"]),
        )
        for each in found
    }


def differences(server: ApiServer) -> str:
    """What `kubectl diff` says that another apply would change, of either kind; it must not fail."""
    told = ""
    for way in ((), ("--server-side",)):
        answer = server.kubectl.try_("diff", *way, "-k", str(PLAIN))
        assert answer.status in (0, 1), answer.errors
        told += answer.output
    return told


@contextmanager
def operator_of(server: ApiServer, folder: Path) -> Iterator[Path]:
    """The operator as its Deployment would start it, but without ports; its log."""
    deployment = server.kubectl.within(SYSTEM).get("deployment", "trunkline-operator")
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    own = {**operator_environment([deployment]), "TRUNKLINE_METRICS_PORT": "0", "TRUNKLINE_HEALTH_PORT": "0"}
    environment = {**environment_of(server, "trunkline-operator", folder), **own, "HOME": str(folder)}
    log = folder / "operator.log"
    command = ["setpriv", "--pdeathsig", "KILL", "--", sys.executable, "-m", "trunkline", *container["args"]]
    with log.open("wb") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output, env=environment, cwd=folder)
    try:
        yield log
    finally:
        process.terminate()
        process.wait(SECONDS)


def test_all_that_it_names_exists(applied: ApiServer) -> None:
    """Every object of every file, in namespaces that it makes itself."""
    named = rendered(applied, PLAIN)
    assert len(versions(applied)) == len(named) > 20
    namespaces = {each["metadata"]["name"] for each in named if each["kind"] == "Namespace"}
    assert {each["metadata"].get("namespace") for each in named} - {None} == namespaces == {SYSTEM, EDGES}


def test_a_second_time_changes_nothing(applied: ApiServer) -> None:
    """Neither by what kubectl says, nor by what it does: no object is made anew, no spec is another."""
    before = versions(applied)
    assert differences(applied) == ""
    applied.kubectl(*APPLY)
    assert versions(applied) == before


def test_pod_security_lets_the_operator_in(applied: ApiServer) -> None:
    """Its pod is made in a namespace that enforces the level `restricted`."""
    pods = applied.kubectl.within(SYSTEM)
    wait_until("the pod", lambda: pods.get("pods")["items"], SECONDS)
    deployment = pods.get("deployment", "trunkline-operator")
    conditions = {each["type"]: each["status"] for each in deployment["status"]["conditions"]}
    assert "ReplicaFailure" not in conditions


def test_the_operator_works_with_just_that(applied: ApiServer, tmp_path: Path) -> None:
    """It serves what users write; another apply takes nothing from it, its Lease least of all."""
    applied.kubectl("create", "namespace", "acme")
    tenant = applied.kubectl.within("acme")
    with operator_of(applied, tmp_path) as log:
        tenant.apply(*quickstart("acme"))
        wait_until("a table", lambda: has_table(applied), SECONDS)
        wait_until("a verdict", lambda: _is_accepted(tenant.get("trunk", "hq")), SECONDS)
        assert "forbidden" not in log.read_text().lower()
        assert differences(applied) == ""
        applied.kubectl(*APPLY)
        assert applied.kubectl.within(SYSTEM).get("lease", "trunkline-operator")["spec"]["holderIdentity"]


def has_table(server: ApiServer) -> bool:
    """True if the operator has published the edge of the quickstart."""
    return server.kubectl.within(EDGES).try_("get", "secret/table-ashburn-head").status == 0


def _is_accepted(trunk: Manifest) -> bool:
    """True if the operator has said so."""
    conditions = trunk["status"]["conditions"]
    return any(each["type"] == "Accepted" and each["status"] == "True" for each in conditions)


@pytest.fixture
def overlay(tmp_path: Path) -> Path:
    """The overlay that deploy/README.md shows, as a folder beside the repository."""
    page = (PLAIN / "README.md").read_text(encoding="utf-8")
    (shown,) = re.findall(r"```yaml\n(.*?)```", page, re.DOTALL)
    folder = tmp_path / "overlay"
    folder.mkdir()
    base = os.path.relpath(PLAIN, folder)
    (folder / "kustomization.yaml").write_text(shown.replace("path/to/deploy", base), encoding="utf-8")
    return folder


def test_the_overlay_that_the_page_shows_sets_what_it_says(applied: ApiServer, overlay: Path) -> None:
    """Images, base domain and tenants are the user's, all else is as before; the API server takes it."""
    plain, own = rendered(applied, PLAIN), rendered(applied, overlay)
    deployment = one(own, "Deployment", "trunkline-operator")
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    assert container["image"] == "registry.example.com/trunkline/operator:0.1.0"
    told = operator_environment(own)
    changed = {
        "TRUNKLINE_BASE_DOMAIN": "voice.example.com",
        "TRUNKLINE_EDGE_IMAGE": "registry.example.com/trunkline/edge:0.1.0",
        "TRUNKLINE_RECORDER_IMAGE": "registry.example.com/trunkline/recorder:0.1.0",
        "TRUNKLINE_TENANT_NAMESPACES": "acme,globex",
    }
    assert told == {**operator_environment(plain), **changed}
    assert [each for each in own if each["kind"] != "Deployment"] == [
        each for each in plain if each["kind"] != "Deployment"
    ]
    applied.kubectl("apply", "--server-side", "--dry-run=server", "-k", str(overlay))


def test_the_way_out_that_the_page_shows_leaves_nothing(tmp_path: Path) -> None:
    """`trunkline uninstall` with the user's own rights and no namespace given, then `kubectl delete -k`."""
    with fresh() as server:
        server.kubectl("create", "namespace", "acme")
        with operator_of(server, tmp_path):
            server.kubectl.within("acme").apply(*quickstart("acme"))
            wait_until("a table", lambda: has_table(server), SECONDS)
        done = run_trunkline("uninstall", "--drain=1s", KUBECONFIG=str(server.kubeconfig))
        assert done.returncode == 0, done.stderr
        assert "WARNING" not in done.stderr
        server.kubectl("delete", "--ignore-not-found", "-k", str(PLAIN), "--timeout=60s", seconds=90)
        left = server.kubectl("get", "ns,crd,clusterrole,clusterrolebinding", "-o", "name")
        assert "trunkline" not in left
