"""What an Edge consists of in a cluster."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

import pytest

from api import whole_objects
from sipedge.agent.pod import read_pod
from sipedge.b2bua_settings import b2bua_port
from sipedge.capacity import Capacity
from sipedge.contract import STIR_FILES
from support.objects import make_edge
from support.pod_templates import (
    EVERY_TYPE,
    HOST_NETWORK,
    POD_IP,
    SETTINGS,
    STATIC,
    containers,
    environment,
    objects,
    one,
    pod,
    sidecars,
)
from trunkline.api import Edge, decode
from trunkline.plan.workload import SERVED, WorkloadSettings, edge_objects, served_edge
from trunkline.plan.workload_settings import DEFAULT_RESOURCES


def empty_places(value: Any, path: str = "") -> list[str]:
    """Where an empty list, map or text stands; the API server would drop some of them."""
    if isinstance(value, dict):
        return [place for key, each in value.items() for place in empty_places(each, f"{path}.{key}")] or (
            [] if value else [path]
        )
    if isinstance(value, list):
        return [place for each in value for place in empty_places(each, f"{path}[]")] or (
            [] if value else [path]
        )
    return [] if value or value == 0 else [path]


# ------------------------------------------------------------------------------------------- objects


@EVERY_TYPE
def test_every_object_is_in_the_edge_namespace_and_bears_the_edge(spec: dict[str, Any]) -> None:
    """By the label they are found, by the owner they end with the Edge."""
    edge = make_edge(**spec)
    owned = edge.model_copy(update={"metadata": edge.metadata.model_copy(update={"uid": "4711"})})
    for each in edge_objects(owned, SETTINGS):
        metadata = each["metadata"]
        assert metadata["namespace"] == "edges"
        assert metadata["labels"]["trunkline.dev/edge"] == "ashburn"
        assert metadata["labels"]["app.kubernetes.io/managed-by"] == "trunkline"
        assert [(owner["kind"], owner["uid"]) for owner in metadata["ownerReferences"]] == [("Edge", "4711")]


@EVERY_TYPE
def test_kinds(spec: dict[str, Any]) -> None:
    """A NetworkPolicy only where it has an effect, one Lease for each pod."""
    kinds = [each["kind"] for each in objects(**spec)]
    pods = 2 if spec is STATIC else 3
    policies = ["NetworkPolicy"] if spec is POD_IP else []
    addresses = ["ConfigMap"] if spec is STATIC else []
    assert kinds == [
        *("ServiceAccount", "Role", "RoleBinding", *addresses, *["Lease"] * pods, "Service"),
        *(*policies, "PodDisruptionBudget", "StatefulSet"),
    ]


@EVERY_TYPE
def test_nothing_is_empty(spec: dict[str, Any]) -> None:
    """An empty field may be stored as none, and would look like a difference for ever."""
    meant = (".namespaceSelector", ".apiGroups[]")
    for each in objects(**spec):
        assert [place for place in empty_places(each) if not place.endswith(meant)] == []


def test_names_fit_into_what_kubernetes_allows() -> None:
    """The longest Edge name, with what a StatefulSet appends: a label holds 63 characters."""
    edge = make_edge("e" * 40, **POD_IP)
    for each in edge_objects(edge, SETTINGS):
        assert len(each["metadata"]["name"]) + len("-1234567890") <= 63


@EVERY_TYPE
def test_what_is_no_matter_of_pods_changes_nothing(spec: dict[str, Any]) -> None:
    """Certificates, DNS and the region alias: no pod is restarted for them, only noted."""
    changed = {
        "region": "us1",
        "tls": {"secretRef": {"name": "bought"}},
        "dns": {"ttlSeconds": 60},
    }
    before, after = (
        [{**each, "metadata": {**each["metadata"], "annotations": {}}} for each in some]
        for some in (objects(**spec), objects(**spec, **changed))
    )
    assert before == after


@pytest.mark.parametrize("name", ("EDGE", "NODE_EDGE"))
def test_a_stateful_set_tells_which_edge_it_serves(name: str) -> None:
    """Word for word, so that the same version can go on where a newer one is refused."""
    manifest = getattr(whole_objects, name)
    manifest = {**manifest, "metadata": {**manifest["metadata"], "uid": "u-1", "generation": 7}}
    edge = decode(manifest)
    assert isinstance(edge, Edge)
    (pods,) = (each for each in edge_objects(edge, SETTINGS) if each["kind"] == "StatefulSet")
    assert served_edge(pods) == edge


def test_replicas_that_stood_beside_addresses_cost_no_edge_its_version() -> None:
    """As an older operator has written it, and as the default is written."""
    spec = {**whole_objects.EDGE["spec"], "replicas": 4}
    text = json.dumps({"metadata": {"name": "ashburn"}, "spec": spec})
    found = served_edge({"metadata": {"annotations": {SERVED: text}}})
    assert found is not None
    assert found.spec.instances == 2


@pytest.mark.parametrize("text", (None, "", "{", "[]", "{}", '{"spec": {"colour": "red"}}', '{"spec": 1}'))
def test_a_stateful_set_that_tells_nothing_useful(text: str | None) -> None:
    """Of an older version, or somebody's edit: then nothing is known."""
    annotations = {} if text is None else {SERVED: text}
    assert served_edge({"metadata": {"annotations": annotations}}) is None


