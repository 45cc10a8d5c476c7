"""From Edges to what runs on this machine: instances, DNS records, names of certificates. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from sipedge.instance import Ports
from sipedge.table import EdgeTable, Section, SiteRow
from trunkline.api import Edge, Resources
from trunkline.plan.addresses import local_addresses
from trunkline.plan.certificate_names import CertificateNames, certificate_names
from trunkline.plan.dns_records import EdgeSite
from trunkline.standalone.instances import InstanceWish


@dataclass(frozen=True, slots=True)
class LocalEdge:
    """An accepted Edge with the addresses it has on this machine."""

    edge: Edge
    addresses: tuple[str, ...]

    @property
    def name(self) -> str:
        return self.edge.metadata.name

    def wishes(self, deprecated_tls: bool) -> Iterable[InstanceWish]:
        """One instance for each address."""
        ports = self.edge.spec.ports
        for address in self.addresses:
            yield InstanceWish(self.name, address, Ports(ports.udp, ports.tcp, ports.tls), deprecated_tls)

    def site(self, serving: tuple[str, ...]) -> EdgeSite:
        """For DNS, with the addresses that serve now."""
        spec = self.edge.spec
        ports = {"udp": spec.ports.udp, "tcp": spec.ports.tcp, "tls": spec.ports.tls}
        return EdgeSite(self.name, spec.region, self.addresses, serving, spec.dns.ttl_seconds, ports)

    def certificate_names(self, domains: Iterable[str], base_domain: str) -> CertificateNames:
        """For the certificate that it serves."""
        return certificate_names(self.name, self.edge.spec.region, self.addresses, domains, base_domain)


def observed_addresses(resources: Resources) -> Mapping[str, tuple[str, ...]]:
    """Loopback addresses for every Edge that lists none: in standalone mode each replica gets one."""
    edges = sorted(resources.of(Edge), key=lambda edge: edge.metadata.name)
    taken = {address for edge in edges for address in edge.spec.advertise.addresses}
    given: dict[str, tuple[str, ...]] = {}
    for edge in edges:
        if not edge.spec.advertise.addresses:
            given[edge.metadata.name] = local_addresses(edge.metadata.name, edge.spec.replicas or 1, taken)
            taken.update(given[edge.metadata.name])
    return given


def local_edges(
    resources: Resources, accepted: Iterable[str], observed: Mapping[str, tuple[str, ...]]
) -> Mapping[str, LocalEdge]:
    """The edges that the compiler made a table for, by name."""
    names = frozenset(accepted)
    return {
        edge.metadata.name: LocalEdge(
            edge, tuple(edge.spec.advertise.addresses) or observed.get(edge.metadata.name, ())
        )
        for edge in resources.of(Edge)
        if edge.metadata.name in names
    }


def termination_domains(table: EdgeTable) -> tuple[str, ...]:
    """The domains of all trunks that an edge serves, sorted."""
    return tuple(sorted(table.sections.get(Section.DOMAIN, {})))


def admits_deprecated_tls(table: EdgeTable) -> bool:
    """True while some Account allows TLS 1.0 and 1.1 (S14)."""
    site = table.sections.get(Section.SITE, {}).get("site")
    return isinstance(site, SiteRow) and site.deprecated_tls
