"""What the chart installs."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from support.chart_objects import names, one, operator_environment
from support.chart_values import EVERYTHING, RFC2136
from support.objects import make_edge
from trunkline.api import Platform
from trunkline.controllers.parts import workload_settings
from trunkline.plan.workload import edge_objects
from trunkline.plan.workload_settings import Recordings
from trunkline.settings import (
    OperatorSettings,
    check_settings,
    options,
    settings_of,
    variable,
)
from trunkline.uninstall_settings import uninstall_settings

HERE = Path(__file__).resolve().parent
CRDS = HERE.parents[1] / "crds"

Manifest = dict[str, Any]
Render = Callable[..., list[Manifest]]
Helm = Callable[..., subprocess.CompletedProcess[str]]


LONG = ("prometheusRules", "dashboards")
"""Values whose objects test_observability.py looks at."""


def test_every_value_reaches_an_object(render: Render, golden: Callable[[Path, str], None]) -> None:
    """All values at once, the CRDs left out; the defaults are in deploy/operator.yaml."""
    values = {name: each for name, each in EVERYTHING.items() if name not in LONG}
    objects = [*render(values), *render(values, hook="pre-delete")]
    text = yaml.safe_dump_all(objects, sort_keys=False, allow_unicode=True, width=110)
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


def told_settings(told: Mapping[str, str]) -> OperatorSettings:
    """The settings that the chart's variables come to, checked."""
    given = {each.name: told[variable(each.name)] for each in options() if variable(each.name) in told}
    return check_settings(settings_of(given))


def test_the_operator_is_told_nothing_that_it_does_not_read(render: Render) -> None:
    """And all that it reads, but for where it listens."""
    external = {
        "provider": "externalDns",
        "externalDns": {"namespace": "external-dns", "server": "ns.example"},
    }
    told = {
        name
        for dns in (RFC2136, external)
        for name in operator_environment(render({"dns": dns}))
        if name.startswith("TRUNKLINE_")
    }
    assert told == {variable(each.name) for each in options()} - {variable("listen_address")}


def test_the_charts_defaults_are_those_of_the_command(render: Render) -> None:
    """Where they differ the chart knows more: its version, its networks, its installation."""
    told = operator_environment(render())
    differ = {
        each.name
        for each in options()
        if variable(each.name) in told and told[variable(each.name)] != str(each.default)
    }
    assert differ == {
        *("base_domain", "denied_target_cidrs"),
        *("edge_image", "edge_resources", "edge_pods", "recorder_image"),
    }
    image, _, _ = told["TRUNKLINE_EDGE_IMAGE"].partition(":")
    assert OperatorSettings(base_domain="voice.example").edge_image == f"{image}:latest"


def test_the_operator_takes_the_settings_of_the_chart(render: Render) -> None:
    """A name server with its port among them, and lists of all lengths."""
    values = {"dns": RFC2136, "tenantNamespaces": ["acme", "globex"]}
    settings = told_settings(operator_environment(render(values)))
    assert settings.base_domain == "voice.example"
    assert settings.dns_server == "192.0.2.53:53"
    assert settings.dns_tsig_secret == "tsig"
    assert settings.tenant_namespaces == ("acme", "globex")
    assert "127.0.0.0/8" in settings.denied_target_cidrs


def test_edge_pods_are_as_the_values_say(render: Render) -> None:
    """Resources of both containers, pull secrets, priority and calls, all the way to the pod."""
    settings = told_settings(operator_environment(render(EVERYTHING)))
    objects = edge_objects(make_edge(), workload_settings(settings))
    (pods,) = (each for each in objects if each["kind"] == "StatefulSet")
    spec = pods["spec"]["template"]["spec"]
    assert {each["name"]: each["resources"] for each in (*spec["containers"], *spec["initContainers"])} == {
        "kamailio": {"requests": {"cpu": "250m", "memory": "384Mi"}, "limits": {"cpu": "2"}},
        "agent": {"requests": {"cpu": "50m", "memory": "100Mi"}},
        "b2bua": {"requests": {"cpu": "20m", "memory": "64Mi"}},
        "rtpengine": {"requests": {"cpu": "100m", "memory": "192Mi"}},
        "valkey": {"requests": {"cpu": "10m", "memory": "32Mi"}},
        "recorder": {"requests": {"cpu": "1", "memory": "128Mi"}},
    }
    recorder, *_ = spec["initContainers"]
    assert recorder["image"] == "mirror.example:5000/voice/recorder:4"
    (kamailio,) = (each for each in spec["containers"] if each["name"] == "kamailio")
    assert kamailio["image"] == f"mirror.example:5000/voice/edge@sha256:{64 * '3'}"
    assert settings.recordings == Recordings(
        *("file:///var/lib/recordings/calls", "https://s3.example", "eu-west-1", "bucket-keys", 30),
        *("calls", "5Gi", "mirror.example:5000/voice/recorder:4"),
    )
    assert {"sizeLimit": "5Gi"} in [each.get("emptyDir") for each in spec["volumes"]]
    assert spec["imagePullSecrets"] == [{"name": "registry"}, {"name": "other"}]
    assert spec["priorityClassName"] == "calls"
    told = {each["name"]: each.get("value") for each in spec["containers"][1]["env"]}
    assert (told["TRUNKLINE_CALLS_PER_SECOND"], told["TRUNKLINE_CALLS_IN_PROGRESS"]) == ("500", "20000")


