"""A release of a version whose chart had the Lease, and fewer values, is upgraded under an operator."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from apiserver.operators import ROOT, Platform
from cluster import binaries
from support.objects import manifest_of

pytestmark = pytest.mark.apiserver

CHART: Final = ROOT / "charts" / "trunkline"
LONG: Final = 240.0
"""Seconds that nothing here takes, unless the machine is far too busy."""
OLD: Final = """apiVersion: coordination.k8s.io/v1
kind: Lease
metadata:
  name: trunkline-operator
  namespace: {{ .Release.Namespace }}
  labels:
    {{- include "trunkline.operator.labels" . | nindent 4 }}
spec: {}
"""
"""The template as it was."""
GUIDE: Final = (ROOT / "docs" / "guides" / "upgrade.md").read_text(encoding="utf-8")


def helm(platform: Platform, *arguments: str) -> str:
    program = binaries.find(["helm"])["helm"]
    done = subprocess.run(
        [str(program), *arguments, f"--namespace={platform.system}"],
        env={"KUBECONFIG": str(platform.server.kubeconfig), "HOME": str(platform.folder)},
        capture_output=True,
        text=True,
        check=False,
        timeout=LONG,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def older(folder: Path) -> Path:
    """A chart that has the Lease, and knows no dashboards."""
    old = folder / "trunkline"
    shutil.copytree(CHART, old)
    (old / "templates" / "operator" / "lease.yaml").write_text(OLD)
    values = yaml.safe_load((old / "values.yaml").read_text())
    del values["dashboards"]
    (old / "values.yaml").write_text(yaml.safe_dump(values))
    return old


def install(platform: Platform, chart: Path) -> str:
    """What Helm has as the new release's manifests."""
    values = {
        "baseDomain": "trunkline.test",
        "edgeNamespace": platform.edges,
        "createEdgeNamespace": "false",
        "crds.enabled": "false",
        "uninstall.enabled": "false",
    }
    helm(
        platform,
        "install",
        "trunkline",
        str(chart),
        *(f"--set={name}={each}" for name, each in values.items()),
    )
    return helm(platform, "get", "manifest", "trunkline")


def upgrade(platform: Platform) -> str:
    """The release with this chart, its values kept as the guide says; what Helm has as its manifests then."""
    [flag] = re.findall(r"^helm upgrade trunkline charts/trunkline .*(--\S+-values) ", GUIDE, re.MULTILINE)
    helm(platform, "upgrade", "trunkline", str(CHART), flag)
    return helm(platform, "get", "manifest", "trunkline")


def test_helm_never_deletes_the_lease_that_an_operator_holds(platform: Platform, tmp_path: Path) -> None:
    """Two upgrades: it is kept by the first, and out of the release with the second."""
    assert "kind: Lease" in install(platform, older(tmp_path))

    def lease() -> dict[str, Any]:
        found: dict[str, Any] = platform.kubectl.within(platform.system).get("lease", "trunkline-operator")
        return found

    platform.start()
    platform.wait_for("a holder", lambda: lease()["spec"].get("holderIdentity") == "operator-0", LONG)
    before = lease()
    for release_has_it in (True, False):
        assert ("kind: Lease" in upgrade(platform)) == release_has_it
        now = lease()
        assert now["metadata"]["uid"] == before["metadata"]["uid"]
        assert now["spec"]["leaseTransitions"] == before["spec"]["leaseTransitions"]
    values = yaml.safe_load(helm(platform, "get", "values", "trunkline", "--all"))
    assert values["baseDomain"] == "trunkline.test"
    assert "enabled" in values["dashboards"], "the new chart's defaults are there too"
    renewed = lease()["spec"]["renewTime"]
    platform.wait_for("a renewal", lambda: lease()["spec"]["renewTime"] != renewed, LONG)
    assert lease()["spec"]["holderIdentity"] == "operator-0"
    look(platform)


def look(platform: Platform) -> None:
    """What `helm test` runs, beside that operator: it works; with an Edge that no pod serves it does not."""
    assert check(platform, int(LONG)) == (0, "an operator is active, and every Edge is ready\n")
    edge = {"type": "PodIP"}
    platform.kubectl.apply(manifest_of("Edge", "rome", None, {"advertise": edge}))
    try:
        code, told = check(platform, 6)
    finally:
        platform.kubectl("delete", "edge", "rome")
    assert code == 1
    assert told.startswith("Edge rome is not ready: ")


def check(platform: Platform, seconds: int) -> tuple[int, str]:
    """Exit code, and what was told."""
    command = [sys.executable, "-m", "trunkline.controllers.installed_check", str(seconds)]
    environment = {
        **os.environ,
        "KUBECONFIG": str(platform.server.kubeconfig),
        "POD_NAMESPACE": platform.system,
        "PYTHONPATH": os.pathsep.join(str(ROOT / each) for each in ("operator", "edge")),
    }
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=LONG)
    return done.returncode, done.stdout + done.stderr
