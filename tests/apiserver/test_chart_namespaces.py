"""`helm install` on a cluster that lacks a namespace: told before anything is made, with what to do."""

from __future__ import annotations

import secrets
import subprocess
from pathlib import Path
from typing import Final

import pytest

from cluster import binaries
from cluster.apiserver import ApiServer

pytestmark = pytest.mark.apiserver

CHART: Final = Path(__file__).resolve().parents[2] / "charts" / "trunkline"


def install(server: ApiServer, name: str, *values: str) -> subprocess.CompletedProcess[str]:
    """As a user would, but nothing is made; the API server is asked all the same."""
    helm = binaries.find(["helm"])["helm"]
    given = [f"--set={each}" for each in ("baseDomain=voice.example", "crds.enabled=false", *values)]
    return subprocess.run(
        [str(helm), "install", name, str(CHART), f"--namespace={name}", "--dry-run=server", *given],
        env={"KUBECONFIG": str(server.kubeconfig), "HOME": "/nonexistent"},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def test_a_missing_namespace_is_named_with_the_commands_that_mend_it(server: ApiServer) -> None:
    """Tenants' and external-dns's; once they are there the same command succeeds."""
    system, tenant, dns = (f"{name}-{secrets.token_hex(4)}" for name in ("system", "tenant", "dns"))
    server.kubectl("create", "namespace", system)
    values = (
        f"tenantNamespaces={{{tenant}}}",
        "dns.provider=externalDns",
        f"dns.externalDns.namespace={dns}",
        f"edgeNamespace=edges-{system}",
    )
    refused = install(server, system, *values)
    assert refused.returncode != 0
    assert f"There is no namespace {tenant}, {dns} yet: create namespaces first" in refused.stderr
    assert f"kubectl create namespace {tenant}" in refused.stderr
    assert "helm upgrade --install" in refused.stderr
    for each in (tenant, dns):
        server.kubectl("create", "namespace", each)
    done = install(server, system, *values)
    assert done.returncode == 0, done.stderr
