"""What edges sign calls with: a Secret of the operator's namespace, copied to where their pods find it."""

from __future__ import annotations

import logging
from typing import Final

from sipedge.contract import STIR_KEYS, STIR_SECRET
from trunkline.kube.client import KubeClient, Manifest
from trunkline.kube.paths import SECRETS
from trunkline.plan.workload_names import MANAGED_BY

log = logging.getLogger(__name__)

MISSING: Final = (
    "Secret {}/{} {}: calls are signed as before, or not at all: kubectl -n {} create secret generic {} "
    "--from-file=tls.crt --from-file=tls.key --from-file=x5u --from-file=ca.crt"
)


class StirSecret:
    """Keeps the copy equal to what it is made of."""

    def __init__(self, client: KubeClient, namespace: str, name: str, edge_namespace: str) -> None:
        """`namespace` and `name` are those of the Secret that somebody made."""
        self._client, self._namespace, self._name = client, namespace, name
        self._edge_namespace = edge_namespace
        self._told = ""

    async def keep(self) -> None:
        """Look once. A Secret that is not whole is told, and the copy stays. Raises KubeError."""
        given = await self._client.get(SECRETS, self._namespace, self._name)
        data = (given or {}).get("data") or {}
        lacking = [key for key in STIR_KEYS if not data.get(key)]
        if lacking:
            fault = "is not there" if given is None else f"has no {' and no '.join(lacking)}"
            self._tell(MISSING.format(self._namespace, self._name, fault, self._namespace, self._name))
            return
        self._tell("")
        copy = await self._client.get(SECRETS, self._edge_namespace, STIR_SECRET)
        wanted = {key: data[key] for key in STIR_KEYS}
        if copy is None or copy.get("data") != wanted:
            await self._client.apply(self._manifest(wanted))
            log.info("Secret %s/%s was written", self._edge_namespace, STIR_SECRET)

    def _manifest(self, data: dict[str, str]) -> Manifest:
        metadata = {"name": STIR_SECRET, "namespace": self._edge_namespace, "labels": dict(MANAGED_BY)}
        return {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "type": "Opaque", "data": data}

    def _tell(self, fault: str) -> None:
        if fault and fault != self._told:
            log.warning("%s", fault)
        self._told = fault
