"""Who is asked what a zone holds, where nobody says which server is its primary."""

from __future__ import annotations

import dns.asyncresolver
import dns.resolver

from trunkline.dns.faults import DnsFault
from trunkline.dns.server_names import address_of, host_and_port
from trunkline.dns.verify import NameServer, listed_servers, zone_of


async def authorities(base_domain: str, server: str) -> tuple[str, tuple[NameServer, ...]]:
    """The zone of the base domain, and its servers: `server`, HOST[:PORT], or those of its NS records.

    No servers if they cannot be found out. Raises nothing.
    """
    if server:
        try:
            host, port = host_and_port(server)
            return base_domain, (NameServer(await address_of(host, port), port),)
        except DnsFault:
            return base_domain, ()
    resolver = system_resolver()
    zone = await zone_of(base_domain, resolver) if resolver is not None else None
    return (base_domain, ()) if zone is None else (zone, await listed_servers(zone, resolver))


def system_resolver() -> dns.asyncresolver.Resolver | None:
    """The resolver of this machine; None if it has none."""
    try:
        return dns.asyncresolver.Resolver()
    except dns.resolver.NoResolverConfiguration:
        return None
