"""The pod of an Edge: Kamailio and its agent, which share one directory and the network.

Beside them is what media needs (`media_containers`). All run without any privilege. Only the agent talks to
the API server, so only it has a token.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from sipedge.b2bua_settings import DEFAULT_RECOVERY_CALLS, b2bua_port
from sipedge.contract import (
    CALLS_IN_PROGRESS,
    CALLS_PER_SECOND,
    MEDIA_PORTS,
    MEDIA_SPOOL,
    MEDIA_SPOOL_BYTES,
    OTLP_ENDPOINT,
    RECORDINGS_URL,
    RECOVERY_CALLS,
    SHARED_MEMORY,
    STIR_FILES,
    STIR_SECRET,
)
from trunkline.api import Edge
from trunkline.plan.agent_ports import AGENT, HTTP, agent_ports
from trunkline.plan.container import (
    INSTANCE,
    STATE,
    STUCK_SECONDS,
    alive,
    common,
    field,
    http_probe,
    mount,
    tmp,
    values,
)
from trunkline.plan.media_containers import SPOOL, media_containers, media_volumes, spool_mount
from trunkline.plan.pod_options import with_options
from trunkline.plan.workload_names import (
    Manifest,
    is_in_host_network,
    object_labels,
    pod_labels,
    workload_name,
)
from trunkline.plan.workload_settings import WorkloadSettings, bytes_of

USER: Final = 10001
"""Both containers: they share LMDB and Kamailio's control socket. The image has the same user."""

PROGRAMS: Final = "/opt/trunkline/kamailio"
"""Where the image has Kamailio's configuration and the programs beside it."""

ADDRESSES: Final = "addresses"
"""Key of a Static Edge's ConfigMap: the addresses that it lists, with commas between."""

_LIST: Final = "/etc/sipedge"
"""Where the agent finds that list."""

_STIR: Final = "/etc/sipedge-stir"
"""Where the agent finds what it signs calls with."""

STOP_SECONDS: Final = 45
"""Beside the drain: leaving DNS, stopping, and the agent's last word."""
RECORDER_SECONDS: Final = 60
"""After both: what the recorder has at least to store what calls that were cut have left."""

_TOKEN: Final = "/var/run/secrets/kubernetes.io/serviceaccount"  # noqa: S105 - a path
_TOKEN_SECONDS: Final = 3607
_PRIVILEGED_PORTS: Final = 1024


def agent_port(edge: Edge) -> int:
    """Where the agent tells of readiness, liveness and metrics."""
    name = edge.metadata.name
    return agent_ports([edge], {})[name]


def pod_template(edge: Edge, settings: WorkloadSettings, nodes: Sequence[str]) -> Manifest:
    """The template of the StatefulSet; `nodes` are the only ones that it may run on, if any are given."""
    spec: Manifest = {
        "serviceAccountName": workload_name(edge),
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "terminationGracePeriodSeconds": _grace(edge),
        "securityContext": _pod_security(edge),
        **_network(edge),
        **_placement(edge),
        **_affinity(nodes),
        "topologySpreadConstraints": _spread(edge),
        "initContainers": [*media_containers(settings, _grace(edge)), _b2bua(edge, settings)],
        "containers": [_kamailio(edge, settings), _agent(edge, settings)],
        "volumes": [
            *_volumes(settings),
            *media_volumes(settings),
            *_listed_addresses(edge),
            *_stir_files(settings),
        ],
    }
    if settings.image_pull_secrets:
        spec["imagePullSecrets"] = [{"name": name} for name in settings.image_pull_secrets]
    if settings.priority_class:
        spec["priorityClassName"] = settings.priority_class
    metadata = {
        "labels": object_labels(edge),
        "annotations": {"kubectl.kubernetes.io/default-container": "kamailio"},
    }
    return with_options({"metadata": metadata, "spec": spec}, settings.pods)


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


