"""The installation that is to be removed: what of it is found in the cluster."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Final, TypeVar

from trunkline.controllers.cluster_installation import ClusterInstallation
from trunkline.dns.provider import Provider
from trunkline.dns.providers import build_provider
from trunkline.kube.backoff import Backoffs
from trunkline.kube.client import KubeClient, Manifest
from trunkline.kube.faults import ForbiddenError, NotFoundError, TransientError
from trunkline.kube.paths import CHILDREN, DEPLOYMENTS, OURS, PODS, SECRETS, Kind
from trunkline.plan.uninstall import ORDER, SELECTOR
from trunkline.plan.workload_names import MANAGED_BY
from trunkline.settings import OperatorSettings
from trunkline.tls.issuer import CERTIFICATES, is_ours

OPERATOR: Final = "trunkline-operator"
"""The Deployment, by the chart's and deploy/'s name."""
TRIES: Final = 6

_KINDS: Final = {kind.name: kind for kind in (*CHILDREN, SECRETS, PODS)}
MADE: Final = tuple(_KINDS[name] for name in ORDER)
"""The kinds of what operators make in the edge namespace, in the order in which they go."""

Tell = Callable[[str], None]
Done = TypeVar("Done")


class UninstallError(Exception):
    """Nothing more can be done now. The text says why and what to do."""


@dataclass(frozen=True, slots=True)
class Installed:
    """One installation, as its settings describe it. Nothing here writes. Each raises KubeError."""

    settings: OperatorSettings
    client: KubeClient
    tell: Tell

    async def deployment(self) -> Manifest | None:
        """The operator's Deployment."""
        return await self.client.get(DEPLOYMENTS, self.settings.system_namespace, OPERATOR)

    @property
    def cluster(self) -> ClusterInstallation:
        """The cluster, as providers know it."""
        return ClusterInstallation(self.client, self.settings.system_namespace)

    def provider(self) -> Provider:
        """Of its DNS records; it knows what it has written."""
        return build_provider(self.settings, self.cluster)

    async def certificates(self) -> Sequence[Manifest]:
        """Those that cert-manager is asked for; none where that is not allowed, as without cert-manager."""
        try:
            found = await self.cluster.objects.list(CERTIFICATES, self.settings.system_namespace, MANAGED_BY)
        except ForbiddenError:
            return ()
        return [each for each in found or () if is_ours(each)]

    async def made(self, kind: Kind) -> Sequence[Manifest]:
        """What operators have made of a kind in the edge namespace."""
        # A pod's own time to end stands in its spec.
        bare = kind != PODS
        query = {"labelSelector": SELECTOR}
        try:
            return (
                await self.client.list(kind, self.settings.edge_namespace, query, metadata_only=bare)
            ).items
        except NotFoundError:
            return ()

    async def custom(self, kind: Kind) -> Sequence[Manifest]:
        """All objects of a kind of ours: users wrote them."""
        try:
            return (await self.client.list(kind)).items
        except NotFoundError:
            return ()  # the CRDs are gone already

    async def edges(self) -> Sequence[Manifest]:
        """All Edges."""
        return await self.custom(OURS["Edge"])


async def patiently(step: Callable[[], Awaitable[Done]]) -> Done:
    """The step's result; what may succeed later is tried again for some seconds. Raises KubeError."""
    for wait in islice(Backoffs(first=0.5), TRIES):
        try:
            return await step()
        except TransientError as error:
            await asyncio.sleep(error.retry_after or wait)
    return await step()
