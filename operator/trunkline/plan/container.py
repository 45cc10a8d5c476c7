"""What containers of an edge pod have in common, and short ways to write their fields."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from trunkline.plan.workload_names import Manifest
from trunkline.plan.workload_settings import WorkloadSettings

STATE: Final = "/var/lib/sipedge"
"""The volume that the containers of the edge image share."""
INSTANCE: Final = f"{STATE}/instance.json"
"""Written by the agent; the others wait for it."""
STUCK_SECONDS: Final = 15
"""What a container that fails its liveness probe gets: the pod's own grace is for calls, and it has none."""


def common(settings: WorkloadSettings, name: str, image: str = "") -> Manifest:
    """Fields of every container: its image, the edge's unless another is given, and no privilege at all."""
    found: Manifest = {
        "name": name,
        "image": image or settings.image,
        "imagePullPolicy": settings.image_pull_policy,
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        },
        "terminationMessagePolicy": "FallbackToLogsOnError",
    }
    given = {kind: dict(quantities) for kind, quantities in settings.resources[name].items() if quantities}
    return {**found, "resources": given} if given else found


def values(given: Mapping[str, str]) -> list[Manifest]:
    """Variables of the environment."""
    return [{"name": name, "value": value} for name, value in given.items()]


def field(path: str) -> Manifest:
    """A field of the pod itself."""
    return {"apiVersion": "v1", "fieldPath": path}


def mount(name: str, path: str, *, read_only: bool = False) -> Manifest:
    """Where a volume is seen."""
    return {"name": name, "mountPath": path, **({"readOnly": True} if read_only else {})}


def tmp() -> Manifest:
    """The mount of what no container keeps: a few files in memory."""
    return mount("tmp", "/tmp")  # noqa: S108 - in the pod


def alive(command: list[str], *, period: int) -> Manifest:
    """A liveness probe that runs a program in the container."""
    return {
        "exec": {"command": command},
        "periodSeconds": period,
        "timeoutSeconds": 10,
        "failureThreshold": 3,
        "terminationGracePeriodSeconds": STUCK_SECONDS,
    }


def http_probe(path: str, *, period: int, failures: int) -> Manifest:
    """A probe that asks the agent for a page."""
    probe: dict[str, Any] = {"httpGet": {"path": path, "port": "http"}}
    return {**probe, "periodSeconds": period, "timeoutSeconds": 3, "failureThreshold": failures}
