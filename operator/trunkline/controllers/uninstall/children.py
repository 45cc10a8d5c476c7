"""Removing what operators have made in the edge namespace."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from typing import Final

from trunkline.controllers.uninstall.installed import MADE, Installed, patiently
from trunkline.kube.client import Manifest
from trunkline.kube.faults import ConflictError
from trunkline.kube.paths import PODS, STATEFUL_SETS, Kind
from trunkline.plan.uninstall import pod_grace

_POD_MARGIN_SECONDS: Final = 30.0
"""Beside the drain: for the kubelet to notice, and to end what does not end by itself."""
_LOOK_SECONDS: Final = 0.5


async def remove_children(installed: Installed, drain_seconds: int) -> None:
    """Pods first, each when its last call is over or `drain_seconds` are; then the rest. Raises KubeError."""
    await _remove(installed, STATEFUL_SETS)
    await _end_pods(installed, drain_seconds)
    for kind in MADE:
        if kind != PODS:
            await _remove(installed, kind)


async def _end_pods(installed: Installed, drain_seconds: int) -> None:
    namespace = installed.settings.edge_namespace
    asked: set[str] = set()
    ends = time.monotonic() + drain_seconds + _POD_MARGIN_SECONDS
    while pods := await patiently(lambda: installed.made(PODS)):
        if time.monotonic() > ends:
            installed.tell(
                f"WARNING: pods that do not end: {_names(pods)} in {namespace}. Look at their nodes; a "
                "pod of a node that will not come back goes with `kubectl delete pod --force`"
            )
            return
        new = [each for each in pods if each["metadata"]["uid"] not in asked]
        if new:
            installed.tell(f"draining for at most {drain_seconds} s: {_names(pods)}")
        await asyncio.gather(*(_end_pod(installed, each, drain_seconds) for each in new))
        asked |= {each["metadata"]["uid"] for each in new}
        await asyncio.sleep(_LOOK_SECONDS)


def _names(pods: Sequence[Manifest]) -> str:
    return ", ".join(sorted(each["metadata"]["name"] for each in pods))


async def _end_pod(installed: Installed, pod: Manifest, drain_seconds: int) -> None:
    metadata = pod["metadata"]
    grace = pod_grace(pod, drain_seconds)
    try:
        await installed.client.delete(
            PODS, metadata["namespace"], metadata["name"], metadata["uid"], grace_seconds=grace
        )
    except ConflictError:
        pass  # another pod has its name by now, and is found in the next round


async def _remove(installed: Installed, kind: Kind) -> None:
    await patiently(lambda: _remove_once(installed, kind))


async def _remove_once(installed: Installed, kind: Kind) -> None:
    found = await installed.made(kind)
    namespace = installed.settings.edge_namespace
    await asyncio.gather(
        *(installed.client.delete(kind, namespace, each["metadata"]["name"]) for each in found)
    )
    if found:
        installed.tell(f"removed {len(found)} of kind {kind.name}")