@pytest.mark.parametrize(
    "change",
    (
        {"ports": {"udp": 5070}},
        {"drain": {"maxSeconds": 60}},
        {"placement": {"nodeSelector": {"zone": "b"}}},
        {"advertise": {"type": "HostNetwork"}},
        {"media": {"firstPort": 20000}},
    ),
    ids=str,
)
def test_what_pods_are_started_with_changes_their_template(change: dict[str, Any]) -> None:
    """Else a change of the Edge would have no effect."""
    assert pod(**POD_IP) != pod(**{**POD_IP, **change})


def test_one_more_pod_restarts_none() -> None:
    """The template does not know how many there are."""
    assert pod(**POD_IP) == pod(**{**POD_IP, "replicas": 5})


def test_another_list_of_static_addresses_restarts_no_pod() -> None:
    """The template refers to the list, which is a file that each agent reads."""
    more = {"advertise": {"type": "Static", "addresses": ["192.0.2.1", "192.0.2.2", "192.0.2.3"]}}
    assert pod(**STATIC) == pod(**more)
    assert one("StatefulSet", **more)["spec"]["replicas"] == 3
    assert one("ConfigMap", **more)["data"] == {"addresses": "192.0.2.1,192.0.2.2,192.0.2.3"}
    agent = containers(**more)["agent"]
    (mount,) = (each for each in agent["volumeMounts"] if each["name"] == "list")
    assert environment(agent)["TRUNKLINE_ADDRESSES_FILE"] == f"{mount['mountPath']}/addresses"
    (volume,) = (each for each in pod(**more)["volumes"] if each["name"] == "list")
    assert volume["configMap"]["name"] == "edge-ashburn"


# ------------------------------------------------------------------------------------------- rollout


def test_pods_are_made_at_once_and_replaced_one_by_one() -> None:
    """Parallel heals an image that does not start; the budget holds evictions to one."""
    spec = one("StatefulSet", **POD_IP)["spec"]
    assert spec["podManagementPolicy"] == "Parallel"
    assert spec["updateStrategy"] == {"type": "RollingUpdate"}
    assert spec["minReadySeconds"] > 0
    budget = one("PodDisruptionBudget", **POD_IP)["spec"]
    assert budget["maxUnavailable"] == 1
    assert budget["selector"] == spec["selector"]


def test_a_selector_never_changes() -> None:
    """The API server refuses another one, so all that an Edge may change must leave it alone."""
    wanted = {"app.kubernetes.io/name": "trunkline-edge", "trunkline.dev/edge": "ashburn"}
    for spec in (POD_IP, STATIC, HOST_NETWORK):
        found = one("StatefulSet", **spec)["spec"]
        assert found["selector"]["matchLabels"] == wanted
        assert found["serviceName"] == "edge-ashburn"
        assert wanted.items() <= found["template"]["metadata"]["labels"].items()


