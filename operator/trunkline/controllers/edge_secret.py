"""The secret that all edges share: digest nonces and dialog tokens of one pod are good at every other."""

from __future__ import annotations

import secrets
from typing import Final

from trunkline.controllers.kept_secret import kept_secret
from trunkline.kube.client import KubeClient

NAME: Final = "edge-secret"
KEY: Final = "secret"
_BYTES: Final = 32


async def ensure_edge_secret(client: KubeClient, namespace: str) -> bool:
    """Make it if it is not there; True if it was made. Calls in progress depend on it.

    Raises KubeError.
    """
    _, is_new = await kept_secret(client, namespace, NAME, lambda: {KEY: secrets.token_hex(_BYTES)})
    return is_new
