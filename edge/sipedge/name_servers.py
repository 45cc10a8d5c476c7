"""Which name servers are asked: the one of an instance, or those of the system, as they are now."""

from __future__ import annotations

import ipaddress
from pathlib import Path
from typing import Final

import dns.asyncresolver

SYSTEM_RESOLVERS: Final = Path("/etc/resolv.conf")
QUERY_SECONDS: Final = 2.0


class NameServers:
    """One resolver (`ADDR:PORT`), or those of the system. To be asked without search domains."""

    def __init__(self, resolver: str | None) -> None:
        """Raises ValueError for a resolver that is no `ADDR:PORT`."""
        self._configured = None if resolver is None else _resolver_at(resolver)
        self._system: dns.asyncresolver.Resolver | None = None
        self._system_seen = 0

    def resolver(self) -> dns.asyncresolver.Resolver:
        """Whom to ask now. Raises OSError or a DNSException for a file of the system that says nothing."""
        if self._configured is not None:
            return self._configured
        changed = SYSTEM_RESOLVERS.stat().st_mtime_ns
        if self._system is None or changed != self._system_seen:
            self._system, self._system_seen = dns.asyncresolver.Resolver(str(SYSTEM_RESOLVERS)), changed
            self._system.timeout = QUERY_SECONDS
        return self._system


def _resolver_at(text: str) -> dns.asyncresolver.Resolver:
    address, _, port = text.rpartition(":")
    resolver = dns.asyncresolver.Resolver(configure=False)
    try:
        resolver.nameservers = [str(ipaddress.ip_address(address.strip("[]")))]
        resolver.port = int(port)
    except ValueError as error:
        raise ValueError(f"resolver: {text!r} is not ADDR:PORT, such as 127.0.0.1:53") from error
    if not 0 < resolver.port < 65_536:
        raise ValueError(f"resolver: {text!r} is not ADDR:PORT: a port is 1 to 65535")
    resolver.timeout = QUERY_SECONDS
    return resolver
