"""The rights that the chart and the operator hand out, on a real API server that enforces them."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from apiserver.accounts import ROOT, SYSTEM, environment_of
from cluster import binaries
from cluster.apiserver import ApiServer, running
from cluster.processes import wait_until
from support.objects import make_edge, manifest_of
from support.patience import PATIENCE
from trunkline.plan.edge_rights import leases, rights
from trunkline.plan.workload import WorkloadSettings

EDGES = "trunkline-edges"
SECONDS = PATIENCE
OPERATOR = f"system:serviceaccount:{SYSTEM}:trunkline-operator"
UNINSTALLATION = f"system:serviceaccount:{SYSTEM}:trunkline-uninstall"
AGENT = f"system:serviceaccount:{EDGES}:edge-rome"
KINDS = ("CustomResourceDefinition", "Namespace", "ServiceAccount", "Lease")


@pytest.fixture(scope="module")
def guarded() -> Iterator[ApiServer]:
    """An API server with the chart's CRDs, namespaces and roles; namespace acme is the one tenant's."""
    helm = binaries.find(["helm"])["helm"]
    command = [str(helm), "template", "trunkline", str(ROOT / "charts" / "trunkline"), "-n", SYSTEM]
    command += ["--set", "baseDomain=trunkline.test", "--set", "tenantNamespaces={acme}"]
    rendered = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    wanted = [
        each
        for each in yaml.safe_load_all(rendered)
        if each and (each["kind"] in KINDS or each["apiVersion"].startswith("rbac."))
    ]
    with running(controllers=True) as server:
        for name in (SYSTEM, "acme", "globex"):
            server.request("/api/v1/namespaces", method="POST", body={"metadata": {"name": name}})
        server.kubectl("apply", "--server-side", "-f", "-", given=yaml.safe_dump_all(wanted))
        server.kubectl.until_established("crd", "--all")
        edge = make_edge("rome", advertise={"type": "PodIP"}, replicas=2)
        settings = WorkloadSettings(EDGES, "unused")
        server.kubectl.apply(*rights(edge, settings), *leases(edge, settings))
        server.kubectl("create", "rolebinding", "amy", "-n", "acme", "--clusterrole=edit", "--user=amy")
        yield server


def may(server: ApiServer, who: str, request: str) -> bool:
    """`kubectl auth can-i` as somebody else."""
    answer = server.kubectl.try_("auth", "can-i", *request.split(), f"--as={who}")
    return answer.output.strip() == "yes"


def test_helm_test_has_the_rights_that_it_takes(guarded: ApiServer, tmp_path: Path) -> None:
    """There is no operator here, and that is all it finds wrong."""
    environment = environment_of(guarded, "trunkline-test", tmp_path)
    command = [sys.executable, "-m", "trunkline.controllers.installed_check", "0"]

    def told() -> bool:
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        return done.returncode == 1 and done.stdout.startswith("no operator is active") and not done.stderr

    wait_until("what it finds", told, 4 * SECONDS)


@pytest.mark.parametrize(
    "request_",
    (
        f"list secrets -n {EDGES}",
        f"get lease/edge-rome-0 -n {EDGES}",
        f"patch lease/edge-rome-1 -n {EDGES}",
        f"list leases -n {EDGES}",
    ),
)
def test_an_agent_may(guarded: ApiServer, request_: str) -> None:
    """Read its namespace's Secrets and Leases, and write its own Edge's Leases."""
    wait_until(request_, lambda: may(guarded, AGENT, request_), SECONDS)


@pytest.mark.parametrize(
    "request_",
    (
        f"list secrets -n {SYSTEM}",
        "list secrets -n acme",
        "list secrets -A",
        f"patch secrets -n {EDGES}",
        f"create leases -n {EDGES}",
        f"watch leases -n {EDGES}",
        f"list leases -n {SYSTEM}",
        f"patch lease/edge-oslo-0 -n {EDGES}",
        f"patch lease/trunkline-operator -n {SYSTEM}",
        f"list pods -n {EDGES}",
        "get nodes",
        "list trunks.trunkline.dev -A",
    ),
)
def test_an_agent_may_not(guarded: ApiServer, request_: str) -> None:
    """Nothing of another namespace, of another Edge, of a tenant."""
    assert not may(guarded, AGENT, request_)


@pytest.mark.parametrize(
    "request_",
    (
        "create trunks.trunkline.dev -n acme",
        "delete numbers.trunkline.dev -n acme",
        "list originationuris.trunkline.dev -n acme",
        "patch credentiallists.trunkline.dev -n acme",
        "update ipaccesscontrollists.trunkline.dev -n acme",
    ),
)
def test_a_tenant_may(guarded: ApiServer, request_: str) -> None:
    """Who has the cluster's role `edit` in a namespace edits trunks there: the roles are aggregated."""
    wait_until(request_, lambda: may(guarded, "amy", request_), SECONDS)


@pytest.mark.parametrize(
    "request_",
    (
        "get trunks.trunkline.dev -n globex",
        "create numbers.trunkline.dev -n globex",
        "create accounts.trunkline.dev",
        "get edges.trunkline.dev",
        "create callerids.trunkline.dev",
        "patch trunks.trunkline.dev -n acme --subresource=status",
        f"get secrets -n {EDGES}",
        f"get secrets -n {SYSTEM}",
    ),
)
def test_a_tenant_may_not(guarded: ApiServer, request_: str) -> None:
    """Touch another tenant, the platform's kinds, or the status of its own."""
    assert not may(guarded, "amy", request_)


