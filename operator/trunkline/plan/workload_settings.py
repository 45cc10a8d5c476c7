"""What the platform says of all edge pods alike."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from sipedge.capacity import Capacity
from trunkline.plan.pod_options import PodOptions

_MULTIPLES: Final = {
    **{f"{letter}i": 1024 ** (power + 1) for power, letter in enumerate("KMGT")},
    **{letter: 1000 ** (power + 1) for power, letter in enumerate("kMGT")},
    "": 1,
}
"""Suffixes of a quantity of bytes in Kubernetes."""


def bytes_of(quantity: str) -> int | None:
    """Bytes of a quantity as Kubernetes writes it (`1.5Gi`); None for what cannot be read here."""
    number = quantity.rstrip("KMGTki")
    try:
        return int(float(number) * _MULTIPLES[quantity.removeprefix(number)])
    except (KeyError, ValueError, OverflowError):
        return None


Resources = Mapping[str, Mapping[str, str]]
"""`requests` and `limits` as in a container; quantities in their shortest form (`1`, not `1000m`)."""


DEFAULT_RESOURCES: Final[Mapping[str, Resources]] = {
    "kamailio": {"requests": {"cpu": "250m", "memory": "384Mi"}},
    "agent": {"requests": {"cpu": "50m", "memory": "64Mi"}},
    "b2bua": {"requests": {"cpu": "20m", "memory": "64Mi"}},
    "rtpengine": {"requests": {"cpu": "100m", "memory": "192Mi"}},
    "valkey": {"requests": {"cpu": "10m", "memory": "32Mi"}},
    "recorder": {"requests": {"cpu": "20m", "memory": "128Mi"}},
}
"""Every container of an edge pod. No limit of memory: beyond it, all calls, or their media, would be lost."""


VOLUME: Final = "/var/lib/recordings"
"""Where the recorder sees the volume for recordings."""


@dataclass(frozen=True, slots=True)
class Recordings:
    """How recordings are made, and where they go whose Account has no place of its own."""

    url: str = ""
    """`s3://bucket/prefix`, or `file:///path` on the volume; empty = the volume, if there is one."""
    endpoint: str = ""
    """Of a bucket: `https://host[:port]`; empty = Amazon's."""
    region: str = ""
    secret: str = ""
    """A Secret of the edge namespace with the bucket's `accessKeyId` and `secretAccessKey`; empty = none."""
    retention_days: int = 0
    """What lies longer on the volume is deleted; 0 = nothing. A bucket has lifecycle rules of its own."""
    claim: str = ""
    """A PersistentVolumeClaim of the edge namespace; empty = there is no volume."""
    spool_size: str = "20Gi"
    """The most that packets of a pod that wait for its recorder may use of its node's disk."""
    image: str = "trunkline/recorder:latest"
    """Of the recorder."""

    @property
    def place(self) -> str:
        """The URL of where they go; "" if there is none."""
        return self.url or (f"file://{VOLUME}" if self.claim else "")

    @property
    def fault(self) -> str:
        """Why `url` cannot be used, and the mend; "" if it can."""
        if not self.url or re.fullmatch(r"s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](/[\x21-\x7e]*)?", self.url):
            return ""
        if not re.fullmatch(rf"file://{VOLUME}(/[A-Za-z0-9_-][A-Za-z0-9._-]*)*", self.url):
            return f"{self.url!r} is not a place for recordings: write s3://BUCKET/PREFIX or file://{VOLUME}"
        return (
            ""
            if self.claim
            else f"{self.url!r} is on the volume for recordings, and there is no claim of one"
        )


@dataclass(frozen=True, slots=True)
class WorkloadSettings:
    """Chosen once for an installation, by whoever installs it."""

    namespace: str
    """The edge namespace."""
    image: str
    """Of every container but the recorder."""
    image_pull_policy: str = "IfNotPresent"
    image_pull_secrets: tuple[str, ...] = ()
    """Names of Secrets in the edge namespace."""
    priority_class: str = ""
    """Of the pods; empty = the cluster's default."""
    resources: Mapping[str, Resources] = field(default_factory=lambda: DEFAULT_RESOURCES)
    """By container."""
    capacity: Capacity = field(default_factory=Capacity)
    """Of each pod. Another one restarts the pods, one at a time."""
    stir_shaken: bool = False
    """True: the agents are given what they sign calls with. A change restarts the pods, one at a time."""
    otlp_endpoint: str = ""
    """Where pods send call records by OTLP; empty = nowhere. Another one restarts the pods."""
    state_size: str = "4Gi"
    """The most that a pod may write to its node's disk: its copy of the table, and certificates."""
    recordings: Recordings = field(default_factory=Recordings)
    pods: PodOptions = field(default_factory=PodOptions)
    """What is added to every pod."""

    @property
    def kamailio_memory_mb(self) -> int | None:
        """Kamailio's limit of memory in MB; None = it has none, or none that can be read here."""
        found = bytes_of(self.resources["kamailio"].get("limits", {}).get("memory", ""))
        return None if found is None else found // 1024**2
