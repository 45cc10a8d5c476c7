"""Removing what operators have made in the edge namespace."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from functools import partial
from typing import Final

from trunkline.controllers.uninstall.installed import MADE, Installed, patiently
from trunkline.kube.client import Manifest
from trunkline.kube.faults import ConflictError
from trunkline.kube.paths import PODS, STATEFUL_SETS, Kind
from trunkline.plan.uninstall import pod_grace
from trunkline.tls.issuer import CERTIFICATES

_POD_MARGIN_SECONDS: Final = 30.0
"""Beside the drain: for the kubelet to notice, and to end what does not end by itself."""
_LOOK_SECONDS: Final = 0.5


async def remove_children(installed: Installed, drain_seconds: int) -> None:
    """Pods first, each when its last call is over or `drain_seconds` are; then the rest. Raises KubeError."""
    # Before what made them: the garbage collector gives pods their own time to drain, and a kubelet that
    # runs a preStop hook does not heed a shorter time that it is given later.
    asked = await _ask_pods(installed, await _pods(installed), drain_seconds)
    await _remove(installed, STATEFUL_SETS)
    await _end_pods(installed, drain_seconds, asked)
    for kind in MADE:
        if kind != PODS:
            await _remove(installed, kind)


async def remove_certificates(installed: Installed) -> None:
    """What cert-manager is asked for; the Secrets that it has filled stay. Raises KubeError."""
    found = await patiently(installed.certificates)
    namespace = installed.settings.system_namespace
    for each in found:
        metadata = each["metadata"]
        await patiently(
            partial(
                installed.cluster.objects.delete, CERTIFICATES, namespace, metadata["name"], metadata["uid"]
            )
        )
    if found:
        secrets = ", ".join(each["spec"]["secretName"] for each in found)
        installed.tell(f"removed {len(found)} of kind Certificate; in {namespace} stays Secret {secrets}")


async def _end_pods(installed: Installed, drain_seconds: int, asked: frozenset[str]) -> None:
    """Return when no pod is left, or when they have had their time; those of `asked` are told to end."""
    ends = time.monotonic() + drain_seconds + _POD_MARGIN_SECONDS
    while pods := await _pods(installed):
        if time.monotonic() > ends:
            installed.tell(_stuck(installed, pods))
            return
        asked |= await _ask_pods(installed, [each for each in pods if _uid(each) not in asked], drain_seconds)
        await asyncio.sleep(_LOOK_SECONDS)


async def _ask_pods(installed: Installed, pods: Sequence[Manifest], drain_seconds: int) -> frozenset[str]:
    """Tell these pods to end; their uids."""
    if pods:
        installed.tell(f"draining for at most {drain_seconds} s: {_names(pods)}")
    await asyncio.gather(*(_end_pod(installed, each, drain_seconds) for each in pods))
    return frozenset(_uid(each) for each in pods)


async def _pods(installed: Installed) -> Sequence[Manifest]:
    return await patiently(lambda: installed.made(PODS))


def _stuck(installed: Installed, pods: Sequence[Manifest]) -> str:
    return (
        f"WARNING: pods that do not end: {_names(pods)} in {installed.settings.edge_namespace}. One that was "
        "told to end before this drains for the time that its Edge gives it. Look at the nodes of others; a "
        "pod of a node that will not come back goes with `kubectl delete pod --force`"
    )


def _uid(pod: Manifest) -> str:
    return str(pod["metadata"]["uid"])


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