@pytest.mark.parametrize(
    "request_",
    (
        "list secrets -n globex",
        "list secrets -A",
        "list secrets -n kube-system",
        "patch trunks.trunkline.dev -n acme",
        "patch edges.trunkline.dev",
        "create pods -n acme",
        f"create pods -n {EDGES}",
        f"create deployments.apps -n {SYSTEM}",
        "create clusterroles.rbac.authorization.k8s.io",
    ),
)
def test_the_operator_may_not(guarded: ApiServer, request_: str) -> None:
    """Read Secrets that nobody let it read, or change what users wrote."""
    assert not may(guarded, OPERATOR, request_)


@pytest.mark.parametrize(
    "request_",
    (
        "delete trunks.trunkline.dev -n acme",
        "delete edges.trunkline.dev",
        "patch trunks.trunkline.dev -n acme",
        "list secrets -n acme",
        f"list secrets -n {SYSTEM}",
        f"get secret/trunkline-ca -n {SYSTEM}",
        f"delete secret/trunkline-ca -n {SYSTEM}",
        f"delete deployments.apps -n {SYSTEM}",
        f"get secrets -n {EDGES}",
        f"create pods -n {EDGES}",
    ),
)
def test_an_uninstallation_may_not(guarded: ApiServer, request_: str) -> None:
    """Remove anything of users, or read a key."""
    assert not may(guarded, UNINSTALLATION, request_)


def test_operator_and_uninstallation_work_with_exactly_their_rights(
    guarded: ApiServer, tmp_path: Path
) -> None:
    """With their accounts' tokens: an Edge is made, published, told of, and all of it removed; no refusal."""
    command = [sys.executable, "-m", "trunkline", "run", "--base-domain=trunkline.test"]
    command += ["--tenant-namespaces=acme", "--metrics-port=0", "--health-port=0"]
    environment = environment_of(guarded, "trunkline-operator", tmp_path)
    log = tmp_path / "operator.log"
    static = {"advertise": {"type": "Static", "addresses": ["192.0.2.1"]}}
    guarded.kubectl.apply(
        manifest_of("Edge", "oslo", None, static),
        manifest_of("Edge", "rome", None, {"advertise": {"type": "PodIP"}, "replicas": 2}),
        manifest_of("Account", "acme", None, {"namespaces": ["acme"], "domainNames": ["*"]}),
        manifest_of("Trunk", "hq", "acme", {"termination": {"domainName": "acme-hq"}}),
    )
    with log.open("wb") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output, env=environment, cwd=tmp_path)
    try:
        wait_until("the workload of oslo", lambda: _is_whole(guarded), SECONDS)
        wait_until("the status of hq", lambda: _reason(guarded), SECONDS)
    except TimeoutError as error:
        raise AssertionError(f"{error}\n{log.read_text()[-4000:]}") from None
    finally:
        process.terminate()
        process.wait(SECONDS)
    assert "forbidden" not in log.read_text().lower()
    # As with a DNS provider, without one.
    held = '{"metadata": {"finalizers": ["trunkline.dev/dns"]}}'
    guarded.kubectl("patch", "edge", "oslo", "--type=merge", f"--patch={held}")
    scale = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "trunkline-operator"}}
    pod = {"metadata": {"labels": {"a": "b"}}, "spec": {"containers": [{"name": "a", "image": "b"}]}}
    spec = {"replicas": 1, "selector": {"matchLabels": {"a": "b"}}, "template": pod}
    guarded.kubectl.within(SYSTEM).apply({**scale, "spec": spec})
    done = subprocess.run(
        [sys.executable, "-m", "trunkline", "uninstall", "--drain=1s", "--yes"],
        env=environment_of(guarded, "trunkline-uninstall", tmp_path),
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
    )
    assert done.returncode == 0, done.stderr
    assert "forbidden" not in done.stderr.lower()
    assert "WARNING" not in done.stderr
    assert guarded.kubectl.within(SYSTEM).get("deployment", "trunkline-operator")["spec"]["replicas"] == 0
    assert "finalizers" not in guarded.kubectl.get("edge", "oslo")["metadata"]
    kinds = "sa,role,rolebinding,cm,svc,pdb,sts,netpol,lease,secret,pod"
    selector = "app.kubernetes.io/managed-by=trunkline"
    assert guarded.kubectl("get", kinds, "-n", EDGES, "-l", selector, "-o", "name").split() == []


def _is_whole(server: ApiServer) -> bool:
    """True if every object of Edge oslo is there, its table included."""
    names = ("sa", "role", "rolebinding", "cm", "svc", "pdb", "sts")
    wanted = [f"{kind}/edge-oslo" for kind in names] + ["lease/edge-oslo-0", "secret/table-oslo-head"]
    return server.kubectl.within(EDGES).try_("get", *wanted).status == 0


def _reason(server: ApiServer) -> bool:
    """True if the trunk's status has an answer of the operator."""
    conditions = server.kubectl.within("acme").get("trunk", "hq")["status"]["conditions"]
    return any(each["type"] == "Accepted" and each["status"] == "True" for each in conditions)