@pytest.mark.parametrize("seconds", (0, 3600, 86_400))
def test_a_stop_takes_the_drain_and_a_little_more(seconds: int) -> None:
    """Both containers know how long calls may go on; the kubelet waits longer than either."""
    spec = {**POD_IP, "drain": {"maxSeconds": seconds}}
    assert pod(**spec)["terminationGracePeriodSeconds"] >= seconds + 30
    for container in containers(**spec).values():
        assert environment(container)["TRUNKLINE_DRAIN_SECONDS"] == str(seconds)
    command = containers(**spec)["kamailio"]["lifecycle"]["preStop"]["exec"]["command"]
    assert command[-1].endswith("/drain_main.py")


# ------------------------------------------------------------------------------------------ security


@EVERY_TYPE
def test_least_rights(spec: dict[str, Any]) -> None:
    """What the `restricted` level of Pod Security asks of a pod and its containers, and more."""
    found = pod(**spec)
    security = found["securityContext"]
    assert (security["runAsNonRoot"], security["runAsUser"]) == (True, 10001)
    assert security["seccompProfile"] == {"type": "RuntimeDefault"}
    assert found["automountServiceAccountToken"] is False
    for container in (*found["initContainers"], *found["containers"]):
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }
    assert all("hostPath" not in volume for volume in found["volumes"])


@EVERY_TYPE
def test_only_the_agent_has_a_token(spec: dict[str, Any]) -> None:
    """Kamailio reads what strangers send."""
    mounts = {
        name: [mount["name"] for mount in container["volumeMounts"]]
        for name, container in {**containers(**spec), **sidecars(**spec)}.items()
    }
    own = ["list"] if spec is STATIC else []
    assert mounts == {
        "kamailio": ["state", "tmp"],
        "agent": ["state", "tmp", "spool", "token", *own],
        "rtpengine": ["state", "tmp", "spool"],
        "valkey": ["state", "tmp"],
        "b2bua": ["state", "tmp", "spool"],
        "recorder": ["tmp", "spool"],
    }


def test_what_calls_are_signed_with_is_the_agents_alone() -> None:
    """In a pod that does not wait for it; nothing of it without the setting."""
    told = containers(**POD_IP)
    assert all(STIR_FILES not in environment(each) for each in told.values())
    settings = dataclasses.replace(SETTINGS, stir_shaken=True)
    manifests = edge_objects(make_edge(**POD_IP), settings)
    (stateful_set,) = (each for each in manifests if each["kind"] == "StatefulSet")
    found = stateful_set["spec"]["template"]["spec"]
    kamailio, agent = found["containers"]
    (volume,) = (each for each in found["volumes"] if each["name"] == "stir")
    assert volume["secret"] == {"secretName": "stir-shaken", "optional": True, "defaultMode": 0o440}
    (mount,) = (each for each in agent["volumeMounts"] if each["name"] == "stir")
    assert (mount["mountPath"], mount["readOnly"]) == (environment(agent)[STIR_FILES], True)
    assert STIR_FILES not in environment(kamailio)
    assert "stir" not in [each["name"] for each in kamailio["volumeMounts"]]
    fields = {name: "192.0.2.1" for name, value in environment(agent).items() if not isinstance(value, str)}
    cluster = {"KUBERNETES_SERVICE_HOST": "192.0.2.2"}
    read = read_pod({**environment(agent), **fields, **cluster})
    assert str(read.stir_directory) == mount["mountPath"]


def test_agents_read_their_namespaces_secrets_and_write_their_own_leases() -> None:
    """Nothing else: no Pod, no Node, nothing of a tenant; other pods' Leases only to read what they count."""
    assert one("Role", **POD_IP)["rules"] == [
        {"apiGroups": [""], "resources": ["secrets"], "verbs": ["get", "list", "watch"]},
        {
            "apiGroups": ["coordination.k8s.io"],
            "resources": ["leases"],
            "resourceNames": ["edge-ashburn-0", "edge-ashburn-1", "edge-ashburn-2"],
            "verbs": ["get", "patch"],
        },
        {"apiGroups": ["coordination.k8s.io"], "resources": ["leases"], "verbs": ["list"]},
    ]


