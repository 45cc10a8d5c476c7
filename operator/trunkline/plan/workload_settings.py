"""What the platform says of all edge pods alike."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from sipedge.capacity import Capacity

_MULTIPLES: Final = {
    **{f"{letter}i": 1024 ** (power + 1) for power, letter in enumerate("KMGT")},
    **{letter: 1000 ** (power + 1) for power, letter in enumerate("kMGT")},
    "": 1,
}
"""Suffixes of a quantity of memory in Kubernetes."""

Resources = Mapping[str, Mapping[str, str]]
"""`requests` and `limits` as in a container; quantities in their shortest form (`1`, not `1000m`)."""


@dataclass(frozen=True, slots=True)
class WorkloadSettings:
    """Chosen once for an installation, by whoever installs it."""

    namespace: str
    """The edge namespace."""
    image: str
    """Of Kamailio and the agent."""
    image_pull_policy: str = "IfNotPresent"
    image_pull_secrets: tuple[str, ...] = ()
    """Names of Secrets in the edge namespace."""
    priority_class: str = ""
    """Of the pods; empty = the cluster's default."""
    kamailio_resources: Resources = field(
        default_factory=lambda: {"requests": {"cpu": "250m", "memory": "384Mi"}}
    )
    """No limit of memory by default: beyond it, all calls of the pod would be lost at once."""
    agent_resources: Resources = field(default_factory=lambda: {"requests": {"cpu": "50m", "memory": "64Mi"}})
    capacity: Capacity = field(default_factory=Capacity)
    """Of each pod. Another one restarts the pods, one at a time."""
    state_size: str = "4Gi"
    """The most that a pod may write to its node's disk: its copy of the table, and certificates."""

    @property
    def kamailio_memory_mb(self) -> int | None:
        """Kamailio's limit of memory in MB; None = it has none, or none that can be read here."""
        text = self.kamailio_resources.get("limits", {}).get("memory", "")
        number = text.rstrip("KMGTki")
        try:
            return int(float(number) * _MULTIPLES[text.removeprefix(number)] // 1024**2)
        except (KeyError, ValueError, OverflowError):
            return None
