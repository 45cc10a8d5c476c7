"""The installation in its cluster, as providers of DNS records know it."""

from __future__ import annotations

from trunkline.api import SecretValues, read_secret
from trunkline.controllers import installation
from trunkline.kube.client import KubeClient
from trunkline.kube.foreign import ForeignApi
from trunkline.kube.paths import SECRETS
from trunkline.settings import INSTALLATION_SECRET


class ClusterInstallation:
    """`dns.provider.Installation`. Every method raises KubeError."""

    def __init__(self, client: KubeClient, namespace: str) -> None:
        """`namespace` is the operator's."""
        self._client, self._namespace = client, namespace
        self.objects = ForeignApi(client)

    async def secret(self, name: str) -> SecretValues | None:
        """What a Secret of the operator's namespace holds; None if it is not there."""
        found = await self._client.get(SECRETS, self._namespace, name)
        return None if found is None else read_secret(found).values

    async def installation_id(self) -> str:
        """The id of this installation, made on first need."""
        return await installation.installation_id(self._client, self._namespace)

    async def has_installation_id(self) -> bool:
        """False = it was never needed."""
        return await self._client.get(SECRETS, self._namespace, INSTALLATION_SECRET) is not None
