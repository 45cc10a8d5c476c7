"""Why an edge pod does not start, in words, from what the kubelet and the scheduler say of it."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterable, Mapping
from typing import Any, Final

from trunkline.status.conditions import Opinion
from trunkline.status.foreign_text import foreign_text
from trunkline.status.reasons import StatusReason

_IMAGE_REASONS: Final = frozenset(
    {"ErrImagePull", "ImagePullBackOff", "ErrImageNeverPull", "InvalidImageName", "ImageInspectError"}
)
"""The kubelet changes between some of these while it tries, so they are told in the same words."""
_IMAGES: Final[Mapping[str, str]] = {"recorder": "recordings"}
"""By container, what the chart calls an image that is not the edge's."""
_CRASHES: Final = "CrashLoopBackOff"
_BEGINNINGS: Final = frozenset({"ContainerCreating", "PodInitializing", ""})
_MOST_NAMED: Final = 3
_LONGEST_MESSAGE: Final = 300


def pod_fault(pod: Mapping[str, Any]) -> str:
    """What keeps a Pod, as the API server has it, from starting, and the mend; "" if nothing does."""
    metadata, status = pod["metadata"], pod.get("status") or {}
    if metadata.get("deletionTimestamp"):
        return ""
    for condition in status.get("conditions") or ():
        if condition["type"] == "PodScheduled" and condition.get("reason") == "Unschedulable":
            said = _cut(condition.get("message", ""))
            return (
                f"pod {metadata['name']} has no node: {said} (see spec.placement and spec.ports of the Edge)"
            )
    # A sidecar that cannot start keeps the others from being started at all.
    sidecars, others = (status.get(name) or () for name in ("initContainerStatuses", "containerStatuses"))
    for container in (*sidecars, *others):
        if fault := _container_fault(container):
            return f"pod {metadata['name']}: {fault}"
    return ""


def deployed(faults: Iterable[str]) -> Opinion | None:
    """`Deployed=False` with the faults of an Edge's pods; None, so no such condition, if there are none."""
    told = sorted(filter(None, faults))
    if not told:
        return None
    more = f"; and {len(told) - _MOST_NAMED} more" if len(told) > _MOST_NAMED else ""
    message = "; ".join(told[:_MOST_NAMED]) + more
    return Opinion("Deployed", "False", StatusReason.POD_DOES_NOT_START, message)


def _container_fault(container: Mapping[str, Any]) -> str:
    name, waiting = container["name"], (container.get("state") or {}).get("waiting") or {}
    reason = waiting.get("reason", "")
    if reason in _IMAGE_REASONS:
        value = f"{_IMAGES.get(name, 'edge')}.image"
        return (
            f"the image {container['image']} of container {name} cannot be pulled: set {value} of the chart "
            "to one that the nodes can pull, or go back with `helm rollback`"
        )
    if reason == _CRASHES:
        last = (container.get("lastState") or {}).get("terminated") or {}
        words = _last_words(last.get("message") or "")
        return f"container {name} keeps exiting, last with exit code {last.get('exitCode')}: {words}"
    if reason in _BEGINNINGS:
        return ""
    return f"container {name} does not start: {reason}: {_cut(waiting.get('message', ''))}"


def _last_words(log: str) -> str:
    """What a container logged last, in which programs of ours say why they end."""
    line = next((line for line in reversed(log.splitlines()) if line.strip()), "")
    with contextlib.suppress(ValueError, KeyError, TypeError):
        line = str(json.loads(line)["message"])
    return _cut(line) or "see its log"


def _cut(text: str) -> str:
    # A container's last words may be those of a stranger on the wire.
    return foreign_text(text, _LONGEST_MESSAGE)
