"""What the chart installs."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any, get_args, get_type_hints

import pytest
import yaml

from support.chart_objects import names, one, operator_environment
from trunkline.cli.run_command import run
from trunkline.compiler.access import OPERATOR_ACCOUNT
from trunkline.settings import OperatorSettings, check_settings, listed

HERE = Path(__file__).resolve().parent
CRDS = HERE.parents[1] / "crds"

Manifest = dict[str, Any]
Render = Callable[..., list[Manifest]]
Helm = Callable[..., subprocess.CompletedProcess[str]]

RFC2136 = {
    "provider": "rfc2136",
    "rfc2136": {"server": "192.0.2.53", "tsigSecretRef": {"name": "tsig"}, "tsigKeyName": "trunkline"},
}
EVERYTHING: Manifest = {
    "tenantNamespaces": ["acme", "globex"],
    "deniedTargetCidrs": ["10.0.0.0/8"],
    "edgeNamespace": "sip",
    "edgeNamespacePodSecurity": "restricted",
    "dns": RFC2136,
    "operator": {
        "image": {"repository": "registry.example/operator", "tag": "2", "pullPolicy": "Always"},
        "imagePullSecrets": [{"name": "registry"}],
        "resources": {"requests": {"cpu": "1"}, "limits": {"memory": "1Gi"}},
        "nodeSelector": {"disk": "fast"},
        "tolerations": [{"operator": "Exists"}],
        "affinity": {"nodeAffinity": {}},
        "priorityClassName": "high",
        "podLabels": {"team": "voice"},
        "podAnnotations": {"note": "x"},
        "verbose": True,
    },
    "edge": {"image": {"repository": "registry.example/edge", "tag": 3, "pullPolicy": "Never"}},
    "crds": {"enabled": False},
    "monitoring": {
        "serviceMonitor": {"enabled": True, "labels": {"release": "prometheus"}, "interval": "10s"},
        "podMonitor": {"enabled": True, "labels": {"release": "prometheus"}, "interval": "15s"},
    },
}


def test_every_value_reaches_an_object(render: Render, golden: Callable[[Path, str], None]) -> None:
    """All values at once, the CRDs left out; the defaults are in deploy/operator.yaml."""
    text = yaml.safe_dump_all(render(EVERYTHING), sort_keys=False, allow_unicode=True, width=110)
    golden(HERE / "everything.yaml", text)


def test_a_base_domain_is_needed(run_helm: Helm) -> None:
    """No default would be right, and the fault names the value and the mend."""
    done = run_helm("template", "trunkline", values={"baseDomain": ""})
    assert done.returncode != 0
    assert "--set baseDomain=" in done.stderr


def test_agents_never_share_the_operators_namespace(run_helm: Helm) -> None:
    """They may read every Secret of theirs."""
    done = run_helm("template", "trunkline", values={"edgeNamespace": "trunkline-system"})
    assert done.returncode != 0
    assert "edgeNamespace" in done.stderr


def options() -> set[str]:
    """The environment variables that `trunkline run` reads."""
    hints = get_type_hints(run, include_extras=True)
    found = (getattr(option, "envvar", None) for hint in hints.values() for option in get_args(hint)[1:])
    return {name for name in found if name}


def test_the_operator_is_told_nothing_that_it_does_not_read(render: Render) -> None:
    """And all that it reads, but for where it listens."""
    told = {name for name in operator_environment(render({"dns": RFC2136})) if name.startswith("TRUNKLINE_")}
    assert told == options() - {"TRUNKLINE_LISTEN_ADDRESS"}


def test_the_operator_takes_the_settings_of_the_chart(render: Render) -> None:
    """The defaults, and a name server with its port."""
    told = operator_environment(render({"dns": RFC2136}))
    settings = OperatorSettings(
        base_domain=told["TRUNKLINE_BASE_DOMAIN"],
        edge_namespace=told["TRUNKLINE_EDGE_NAMESPACE"],
        tenant_namespaces=listed(told["TRUNKLINE_TENANT_NAMESPACES"]),
        denied_target_cidrs=listed(told["TRUNKLINE_DENIED_TARGET_CIDRS"]),
        dns_provider=told["TRUNKLINE_DNS_PROVIDER"],
        dns_server=told["TRUNKLINE_DNS_SERVER"],
        tsig_secret=told["TRUNKLINE_DNS_TSIG_SECRET"],
        tsig_key_name=told["TRUNKLINE_DNS_TSIG_KEY_NAME"],
    )
    assert check_settings(settings) is settings
    assert settings.dns_server == "192.0.2.53:53"
    assert "127.0.0.0/8" in settings.denied_target_cidrs


def test_names_that_messages_speak_of(render: Render) -> None:
    """The command that mends SecretNotReadable names the account and the role."""
    objects = render()
    assert OPERATOR_ACCOUNT in names(objects, "ServiceAccount")
    assert "trunkline-secret-reader" in names(objects, "ClusterRole")


def test_the_operators_pod_is_restricted(render: Render) -> None:
    """What the `restricted` level of Pod Security asks for, and a read-only root file system."""
    pod = one(render(), "Deployment", "trunkline-operator")["spec"]["template"]["spec"]
    assert pod["securityContext"] == {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}}
    (container,) = pod["containers"]
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert [list(volume) for volume in pod["volumes"]] == [["name", "emptyDir"]]


def test_one_operator_at_a_time(render: Render) -> None:
    """A rollout ends the old one first: the new one would wait for its Lease."""
    spec = one(render(), "Deployment", "trunkline-operator")["spec"]
    assert (spec["replicas"], spec["strategy"]) == (1, {"type": "Recreate"})


@pytest.mark.parametrize("keep", (True, False))
def test_crds_are_those_of_the_models(render: Render, keep: bool) -> None:
    """Word for word; kept by `helm uninstall` if wanted."""
    found = {
        each["metadata"]["name"]: each
        for each in render({"crds": {"keep": keep}})
        if each["kind"] == "CustomResourceDefinition"
    }
    models = {path.stem: yaml.safe_load(path.read_text(encoding="utf-8")) for path in CRDS.glob("*.yaml")}
    assert {name: each["spec"] for name, each in found.items()} == {
        name: each["spec"] for name, each in models.items()
    }
    for each in found.values():
        policy = each["metadata"].get("annotations", {}).get("helm.sh/resource-policy")
        assert policy == ("keep" if keep else None)


def test_nothing_of_users_is_installed(render: Render) -> None:
    """The chart makes no Account, no Edge, no Trunk."""
    assert not [each for each in render() if each["apiVersion"].startswith("trunkline.dev")]


def test_an_edge_namespace_of_ones_own(render: Render) -> None:
    """createEdgeNamespace: false leaves it to whoever made it; the rights in it are the same."""
    objects = render({"createEdgeNamespace": False, "edgeNamespace": "mine"})
    assert names(objects, "Namespace") == set()
    assert one(objects, "Role", "trunkline-operator", "mine")


def test_monitors_ask_for_ports_that_exist(render: Render) -> None:
    """Their port names are those of the operator's Service and of the agents' container."""
    from support.objects import make_edge
    from trunkline.plan.workload import WorkloadSettings, edge_objects

    objects = render(EVERYTHING)
    (endpoint,) = one(objects, "ServiceMonitor", "trunkline-operator")["spec"]["endpoints"]
    service = one(objects, "Service", "trunkline-operator-metrics")
    assert endpoint["port"] in [port["name"] for port in service["spec"]["ports"]]
    monitor = one(objects, "PodMonitor", "trunkline-edges")["spec"]
    edge = make_edge(advertise={"type": "PodIP"})
    (pods,) = (
        each for each in edge_objects(edge, WorkloadSettings("sip", "edge")) if each["kind"] == "StatefulSet"
    )
    template = pods["spec"]["template"]
    assert monitor["selector"]["matchLabels"].items() <= template["metadata"]["labels"].items()
    ports = [port["name"] for each in template["spec"]["containers"] for port in each["ports"]]
    assert monitor["podMetricsEndpoints"][0]["port"] in ports
