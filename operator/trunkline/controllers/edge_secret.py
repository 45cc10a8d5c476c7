"""The secret that all edges share: digest nonces and dialog tokens of one pod are good at every other."""

from __future__ import annotations

import secrets
from typing import Final

from trunkline.kube.client import KubeClient, Manifest
from trunkline.kube.faults import ConflictError
from trunkline.kube.paths import SECRETS
from trunkline.plan.workload_names import MANAGED_BY

NAME: Final = "edge-secret"
KEY: Final = "secret"
_BYTES: Final = 32


async def ensure_edge_secret(client: KubeClient, namespace: str) -> bool:
    """Make it if it is not there; True if it was made. Never changed: calls in progress depend on it.

    Raises KubeError.
    """
    if await client.get(SECRETS, namespace, NAME) is not None:
        return False
    manifest: Manifest = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {
            "name": NAME,
            "namespace": namespace,
            "labels": dict(MANAGED_BY),
        },
        "type": "Opaque",
        "stringData": {KEY: secrets.token_hex(_BYTES)},
    }
    try:
        await client.create(SECRETS, manifest)
    except ConflictError:
        return False
    return True
