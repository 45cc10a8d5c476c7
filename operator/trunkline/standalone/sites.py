"""From Edges to what runs on this machine: instances, DNS records, names of certificates. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from sipedge.instance import Ports
from trunkline.api import Edge
from trunkline.plan.addresses import local_addresses
from trunkline.plan.certificate_names import CertificateNames, certificate_names
from trunkline.plan.dns_records import EdgeSite
from trunkline.standalone.instances import InstanceWish
from trunkline.standalone.relays import PortRange


@dataclass(frozen=True, slots=True)
class LocalEdge:
    """An accepted Edge with the addresses it has on this machine."""

    edge: Edge
    addresses: tuple[str, ...]

    @property
    def name(self) -> str:
        return self.edge.metadata.name

    def wishes(self, deprecated_tls: bool, relays: bool) -> Iterable[InstanceWish]:
        """One instance for each address; one that `relays` media has a relay beside it."""
        ports, media = self.edge.spec.ports, self.edge.spec.media
        listening = Ports(ports.udp, ports.tcp, ports.tls)
        relayed = PortRange(media.first_port, media.last_port) if relays else None
        for address in self.addresses:
            yield InstanceWish(self.name, address, listening, deprecated_tls, relayed)

    def site(self, serving: tuple[str, ...]) -> EdgeSite:
        """For DNS, with the addresses that serve now."""
        spec = self.edge.spec
        ports = {"udp": spec.ports.udp, "tcp": spec.ports.tcp, "tls": spec.ports.tls}
        return EdgeSite(self.name, spec.region, self.addresses, serving, spec.dns.ttl_seconds, ports)

    def certificate_names(self, domains: Iterable[str], base_domain: str) -> CertificateNames:
        """For the certificate that it serves."""
        return certificate_names(self.name, self.edge.spec.region, self.addresses, domains, base_domain)


def observed_addresses(edges: Iterable[Edge]) -> Mapping[str, tuple[str, ...]]:
    """Loopback addresses for every Edge that lists none: in standalone mode each replica gets one."""
    edges = sorted(edges, key=lambda edge: edge.metadata.name)
    taken = {address for edge in edges for address in edge.spec.advertise.addresses}
    given: dict[str, tuple[str, ...]] = {}
    for edge in edges:
        if not edge.spec.advertise.addresses:
            given[edge.metadata.name] = local_addresses(edge.metadata.name, edge.spec.replicas or 1, taken)
            taken.update(given[edge.metadata.name])
    return given


def local_edges(edges: Iterable[Edge], observed: Mapping[str, tuple[str, ...]]) -> Mapping[str, LocalEdge]:
    """These edges with their addresses, by name."""
    return {
        name: LocalEdge(edge, tuple(edge.spec.advertise.addresses) or observed.get(name, ()))
        for edge in edges
        for name in (edge.metadata.name,)
    }
