"""The addresses of a name in a URL, from the name servers that the edge asks."""

from __future__ import annotations

import asyncio
from typing import Final, Protocol

import dns.exception
import dns.resolver

from sipedge.name_servers import QUERY_SECONDS, NameServers

MOST_ADDRESSES: Final = 8


class Names(Protocol):
    """DNS, as far as it is asked here."""

    async def addresses(self, host: str) -> tuple[str, ...]:
        """Of a name, those of IPv4 first; none if it has none, or nobody answers."""


class DnsNames:
    """By A and AAAA records."""

    def __init__(self, resolver: str | None) -> None:
        """Raises ValueError for a resolver that is no `ADDR:PORT`."""
        self._servers = NameServers(resolver)

    async def addresses(self, host: str) -> tuple[str, ...]:
        found = await asyncio.gather(self._ask(host, "A"), self._ask(host, "AAAA"))
        return (found[0] + found[1])[:MOST_ADDRESSES]

    async def _ask(self, host: str, kind: str) -> tuple[str, ...]:
        try:
            resolver = self._servers.resolver()
            answer = await resolver.resolve(
                host,
                kind,
                search=False,
                raise_on_no_answer=False,
                lifetime=QUERY_SECONDS * len(resolver.nameservers),
            )
        except (dns.exception.DNSException, OSError, ValueError):
            return ()
        return tuple(each.to_text() for each in answer.rrset or ())