def _affinity(nodes: Sequence[str]) -> Manifest:
    if not nodes:
        return {}
    terms = [
        {"matchFields": [{"key": "metadata.name", "operator": "In", "values": [node]}]} for node in nodes
    ]
    needed = {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": terms}}
    return {"affinity": {"nodeAffinity": needed}}


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
        {"downwardAPI": {"items": [{"path": "namespace", "fieldRef": field("metadata.namespace")}]}},
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


def _stir_files(settings: WorkloadSettings) -> list[Manifest]:
    """For the agent alone: Kamailio's container has no key that calls are signed with."""
    if not settings.stir_shaken:
        return []
    # The pod does not wait for it: calls go on without a signature.
    return [{"name": "stir", "secret": {"secretName": STIR_SECRET, "optional": True, "defaultMode": 0o440}}]


# ----------------------------------------------------------------------------------------- containers


def _kamailio(edge: Edge, settings: WorkloadSettings) -> Manifest:
    """Ends only after its calls: the hook returns when none is left, or when the time is over."""
    ports = edge.spec.ports
    return {
        **common(settings, "kamailio"),
        "command": [f"{PROGRAMS}/entrypoint"],
        "env": values({"TRUNKLINE_INSTANCE": INSTANCE, **_drain(edge)}),
        "ports": [
            {"name": "sip-udp", "containerPort": ports.udp, "protocol": "UDP"},
            {"name": "sip-tcp", "containerPort": ports.tcp, "protocol": "TCP"},
            {"name": "sips", "containerPort": ports.tls, "protocol": "TCP"},
        ],
        "lifecycle": {"preStop": {"exec": {"command": _program("drain_main.py")}}},
        # A minute of silence: an edge that is busy is not dead.
        "livenessProbe": alive(_program("alive_main.py"), period=20),
        "volumeMounts": [mount("state", STATE), tmp()],
    }


def _b2bua(edge: Edge, settings: WorkloadSettings) -> Manifest:
    """Transfers and instructs calls, and ends after the last of them: a sidecar, as the relay is.

    Its journal, and the sounds that the relay plays, are in the volume that the pod's containers share; what
    it records goes into the spool.
    """
    return {
        **common(settings, "b2bua"),
        "restartPolicy": "Always",
        "command": ["/usr/bin/python3", "-S", "-m", "sipedge.container", "b2bua"],
        "env": values({"TRUNKLINE_INSTANCE": INSTANCE}),
        # Nobody outside the pod calls it: so no pod is put where another has this port of the node.
        "ports": [{"name": "b2bua", "containerPort": b2bua_port(edge.spec.ports.udp), "protocol": "UDP"}],
        "volumeMounts": [mount("state", STATE), tmp(), spool_mount()],
    }


def _agent(edge: Edge, settings: WorkloadSettings) -> Manifest:
    ports, media = edge.spec.ports, edge.spec.media
    told = {
        "TRUNKLINE_EDGE": edge.metadata.name,
        "TRUNKLINE_ADVERTISE": edge.spec.advertise.type,
        "TRUNKLINE_PORTS": f"{ports.udp},{ports.tcp},{ports.tls}",
        "TRUNKLINE_HTTP_PORT": str(agent_port(edge)),
        CALLS_PER_SECOND: str(settings.capacity.calls_per_second),
        CALLS_IN_PROGRESS: str(settings.capacity.calls_in_progress),
        MEDIA_PORTS: f"{media.first_port}-{media.last_port}",
        MEDIA_SPOOL: SPOOL,
        **_spool_bytes(settings),
        **_drain(edge),
    }
    if (memory := settings.kamailio_memory_mb) is not None:
        # The other half is for its processes. Beyond the limit Kamailio would be ended, with all its calls.
        told[SHARED_MEMORY] = str(memory // 2)
    if settings.capacity.recovery_calls != DEFAULT_RECOVERY_CALLS:
        told[RECOVERY_CALLS] = str(settings.capacity.recovery_calls)
    if settings.recordings.place:
        told[RECORDINGS_URL] = settings.recordings.place
    if settings.otlp_endpoint:
        told[OTLP_ENDPOINT] = settings.otlp_endpoint
    if edge.spec.advertise.addresses:
        told["TRUNKLINE_ADDRESSES_FILE"] = f"{_LIST}/{ADDRESSES}"
    if settings.stir_shaken:
        told[STIR_FILES] = _STIR
    fields = {
        "POD_NAME": "metadata.name",
        "POD_NAMESPACE": "metadata.namespace",
        "POD_IP": "status.podIP",
        "NODE_IP": "status.hostIP",
    }
    return {
        **common(settings, AGENT),
        "command": ["/usr/bin/python3", "-m", "sipedge.agent"],
        "env": [
            *values(told),
            *({"name": name, "valueFrom": {"fieldRef": field(path)}} for name, path in fields.items()),
        ],
        "ports": [
            {"name": HTTP, "containerPort": agent_port(edge), "protocol": "TCP"},
            {"name": "tallies", "containerPort": agent_port(edge), "protocol": "UDP"},
        ],
        "readinessProbe": http_probe("/readyz", period=2, failures=2),
        "livenessProbe": {
            **http_probe("/livez", period=10, failures=6),
            "terminationGracePeriodSeconds": STUCK_SECONDS,
        },
        "volumeMounts": [
            mount("state", STATE),
            tmp(),
            spool_mount(),
            mount("token", _TOKEN, read_only=True),
            *(mount(each["name"], _LIST, read_only=True) for each in _listed_addresses(edge)),
            *(mount(each["name"], _STIR, read_only=True) for each in _stir_files(settings)),
        ],
    }


def _spool_bytes(settings: WorkloadSettings) -> dict[str, str]:
    most = bytes_of(settings.recordings.spool_size)
    return {} if most is None else {MEDIA_SPOOL_BYTES: str(most)}


def _grace(edge: Edge) -> int:
    """How long the pod may take to end, in seconds. It ends as soon as all is done."""
    return edge.spec.drain.max_seconds + STOP_SECONDS + RECORDER_SECONDS


def _drain(edge: Edge) -> dict[str, str]:
    return {"TRUNKLINE_DRAIN_SECONDS": str(edge.spec.drain.max_seconds)}


def _program(name: str) -> list[str]:
    return ["/usr/bin/python3", f"{PROGRAMS}/{name}"]
