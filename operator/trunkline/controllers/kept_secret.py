"""Secrets that the operator makes once and never changes, nor ever makes anew while they are there."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from trunkline.kube.client import KubeClient, Manifest
from trunkline.kube.faults import ConflictError
from trunkline.kube.paths import SECRETS
from trunkline.plan.workload_names import MANAGED_BY


async def kept_secret(
    client: KubeClient, namespace: str, name: str, values: Callable[[], Mapping[str, str]]
) -> tuple[Manifest | None, bool]:
    """The Secret, made of `values` on first need, and whether this call made it. Raises KubeError.

    None if another process made it just now and somebody deleted it again.
    """
    found = await client.get(SECRETS, namespace, name)
    if found is not None:
        return found, False
    manifest: Manifest = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": name, "namespace": namespace, "labels": dict(MANAGED_BY)},
        "type": "Opaque",
        "stringData": dict(values()),
    }
    try:
        return await client.create(SECRETS, manifest), True
    except ConflictError:
        return await client.get(SECRETS, namespace, name), False
