"""Which names an Edge's server certificate must hold."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from trunkline.plan import names


@dataclass(frozen=True, slots=True)
class CertificateNames:
    """The subject alternative names of one certificate, sorted."""

    dns: tuple[str, ...]
    addresses: tuple[str, ...]


def issued_names(edge: str, region: str | None, base_domain: str) -> CertificateNames:
    """The names for which an issuer is asked: the edge's, its region's and the platform's, and no others.

    A trunk's name would be published in the logs of public CAs, and each new one would need a new
    certificate; an address is no name that such a CA may sign. Single addresses are below a wildcard.
    """
    suffixes = [names.edge_domain(edge, base_domain), names.platform_domain(base_domain)]
    suffixes.append(names.sip_domain(edge, base_domain))
    if region is not None:
        suffixes.append(names.region_domain(region, base_domain))
    dns = {name for suffix in suffixes for name in (suffix, names.wildcard(suffix))}
    return CertificateNames(tuple(sorted(dns)), ())


def certificate_names(
    edge: str, region: str | None, addresses: Sequence[str], domains: Iterable[str], base_domain: str
) -> CertificateNames:
    """The names by which clients reach an Edge by TLS.

    `domains` are the trunks' termination domains. A wildcard stands for one label only (RFC 6125
    section 6.4.3), so trunks of several labels get their exact names.
    """
    suffixes = [names.edge_domain(edge, base_domain), names.platform_domain(base_domain)]
    if region is not None:
        suffixes.append(names.region_domain(region, base_domain))
    dns = {names.sip_domain(edge, base_domain)}
    for suffix in suffixes:
        dns |= {suffix, names.wildcard(suffix)}
        dns |= {f"{domain}.{suffix}".lower() for domain in domains if "." in domain}
    dns |= {names.address_name(position, edge, base_domain) for position in range(1, len(addresses) + 1)}
    return CertificateNames(tuple(sorted(dns)), tuple(sorted(addresses)))
