"""Who this installation is: an id of its own, by which it knows its DNS records again."""

from __future__ import annotations

import base64
import uuid
from typing import Final

from trunkline.controllers.kept_secret import kept_secret
from trunkline.kube.client import KubeClient
from trunkline.settings import INSTALLATION_SECRET

KEY: Final = "id"


async def installation_id(client: KubeClient, namespace: str) -> str:
    """The id in Secret `trunkline-installation`, made on first need. Raises KubeError."""
    found, _ = await kept_secret(client, namespace, INSTALLATION_SECRET, lambda: {KEY: str(uuid.uuid4())})
    data = (found or {}).get("data") or {}
    return base64.b64decode(data.get(KEY, "")).decode("ascii", "replace").strip()