@pytest.mark.parametrize(
    ("volume", "claims", "named"),
    (
        ({}, [], ""),
        ({"create": True}, ["trunkline-recordings"], "trunkline-recordings"),
        ({"create": True, "claimName": "calls"}, ["calls"], "calls"),
        ({"claimName": "theirs"}, [], "theirs"),
    ),
    ids=("none", "ours", "ours-named", "theirs"),
)
def test_a_volume_for_recordings_is_ours_or_theirs(
    render: Render, volume: Manifest, claims: list[str], named: str
) -> None:
    """It outlives the release in any case, and so does the namespace that it is in."""
    objects = render({"recordings": {"volume": volume}})
    assert names(objects, "PersistentVolumeClaim") == set(claims)
    assert operator_environment(objects)["TRUNKLINE_RECORDINGS_CLAIM"] == named
    kept = [one(objects, "PersistentVolumeClaim", each) for each in claims]
    kept += [one(objects, "Namespace", "trunkline-edges")] if named else []
    assert all(each["metadata"]["annotations"] == {"helm.sh/resource-policy": "keep"} for each in kept)


def test_a_large_number_stays_a_number_in_digits(render: Render) -> None:
    """Helm reads numbers as floats and writes a million as 1e+06."""
    told = operator_environment(render({"edge": {"callsInProgress": 1_000_000}}))
    assert told["TRUNKLINE_EDGE_CALLS_IN_PROGRESS"] == "1000000"


def test_the_charts_defaults_are_those_of_the_plan(render: Render) -> None:
    """An operator without these variables makes the same pods."""
    told = operator_environment(render())
    chosen = OperatorSettings(
        base_domain="voice.example",
        edge_resources=told["TRUNKLINE_EDGE_RESOURCES"],
        edge_pods=told["TRUNKLINE_EDGE_PODS"],
    )
    assert workload_settings(chosen) == workload_settings(OperatorSettings(base_domain="voice.example"))


def test_names_that_messages_speak_of(render: Render) -> None:
    """The command that mends SecretNotReadable names the account and the role."""
    objects = render()
    assert Platform("voice.example").operator_account in names(objects, "ServiceAccount")
    assert "trunkline-secret-reader" in names(objects, "ClusterRole")


def assert_restricted(pod: Manifest) -> None:
    """What the `restricted` level of Pod Security asks for, and a read-only root file system."""
    assert pod["securityContext"] == {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}}
    (container,) = pod["containers"]
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }


def test_the_operators_pod_is_restricted(render: Render) -> None:
    """And it has no volume but a directory of its own."""
    pod = one(render(), "Deployment", "trunkline-operator")["spec"]["template"]["spec"]
    assert_restricted(pod)
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


def hook_pod(render: Render, values: Manifest | None = None) -> Manifest:
    """The pod that `helm uninstall` starts first."""
    job = one(render(values, hook="pre-delete"), "Job", "trunkline-uninstall")
    return dict(job["spec"]["template"]["spec"])


def test_an_uninstallation_knows_what_the_operator_knows(render: Render) -> None:
    """Its settings are variables of the operator with the same values, and it finds all it needs in them."""
    values = {"dns": RFC2136, "edgeNamespace": "sip"}
    (container,) = hook_pod(render, values)["containers"]
    told = {each["name"]: each["value"] for each in container["env"] if "value" in each}
    assert told.items() <= operator_environment(render(values)).items()
    settings = uninstall_settings({**told, "POD_NAMESPACE": "trunkline-system"})
    assert (settings.edge_namespace, settings.dns_server) == ("sip", "192.0.2.53:53")
    assert (settings.base_domain, settings.dns_tsig_secret) == ("voice.example", "tsig")
    assert container["args"][:3] == ["uninstall", "--yes", "--drain=30s"]


def test_an_uninstallation_is_restricted_and_bounded(render: Render) -> None:
    """Its pod fits the level `restricted`, and its Job ends, also on a node that does not start it."""
    pod = hook_pod(render)
    assert_restricted(pod)


@pytest.mark.parametrize(("drain", "seconds"), (("30s", 300), ("10m", 870), ("1h", 3870)))
def test_an_uninstallation_may_take_as_long_as_calls_may(render: Render, drain: str, seconds: int) -> None:
    """By default as long as `helm uninstall` waits."""
    job = one(render({"uninstall": {"drain": drain}}, hook="pre-delete"), "Job", "trunkline-uninstall")
    assert job["spec"]["activeDeadlineSeconds"] == seconds
    (container,) = job["spec"]["template"]["spec"]["containers"]
    # What is done last still has its minute then.
    assert container["args"][3:] == [f"--timeout={seconds - 60}s"]


def test_an_uninstallation_of_ones_own(render: Render) -> None:
    """uninstall.enabled: false leaves it to whoever calls the command."""
    assert render({"uninstall": {"enabled": False}}, hook="pre-delete") == []
