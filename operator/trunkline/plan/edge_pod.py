"""The pod of an Edge: Kamailio and its agent, which share one directory and the network.

Both run without any privilege. Only the agent talks to the API server, so only it has a token.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from sipedge.contract import CALLS_IN_PROGRESS, CALLS_PER_SECOND, SHARED_MEMORY
from trunkline.api import Edge
from trunkline.plan.workload_names import (
    Manifest,
    is_in_host_network,
    object_labels,
    pod_labels,
    workload_name,
)
from trunkline.plan.workload_settings import WorkloadSettings

USER: Final = 10001
"""Both containers: they share LMDB and Kamailio's control socket. The image has the same user."""

STATE: Final = "/var/lib/sipedge"
INSTANCE: Final = f"{STATE}/instance.json"
"""Written by the agent; Kamailio waits for it."""

PROGRAMS: Final = "/opt/trunkline/kamailio"
"""Where the image has Kamailio's configuration and the programs beside it."""

ADDRESSES: Final = "addresses"
"""Key of a Static Edge's ConfigMap: the addresses that it lists, with commas between."""

_LIST: Final = "/etc/sipedge"
"""Where the agent finds that list."""

_AGENT_PORTS: Final = (8090, 8091, 8092)

STOP_SECONDS: Final = 45
"""Beside the drain: leaving DNS, stopping, and the agent's last word."""

_STUCK_SECONDS: Final = 15
"""What a container that fails its liveness probe gets: the pod's own grace is for calls, and it has none."""

_TOKEN: Final = "/var/run/secrets/kubernetes.io/serviceaccount"  # noqa: S105 - a path
_TOKEN_SECONDS: Final = 3607
_PRIVILEGED_PORTS: Final = 1024


def agent_port(edge: Edge) -> int:
    """Where the agent tells of readiness, liveness and metrics: 8090, unless SIP is there."""
    return next(port for port in _AGENT_PORTS if port not in (edge.spec.ports.tcp, edge.spec.ports.tls))


def pod_template(edge: Edge, settings: WorkloadSettings) -> Manifest:
    """The template of the StatefulSet."""
    spec: Manifest = {
        "serviceAccountName": workload_name(edge),
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "terminationGracePeriodSeconds": edge.spec.drain.max_seconds + STOP_SECONDS,
        "securityContext": _pod_security(edge),
        **_network(edge),
        **_placement(edge),
        "topologySpreadConstraints": _spread(edge),
        "containers": [_kamailio(edge, settings), _agent(edge, settings)],
        "volumes": [*_volumes(settings), *_listed_addresses(edge)],
    }
    if settings.image_pull_secrets:
        spec["imagePullSecrets"] = [{"name": name} for name in settings.image_pull_secrets]
    if settings.priority_class:
        spec["priorityClassName"] = settings.priority_class
    return {
        "metadata": {
            "labels": object_labels(edge),
            "annotations": {"kubectl.kubernetes.io/default-container": "kamailio"},
        },
        "spec": spec,
    }


# ------------------------------------------------------------------------------------------------ pod


def _pod_security(edge: Edge) -> Manifest:
    security: Manifest = {
        "runAsNonRoot": True,
        "runAsUser": USER,
        "runAsGroup": USER,
        "fsGroup": USER,
        "fsGroupChangePolicy": "OnRootMismatch",
        "seccompProfile": {"type": "RuntimeDefault"},
    }
    ports = edge.spec.ports
    if not is_in_host_network(edge) and min(ports.udp, ports.tcp, ports.tls) < _PRIVILEGED_PORTS:
        # Of the pod's own network. The node's may not be changed for one pod.
        security["sysctls"] = [{"name": "net.ipv4.ip_unprivileged_port_start", "value": "0"}]
    return security


def _network(edge: Edge) -> Manifest:
    if is_in_host_network(edge):
        return {"hostNetwork": True, "dnsPolicy": "ClusterFirstWithHostNet"}
    return {"dnsPolicy": "ClusterFirst"}


def _placement(edge: Edge) -> Manifest:
    placement = edge.spec.placement
    found: Manifest = {}
    if placement.node_selector:
        found["nodeSelector"] = dict(sorted(placement.node_selector.items()))
    if placement.tolerations:
        found["tolerations"] = [
            each.model_dump(by_alias=True, exclude_none=True) for each in placement.tolerations
        ]
    return found


def _spread(edge: Edge) -> list[Manifest]:
    """Over zones, then over nodes, as far as there are some; the ports of one node hold one pod anyway."""
    return [
        {
            "maxSkew": 1,
            "topologyKey": key,
            "whenUnsatisfiable": "ScheduleAnyway",
            "labelSelector": {"matchLabels": pod_labels(edge)},
        }
        for key in ("topology.kubernetes.io/zone", "kubernetes.io/hostname")
    ]


def _volumes(settings: WorkloadSettings) -> list[Manifest]:
    sources: list[Manifest] = [
        {"serviceAccountToken": {"path": "token", "expirationSeconds": _TOKEN_SECONDS}},
        {"configMap": {"name": "kube-root-ca.crt", "items": [{"key": "ca.crt", "path": "ca.crt"}]}},
        {"downwardAPI": {"items": [{"path": "namespace", "fieldRef": _field("metadata.namespace")}]}},
    ]
    return [
        {"name": "state", "emptyDir": {"sizeLimit": settings.state_size}},
        {"name": "tmp", "emptyDir": {"medium": "Memory", "sizeLimit": "16Mi"}},
        {"name": "token", "projected": {"sources": sources, "defaultMode": 0o440}},
    ]


