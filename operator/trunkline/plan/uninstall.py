"""Taking an installation out of a cluster: what goes, in which order, and how long pods may take.

User objects and CRDs stay, and so do two Secrets of the operator's namespace: the CA, which PBXs trust, and
the installation's id, by which a later installation knows its DNS records again.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
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
"""Kinds in the edge namespace. Pods end before all but what would make new ones; they need it to drain."""

_DURATION: Final = re.compile(r"(\d+)(s|m|h)?")
_UNITS: Final = {"s": 1, "m": 60, "h": 3600, None: 1}

STALL_SECONDS: Final = 60.0
"""Work on many objects of which none gets done for so long is given up."""
_FAULTS_TOLD: Final = 5


@dataclass(frozen=True, slots=True)
class Bound:
    """How long work on many objects may go on: while it gets on, and no longer than until `ends`.

    All times are seconds of one clock, whichever; `ends` may be infinite.
    """

    ends: float

    def seconds_left(self, progressed: float, now: float) -> float:
        """How long to wait for the next object to be done, the last one having been at `progressed`."""
        return max(0.0, min(progressed + STALL_SECONDS, self.ends) - now)

    def fault(self, progressed: float, now: float) -> str:
        """Why to give up; "" = go on."""
        if now >= self.ends:
            return "the time of --timeout is up"
        if now >= progressed + STALL_SECONDS:
            return f"the API server has taken none for {STALL_SECONDS:.0f} s"
        return ""


def told_left(left: Mapping[str, int], why: str) -> tuple[str, ...]:
    """What to say of objects, counted by kind, whose status could not be changed."""
    counted = ", ".join(f"{number} of kind {kind}" for kind, number in sorted(left.items()) if number)
    if not counted:
        return ()
    return (
        f"{counted} may still say Ready=True: {why}. `trunkline uninstall` once more, without --timeout, "
        "changes these too; it needs no operator",
    )


def told_faults(faults: Sequence[str]) -> tuple[str, ...]:
    """The first few of them, and how many more there are: they mostly have one cause."""
    more = len(faults) - _FAULTS_TOLD
    return (*faults[:_FAULTS_TOLD], *([f"and {more} more"] if more > 0 else []))


def duration_seconds(text: str) -> int:
    """`30s`, `5m`, `1h` or plain seconds. Raises ValueError."""
    found = _DURATION.fullmatch(text.strip())
    if found is None:
        raise ValueError(f"{text!r} is not a duration: write 30s, 5m or 1h")
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


def edges_served_by_hand(edges: Iterable[Mapping[str, Any]]) -> tuple[str, ...]:
    """Names of Edges whose DNS records somebody entered by hand: nobody else can remove them."""
    found = (each["metadata"]["name"] for each in edges if (each.get("status") or {}).get("dnsRecords"))
    return tuple(sorted(found))


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
