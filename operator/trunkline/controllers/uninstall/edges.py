"""Letting Edges go: nobody is left who would remove the finalizer."""

from __future__ import annotations

import datetime

from trunkline.controllers.uninstall.installed import TRIES, Installed, UninstallError, patiently
from trunkline.kube.client import Manifest
from trunkline.kube.faults import ConflictError, NotFoundError
from trunkline.kube.paths import OURS
from trunkline.plan.finalizers import FINALIZER, Records, finalizers_patch, wanted_finalizers


def is_held(edge: Manifest) -> bool:
    """True if an uninstallation has something to remove from the Edge's finalizers."""
    return _wanted(edge) != tuple(edge["metadata"].get("finalizers", ()))


def _wanted(edge: Manifest) -> tuple[str, ...]:
    metadata = edge["metadata"]
    return wanted_finalizers(
        metadata.get("finalizers", ()),
        Records.ABANDONED,
        is_served=False,
        deleted_at=metadata.get("deletionTimestamp", ""),
        now=datetime.datetime.now(datetime.UTC),
    )


async def release_edges(installed: Installed) -> None:
    """Remove the finalizer from every Edge. Raises UninstallError, KubeError."""
    for edge in await patiently(installed.edges):
        name = edge["metadata"]["name"]
        if await patiently(lambda name=name: _release(installed, name)):  # type: ignore[misc]
            installed.tell(f"Edge {name}: finalizer removed")


async def _release(installed: Installed, name: str) -> bool:
    """False if there was nothing to remove."""
    for _ in range(TRIES):
        edge = await installed.client.get(OURS["Edge"], None, name)
        if edge is None or not is_held(edge):
            return False
        metadata = edge["metadata"]
        patch = finalizers_patch(metadata["uid"], metadata["resourceVersion"], _wanted(edge))
        try:
            await installed.client.merge(OURS["Edge"], None, name, patch)
        except ConflictError:
            continue
        except NotFoundError:
            return False
        return True
    raise UninstallError(f"Edge {name} changes all the time: its finalizer {FINALIZER} stays; run this again")