def test_a_policy_admits_calls_from_everywhere_and_metrics_from_the_cluster() -> None:
    """Kamailio's control socket is a file, and the relay is commanded on loopback; nothing else listens."""
    ports = {"udp": 5070, "tcp": 5071, "tls": 5072}
    spec = {**POD_IP, "ports": ports, "media": {"firstPort": 20_000, "lastPort": 30_001}}
    calls, metrics, tallies = one("NetworkPolicy", **spec)["spec"]["ingress"]
    assert [(port["port"], port.get("endPort"), port["protocol"]) for port in calls["ports"]] == [
        (5070, None, "UDP"),
        (5071, None, "TCP"),
        (5072, None, "TCP"),
        (20_000, 30_001, "UDP"),
    ]
    assert "from" not in calls
    assert metrics["from"] == [{"namespaceSelector": {}}]
    [siblings] = tallies["from"]
    assert siblings["podSelector"]["matchLabels"]["trunkline.dev/edge"] == "ashburn"
    assert tallies["ports"] == [{"port": 8090, "protocol": "UDP"}]


# ------------------------------------------------------------------------------------------- network


@pytest.mark.parametrize(("spec", "host"), ((POD_IP, False), (HOST_NETWORK, True), (STATIC, True)))
def test_host_network_where_the_node_owns_the_address(spec: dict[str, Any], host: bool) -> None:
    """Then names of the cluster must be looked up in another way."""
    found = pod(**spec)
    assert found.get("hostNetwork", False) is host
    assert found["dnsPolicy"] == ("ClusterFirstWithHostNet" if host else "ClusterFirst")


def test_ports_below_1024_need_no_privilege_in_a_pods_own_network() -> None:
    """A setting of that network, not a capability."""
    low = {"ports": {"udp": 506, "tcp": 506, "tls": 443}}
    assert pod(**{**POD_IP, **low})["securityContext"]["sysctls"] == [
        {"name": "net.ipv4.ip_unprivileged_port_start", "value": "0"}
    ]
    assert "sysctls" not in pod(**POD_IP)["securityContext"]
    assert "sysctls" not in pod(**{**STATIC, **low})["securityContext"]


def test_the_agent_is_told_who_and_where_it_is() -> None:
    """Its environment; addresses come from the pod's own fields."""
    found = environment(containers(**{**POD_IP, "ports": {"tls": 5071}})["agent"])
    plain = {name: value for name, value in found.items() if isinstance(value, str)}
    fields = {name: value["fieldRef"]["fieldPath"] for name, value in found.items() if name not in plain}
    assert plain == {
        "TRUNKLINE_EDGE": "ashburn",
        "TRUNKLINE_ADVERTISE": "PodIP",
        "TRUNKLINE_PORTS": "5060,5060,5071",
        "TRUNKLINE_HTTP_PORT": "8090",
        "TRUNKLINE_CALLS_PER_SECOND": "200",
        "TRUNKLINE_CALLS_IN_PROGRESS": "2000",
        "TRUNKLINE_MEDIA_PORTS": "10000-60000",
        "TRUNKLINE_MEDIA_SPOOL": "/var/spool/sipedge/calls",
        "TRUNKLINE_MEDIA_SPOOL_BYTES": str(20 * 1024**3),
        "TRUNKLINE_DRAIN_SECONDS": "3600",
    }
    assert fields == {
        "POD_NAME": "metadata.name",
        "POD_NAMESPACE": "metadata.namespace",
        "POD_IP": "status.podIP",
        "NODE_IP": "status.hostIP",
    }


def test_the_agents_port_is_never_one_of_sip() -> None:
    """Its probes, its policy and the agent itself agree."""
    spec = {**POD_IP, "ports": {"tcp": 8090, "tls": 8091}}
    agent = containers(**spec)["agent"]
    assert environment(agent)["TRUNKLINE_HTTP_PORT"] == "8092"
    assert [(port["containerPort"], port["protocol"]) for port in agent["ports"]] == [
        (8092, "TCP"),
        (8092, "UDP"),
    ]
    ingress = one("NetworkPolicy", **spec)["spec"]["ingress"]
    assert [each["ports"][0]["port"] for each in ingress[1:]] == [8092, 8092]


