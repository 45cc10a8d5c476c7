"""Which parts this operator has, chosen by its settings: the one place that knows them all."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from sipedge.capacity import Capacity
from trunkline.controllers.cluster_installation import ClusterInstallation
from trunkline.controllers.seams import Certificates, Workloads
from trunkline.controllers.stir_secret import StirSecret
from trunkline.dns.provider import Provider
from trunkline.dns.providers import build_provider
from trunkline.kube.client import KubeClient, Manifest
from trunkline.kube.paths import CONFIG_MAPS, SECRETS
from trunkline.plan.container_resources import container_resources
from trunkline.plan.pod_options import pod_options
from trunkline.plan.workload import WorkloadSettings, edge_objects
from trunkline.plan.workload_settings import DEFAULT_RESOURCES
from trunkline.settings import OperatorSettings
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
    names: Provider | None = None
    stir_secret: StirSecret | None = None


def build_parts(settings: OperatorSettings, client: KubeClient) -> Parts:
    """The parts for `settings`."""
    workload = workload_settings(settings)
    installation = ClusterInstallation(client, settings.system_namespace)
    tls = ClusterTlsSettings(settings.base_domain, settings.system_namespace, settings.edge_namespace)
    certificates = ClusterCertificates(tls, CertificateObjects(client), installation.objects)
    return Parts(
        workloads=lambda edge, nodes: edge_objects(edge, workload, nodes),
        certificates=certificates,
        expiries=lambda: certificates.expiry_timestamps,
        names=build_provider(settings, installation),
        stir_secret=_stir_secret(settings, client),
    )


def _stir_secret(settings: OperatorSettings, client: KubeClient) -> StirSecret | None:
    if not settings.stir_shaken_secret:
        return None
    return StirSecret(client, settings.system_namespace, settings.stir_shaken_secret, settings.edge_namespace)


def workload_settings(settings: OperatorSettings) -> WorkloadSettings:
    """What of the settings is about edge pods. Raises SettingError."""
    return WorkloadSettings(
        namespace=settings.edge_namespace,
        image=settings.edge_image,
        image_pull_policy=settings.image_pull_policy,
        image_pull_secrets=settings.edge_pull_secrets,
        priority_class=settings.edge_priority_class,
        resources={**DEFAULT_RESOURCES, **container_resources(settings.edge_resources)},
        otlp_endpoint=settings.otlp_endpoint,
        capacity=Capacity(
            settings.edge_calls_per_second, settings.edge_calls_in_progress, settings.edge_recovery_calls
        ),
        stir_shaken=bool(settings.stir_shaken_secret),
        recordings=settings.recordings,
        pods=pod_options(settings.edge_pods),
    )
