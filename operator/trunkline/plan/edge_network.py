"""How the pods of an Edge are reached from inside the cluster, and what may reach them."""

from __future__ import annotations

from typing import Final

from trunkline.api import Edge
from trunkline.plan.edge_pod import ADDRESSES, agent_port
from trunkline.plan.workload_names import (
    Manifest,
    is_in_host_network,
    manifest,
    pod_labels,
    workload_name,
)
from trunkline.plan.workload_settings import WorkloadSettings

_DNS_PORT: Final = 53
_LINK_LOCAL: Final = (("0.0.0.0/0", "169.254.0.0/16"), ("::/0", "fe80::/10"))
"""All addresses of a family, and those of them where clouds keep credentials of machines."""


def listed_addresses(edge: Edge, settings: WorkloadSettings) -> tuple[Manifest, ...]:
    """What agents choose from: each takes the address that its node has. Static only."""
    addresses = edge.spec.advertise.addresses
    if not addresses:
        return ()
    data = {ADDRESSES: ",".join(addresses)}
    return (manifest("v1", "ConfigMap", workload_name(edge), edge, settings, data=data),)


def service(edge: Edge, settings: WorkloadSettings) -> Manifest:
    """Headless: a call must go to one pod and stay there, so nothing may balance between them."""
    ports = edge.spec.ports
    spec: Manifest = {
        "clusterIP": "None",
        "selector": pod_labels(edge),
        "ports": [
            {"name": "sip-udp", "port": ports.udp, "targetPort": ports.udp, "protocol": "UDP"},
            {"name": "sip-tcp", "port": ports.tcp, "targetPort": ports.tcp, "protocol": "TCP"},
            {"name": "sips", "port": ports.tls, "targetPort": ports.tls, "protocol": "TCP"},
        ],
    }
    return manifest("v1", "Service", workload_name(edge), edge, settings, spec=spec)


def network_policies(edge: Edge, settings: WorkloadSettings) -> tuple[Manifest, ...]:
    """SIP and media from everywhere, metrics from the cluster, counts from the Edge's other pods, no more.

    No call to a link-local address. None for pods in the network of their node: no NetworkPolicy applies
    there, and one would only pretend.
    """
    if is_in_host_network(edge):
        return ()
    ports, media = edge.spec.ports, edge.spec.media
    calls = [
        {"port": ports.udp, "protocol": "UDP"},
        {"port": ports.tcp, "protocol": "TCP"},
        {"port": ports.tls, "protocol": "TCP"},
        {"port": media.first_port, "endPort": media.last_port, "protocol": "UDP"},
    ]
    spec: Manifest = {
        "podSelector": {"matchLabels": pod_labels(edge)},
        "policyTypes": ["Ingress", "Egress"],
        "ingress": [
            {"ports": calls},
            {
                "from": [{"namespaceSelector": {}}],
                "ports": [{"port": agent_port(edge), "protocol": "TCP"}],
            },
            # What its pods count together they tell one another; messages are sealed.
            {
                "from": [{"podSelector": {"matchLabels": pod_labels(edge)}}],
                "ports": [{"port": agent_port(edge), "protocol": "UDP"}],
            },
        ],
        "egress": [
            # The name server of a node may have a link-local address.
            {"ports": [{"port": _DNS_PORT, "protocol": protocol} for protocol in ("UDP", "TCP")]},
            {"to": [{"ipBlock": {"cidr": cidr, "except": [excepted]}} for cidr, excepted in _LINK_LOCAL]},
        ],
    }
    return (
        manifest("networking.k8s.io/v1", "NetworkPolicy", workload_name(edge), edge, settings, spec=spec),
    )