def _listed_addresses(edge: Edge) -> list[Manifest]:
    """A file, so that another list restarts no pod, and one that waits for an address sees it."""
    if not edge.spec.advertise.addresses:
        return []
    return [{"name": "list", "configMap": {"name": workload_name(edge), "defaultMode": 0o444}}]


# ----------------------------------------------------------------------------------------- containers


def _kamailio(edge: Edge, settings: WorkloadSettings) -> Manifest:
    """Ends only after its calls: the hook returns when none is left, or when the time is over."""
    ports = edge.spec.ports
    return {
        "name": "kamailio",
        **_common(settings, settings.kamailio_resources),
        "command": [f"{PROGRAMS}/entrypoint"],
        "env": _values({"TRUNKLINE_INSTANCE": INSTANCE, **_drain(edge)}),
        "ports": [
            {"name": "sip-udp", "containerPort": ports.udp, "protocol": "UDP"},
            {"name": "sip-tcp", "containerPort": ports.tcp, "protocol": "TCP"},
            {"name": "sips", "containerPort": ports.tls, "protocol": "TCP"},
        ],
        "lifecycle": {"preStop": {"exec": {"command": _program("drain_main.py")}}},
        # A minute of silence: an edge that is busy is not dead.
        "livenessProbe": {
            "exec": {"command": _program("alive_main.py")},
            "periodSeconds": 20,
            "timeoutSeconds": 10,
            "failureThreshold": 3,
            "terminationGracePeriodSeconds": _STUCK_SECONDS,
        },
        "volumeMounts": [_mount("state", STATE), _mount("tmp", "/tmp")],  # noqa: S108 - in the pod
    }


def _agent(edge: Edge, settings: WorkloadSettings) -> Manifest:
    ports = edge.spec.ports
    values = {
        "TRUNKLINE_EDGE": edge.metadata.name,
        "TRUNKLINE_ADVERTISE": edge.spec.advertise.type,
        "TRUNKLINE_PORTS": f"{ports.udp},{ports.tcp},{ports.tls}",
        "TRUNKLINE_HTTP_PORT": str(agent_port(edge)),
        CALLS_PER_SECOND: str(settings.capacity.calls_per_second),
        CALLS_IN_PROGRESS: str(settings.capacity.calls_in_progress),
        **_drain(edge),
    }
    if (memory := settings.kamailio_memory_mb) is not None:
        # The other half is for its processes. Beyond the limit Kamailio would be ended, with all its calls.
        values[SHARED_MEMORY] = str(memory // 2)
    if edge.spec.advertise.addresses:
        values["TRUNKLINE_ADDRESSES_FILE"] = f"{_LIST}/{ADDRESSES}"
    fields = {
        "POD_NAME": "metadata.name",
        "POD_NAMESPACE": "metadata.namespace",
        "POD_IP": "status.podIP",
        "NODE_IP": "status.hostIP",
    }
    return {
        "name": "agent",
        **_common(settings, settings.agent_resources),
        "command": ["/usr/bin/python3", "-m", "sipedge.agent"],
        "env": [
            *_values(values),
            *({"name": name, "valueFrom": {"fieldRef": _field(path)}} for name, path in fields.items()),
        ],
        "ports": [{"name": "http", "containerPort": agent_port(edge), "protocol": "TCP"}],
        "readinessProbe": _http("/readyz", period=2, failures=2),
        "livenessProbe": {
            **_http("/livez", period=10, failures=6),
            "terminationGracePeriodSeconds": _STUCK_SECONDS,
        },
        "volumeMounts": [
            _mount("state", STATE),
            _mount("tmp", "/tmp"),  # noqa: S108 - in the pod
            {**_mount("token", _TOKEN), "readOnly": True},
            *({**_mount(each["name"], _LIST), "readOnly": True} for each in _listed_addresses(edge)),
        ],
    }


def _common(settings: WorkloadSettings, resources: Mapping[str, Mapping[str, str]]) -> Manifest:
    found: Manifest = {
        "image": settings.image,
        "imagePullPolicy": settings.image_pull_policy,
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        },
        "terminationMessagePolicy": "FallbackToLogsOnError",
    }
    given = {name: dict(values) for name, values in resources.items() if values}
    return {**found, "resources": given} if given else found


def _drain(edge: Edge) -> dict[str, str]:
    return {"TRUNKLINE_DRAIN_SECONDS": str(edge.spec.drain.max_seconds)}


def _program(name: str) -> list[str]:
    return ["/usr/bin/python3", f"{PROGRAMS}/{name}"]


def _values(values: Mapping[str, str]) -> list[Manifest]:
    return [{"name": name, "value": value} for name, value in values.items()]


def _field(path: str) -> Manifest:
    return {"apiVersion": "v1", "fieldPath": path}


def _mount(name: str, path: str) -> Manifest:
    return {"name": name, "mountPath": path}


def _http(path: str, *, period: int, failures: int) -> Manifest:
    probe: dict[str, Any] = {"httpGet": {"path": path, "port": "http"}}
    return {**probe, "periodSeconds": period, "timeoutSeconds": 3, "failureThreshold": failures}
