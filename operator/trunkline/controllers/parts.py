"""Which parts this operator has, chosen by its settings: the one place that knows them all."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from sipedge.capacity import Capacity
from trunkline.api import SecretValues, read_secret
from trunkline.controllers import installation
from trunkline.controllers.seams import Certificates, Facts, Names, Workloads
from trunkline.dns.by_hand import ByHandProvider
from trunkline.dns.rfc2136 import Rfc2136Provider, Rfc2136Settings
from trunkline.kube.client import KubeClient, Manifest
from trunkline.kube.paths import CONFIG_MAPS, SECRETS
from trunkline.plan.workload import WorkloadSettings, edge_objects
from trunkline.settings import OperatorSettings, container_resources
from trunkline.tls.cluster import ClusterCertificates, ClusterTlsSettings


class CertificateObjects:
    """Secrets and ConfigMaps of the API server, as the certificates want them."""

    def __init__(self, client: KubeClient) -> None:
        self._client = client

    async def read(self, kind: str, namespace: str, name: str) -> Manifest | None:
        """The Secret or ConfigMap; None if there is none. Raises KubeError."""
        return await self._client.get({"Secret": SECRETS, "ConfigMap": CONFIG_MAPS}[kind], namespace, name)

    async def write(self, manifest: Manifest) -> Manifest:
        """Create it or make it so; what is stored then. Raises KubeError."""
        return await self._client.apply(manifest)


@dataclass(frozen=True, slots=True)
class Parts:
    """None = this operator does not see to it."""

    workloads: Workloads | None = None
    certificates: Certificates | None = None
    expiries: Callable[[], Mapping[str, float]] = dict
    """When the certificate of each edge ends, in seconds since 1970."""
    names: Names | None = None
    facts: Facts = dict
    """What `names` wants in the status of Edges."""
    dns_fault: Callable[[], str] | None = None
    """What keeps `names` from writing; None = it writes nothing anyway."""


def build_parts(settings: OperatorSettings, client: KubeClient) -> Parts:
    """The parts for `settings`."""
    workload = workload_settings(settings)
    tls = ClusterTlsSettings(settings.base_domain, settings.system_namespace, settings.edge_namespace)
    certificates = ClusterCertificates(tls, CertificateObjects(client))
    parts = Parts(
        workloads=lambda edge: edge_objects(edge, workload),
        certificates=certificates,
        expiries=lambda: certificates.expiry_timestamps,
    )
    if settings.dns_provider == "none":
        by_hand = ByHandProvider(settings.base_domain, settings.dns_server)
        return replace(parts, names=by_hand, facts=lambda: by_hand.facts)
    provider = _rfc2136(settings, client)
    return replace(parts, names=provider, dns_fault=lambda: provider.fault)


def workload_settings(settings: OperatorSettings) -> WorkloadSettings:
    """What of the settings is about edge pods. Raises SettingError."""
    chosen = WorkloadSettings(
        namespace=settings.edge_namespace,
        image=settings.edge_image,
        image_pull_policy=settings.image_pull_policy,
        image_pull_secrets=settings.edge_pull_secrets,
        priority_class=settings.edge_priority_class,
        capacity=Capacity(settings.edge_calls_per_second, settings.edge_calls_in_progress),
    )
    resources = container_resources(settings.edge_resources)
    return replace(
        chosen,
        kamailio_resources=resources.get("kamailio", chosen.kamailio_resources),
        agent_resources=resources.get("agent", chosen.agent_resources),
    )


def _rfc2136(settings: OperatorSettings, client: KubeClient) -> Rfc2136Provider:
    namespace = settings.system_namespace

    async def key() -> SecretValues | None:
        found = await client.get(SECRETS, namespace, settings.dns_tsig_secret)
        return None if found is None else read_secret(found).values

    async def owner() -> str:
        return await installation.installation_id(client, namespace)

    chosen = Rfc2136Settings(
        base_domain=settings.base_domain,
        server=settings.dns_server,
        key_name=settings.dns_tsig_key_name,
        key_algorithm=settings.dns_tsig_algorithm,
        zone=settings.dns_zone,
        key_secret=f"{namespace}/{settings.dns_tsig_secret}",
        owner_secret=f"{namespace}/{installation.NAME}",
    )
    return Rfc2136Provider(chosen, key, owner)
