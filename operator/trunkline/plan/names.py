"""Every name that is derived from a resource, one function each. No dot at the end."""

from __future__ import annotations


def platform_domain(base_domain: str) -> str:
    """Below it lie the termination domains that any edge answers: `pstn.<base>` (S27)."""
    return f"pstn.{base_domain}"


def edge_domain(edge: str, base_domain: str) -> str:
    """Below it lie the termination domains of one edge: `pstn.<edge>.<base>` (S30)."""
    return f"pstn.{edge}.{base_domain}"


def region_domain(region: str, base_domain: str) -> str:
    """The alias that the edges of a region share: `pstn.<region>.<base>` (S30)."""
    return f"pstn.{region}.{base_domain}"


def wildcard(domain: str) -> str:
    """All names below `domain`."""
    return f"*.{domain}"


def sip_domain(edge: str, base_domain: str) -> str:
    """Holds an edge's single addresses. Not below `pstn`, where they would shadow trunks' names."""
    return f"sip.{edge}.{base_domain}"


def address_name(position: int, edge: str, base_domain: str) -> str:
    """The name of an edge's address number `position`, counted from 1."""
    return f"a{position}.{sip_domain(edge, base_domain)}"


def service_name(service: str, edge: str, base_domain: str) -> str:
    """Where RFC 2782 looks for a service of an edge, e.g. `_sip._udp.pstn.<edge>.<base>`."""
    return f"{service}.{edge_domain(edge, base_domain)}"


def name_server(base_domain: str) -> str:
    """The authoritative server that standalone mode runs for the base domain."""
    return f"ns.{base_domain}"


def termination_hosts(domain: str, edge: str, region: str | None, base_domain: str) -> tuple[str, ...]:
    """The hosts by which a trunk's PBX can reach it at one edge (S27, S30)."""
    suffixes = [platform_domain(base_domain), edge_domain(edge, base_domain)]
    if region is not None:
        suffixes.append(region_domain(region, base_domain))
    return tuple(f"{domain}.{suffix}" for suffix in suffixes)
