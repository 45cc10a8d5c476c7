"""How the objects of an Edge are named and marked in a cluster."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from sipedge.contract import EDGE_LABEL as EDGE_LABEL
from trunkline.api import API_VERSION, Edge
from trunkline.plan.workload_settings import WorkloadSettings

Manifest = dict[str, Any]

MANAGER: Final = "trunkline"
MANAGED_BY: Final[Mapping[str, str]] = {"app.kubernetes.io/managed-by": MANAGER}
"""The label on everything that the operator makes: by it an uninstallation finds that again."""

_POD_NAME: Final = re.compile(r"edge-(.+)-(0|[1-9][0-9]{0,8})", re.ASCII)

HOST_NETWORK_TYPES: Final = frozenset({"Static", "HostNetwork"})
"""What of `advertise.type` runs in the network of the node."""


def workload_name(edge: Edge) -> str:
    """The name that all single objects of an Edge have; pods and Leases append their number."""
    return f"edge-{edge.metadata.name}"


def pod_names(edge: Edge) -> tuple[str, ...]:
    """The names of the pods, each also that of its Lease."""
    return tuple(f"{workload_name(edge)}-{number}" for number in range(replicas(edge)))


def place_of_pod(name: str) -> tuple[str, int] | None:
    """The name of the Edge that a pod or Lease of this name belongs to, and its number; None if to none.

    The API server lets an agent write on Leases of certain names. Their labels are the agent's word.
    """
    found = _POD_NAME.fullmatch(name)
    return (found[1], int(found[2])) if found else None


def replicas(edge: Edge) -> int:
    """How many pods the Edge has: one for each address where it lists them."""
    return edge.spec.instances


def is_in_host_network(edge: Edge) -> bool:
    """True if the pods use the addresses and ports of their node."""
    return edge.spec.advertise.type in HOST_NETWORK_TYPES


def pod_labels(edge: Edge) -> dict[str, str]:
    """What finds the pods of an Edge. A StatefulSet's selector cannot be changed: never add to it."""
    return {"app.kubernetes.io/name": "trunkline-edge", EDGE_LABEL: edge.metadata.name}


def object_labels(edge: Edge) -> dict[str, str]:
    """On everything that an Edge consists of, pods included."""
    return {
        **pod_labels(edge),
        **MANAGED_BY,
        "app.kubernetes.io/part-of": "trunkline",
    }


def manifest(
    api_version: str, kind: str, name: str, edge: Edge, settings: WorkloadSettings, **content: Any
) -> Manifest:
    """One object of an Edge. It ends with the Edge, also while no operator runs."""
    metadata: Manifest = {
        "name": name,
        "namespace": settings.namespace,
        "labels": object_labels(edge),
    }
    if edge.metadata.uid:
        metadata["ownerReferences"] = [
            {
                "apiVersion": API_VERSION,
                "kind": Edge.kind,
                "name": edge.metadata.name,
                "uid": edge.metadata.uid,
                "controller": True,
            }
        ]
    return {"apiVersion": api_version, "kind": kind, "metadata": metadata, **content}
