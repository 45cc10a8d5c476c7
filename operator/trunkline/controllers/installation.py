"""Who this installation is: an id of its own, by which it knows its DNS records again."""

from __future__ import annotations

import base64
import uuid
from typing import Any, Final

from trunkline.kube.client import KubeClient, Manifest
from trunkline.kube.faults import ConflictError
from trunkline.kube.paths import SECRETS
from trunkline.plan.workload_names import MANAGED_BY

NAME: Final = "trunkline-installation"
KEY: Final = "id"


async def installation_id(client: KubeClient, namespace: str) -> str:
    """The id in Secret `trunkline-installation`, made on first need. Raises KubeError."""
    found = await client.get(SECRETS, namespace, NAME)
    if found is None:
        manifest: Manifest = {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {
                "name": NAME,
                "namespace": namespace,
                "labels": dict(MANAGED_BY),
            },
            "type": "Opaque",
            "stringData": {KEY: str(uuid.uuid4())},
        }
        try:
            found = await client.create(SECRETS, manifest)
        except ConflictError:
            found = await client.get(SECRETS, namespace, NAME)
    return _text(found)


def _text(secret: dict[str, Any] | None) -> str:
    data = (secret or {}).get("data") or {}
    return base64.b64decode(data.get(KEY, "")).decode("ascii", "replace").strip()
