"""Taking an installation out of a cluster: what goes, in which order, and how long pods may take.

User objects and CRDs stay, and so do two Secrets of the operator's namespace: the CA, which PBXs trust, and
the installation's id, by which a later installation knows its DNS records again.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

from trunkline.plan.dns_records import EdgeSite
from trunkline.plan.workload_names import MANAGED_BY

SELECTOR: Final = ",".join(f"{label}={value}" for label, value in MANAGED_BY.items())
"""What finds all that the operator has made; objects of the chart have another manager."""

ORDER: Final = (
    "StatefulSet",
    "Pod",
    "PodDisruptionBudget",
    "NetworkPolicy",
    "Service",
    "Lease",
    "Secret",
    "ConfigMap",
    "RoleBinding",
    "Role",
    "ServiceAccount",
)
"""Kinds in the edge namespace. Pods first, but for what would make new ones; they need the rest to drain."""

_DURATION: Final = re.compile(r"(\d+)(s|m|h)?")
_UNITS: Final = {"s": 1, "m": 60, "h": 3600, None: 1}


def duration_seconds(text: str) -> int:
    """`30s`, `5m`, `1h` or plain seconds. Raises ValueError."""
    found = _DURATION.fullmatch(text.strip())
    if found is None:
        raise ValueError(f"{text!r} is no duration: write 30s, 5m or 1h")
    return int(found[1]) * _UNITS[found[2]]


def pod_grace(pod: Mapping[str, Any], drain_seconds: int) -> int:
    """How long a pod's calls may go on, in seconds: its own time, but at most `drain_seconds`.

    Never 0: that would drop the pod from the API while it still runs.
    """
    own = pod.get("spec", {}).get("terminationGracePeriodSeconds")
    return max(1, drain_seconds if own is None else min(int(own), drain_seconds))


def named_sites(edges: Iterable[Mapping[str, Any]]) -> tuple[EdgeSite, ...]:
    """What DNS may hold of Edges as the API server has them: every address that they list or show."""
    sites = []
    for edge in edges:
        spec, status = edge.get("spec") or {}, edge.get("status") or {}
        shown = (each.get("address", "") for each in status.get("addresses") or ())
        listed = (spec.get("advertise") or {}).get("addresses") or ()
        addresses = tuple(dict.fromkeys(filter(None, (*listed, *shown))))
        sites.append(EdgeSite(edge["metadata"]["name"], spec.get("region"), addresses, addresses))
    return tuple(sites)


def deployed_environment(deployment: Mapping[str, Any] | None) -> dict[str, str]:
    """The plain environment variables of the operator's Deployment: how this installation is set."""
    containers = (deployment or {}).get("spec", {}).get("template", {}).get("spec", {}).get(
        "containers"
    ) or ()
    return {
        each["name"]: each["value"]
        for container in containers
        for each in container.get("env") or ()
        if "value" in each
    }