@pytest.mark.parametrize(("sip", "b2bua"), ((5060, 7060), (5070, 7070), (65_535, 63_535)))
def test_no_two_edges_of_a_node_have_the_same_port_for_their_b2buas(sip: int, b2bua: int) -> None:
    """Pods of a node's network differ by their SIP ports; the scheduler knows of the others."""
    settings = sidecars(**HOST_NETWORK, ports={"udp": sip, "tcp": sip, "tls": 5061})["b2bua"]
    assert [port["containerPort"] for port in settings["ports"]] == [b2bua]
    assert b2bua_port(sip) == b2bua


def test_a_service_balances_nothing() -> None:
    """A call must stay at its pod."""
    spec = one("Service", **POD_IP)["spec"]
    assert spec["clusterIP"] == "None"
    assert [(each["name"], each["port"], each["protocol"]) for each in spec["ports"]] == [
        ("sip-udp", 5060, "UDP"),
        ("sip-tcp", 5060, "TCP"),
        ("sips", 5061, "TCP"),
    ]


def test_placement_is_taken_over() -> None:
    """Node selector and tolerations, as the Edge has them."""
    placement = {
        "nodeSelector": {"topology.kubernetes.io/region": "us-east"},
        "tolerations": [{"key": "sip", "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 60}],
    }
    found = pod(**POD_IP, placement=placement)
    assert found["nodeSelector"] == placement["nodeSelector"]
    assert found["tolerations"] == placement["tolerations"]


def test_settings_of_the_platform_reach_the_pods() -> None:
    """Image, pull secrets, priority, resources, and capacity, which the agent reads as it was written."""
    settings = WorkloadSettings(
        namespace="edges",
        image="registry.example/edge:2",
        image_pull_policy="Always",
        image_pull_secrets=("registry",),
        priority_class="system-cluster-critical",
        capacity=Capacity(calls_per_second=500, calls_in_progress=20_000),
        resources={
            **DEFAULT_RESOURCES,
            "kamailio": {"requests": {"cpu": "1", "memory": "1Gi"}, "limits": {}},
        },
    )
    edge: Edge = make_edge(**POD_IP)
    (stateful_set,) = (each for each in edge_objects(edge, settings) if each["kind"] == "StatefulSet")
    found = stateful_set["spec"]["template"]["spec"]
    assert found["imagePullSecrets"] == [{"name": "registry"}]
    assert found["priorityClassName"] == "system-cluster-critical"
    kamailio = found["containers"][0]
    assert (kamailio["image"], kamailio["imagePullPolicy"]) == ("registry.example/edge:2", "Always")
    assert kamailio["resources"] == {"requests": {"cpu": "1", "memory": "1Gi"}}
    told = environment(found["containers"][1])
    fields = {name: "192.0.2.1" for name, value in told.items() if not isinstance(value, str)}
    cluster = {"KUBERNETES_SERVICE_HOST": "192.0.2.2"}
    assert read_pod({**told, **fields, **cluster}).capacity == settings.capacity


@pytest.mark.parametrize(
    ("limit", "half"),
    (("256Mi", "128"), ("1Gi", "512"), ("512M", "244"), ("1073741824", "512"), ("", None), ("many", None)),
)
def test_shared_memory_fits_into_kamailios_limit(limit: str, half: str | None) -> None:
    """Half of it: beyond the limit Kamailio would be ended with all its calls. No limit, no bound."""
    limits = {"memory": limit} if limit else {}
    resources = {**DEFAULT_RESOURCES, "kamailio": {"limits": limits}}
    settings = WorkloadSettings("edges", "image", resources=resources)
    edge: Edge = make_edge(**POD_IP)
    (stateful_set,) = (each for each in edge_objects(edge, settings) if each["kind"] == "StatefulSet")
    _, agent = stateful_set["spec"]["template"]["spec"]["containers"]
    found = {each["name"]: each.get("value") for each in agent["env"]}
    assert found.get("TRUNKLINE_SHARED_MEMORY_MB") == half
