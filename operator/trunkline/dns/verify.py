"""Whether the authoritative servers of a zone answer with what is wanted: each is asked, no cache is."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import dns.asyncquery
import dns.asyncresolver
import dns.exception
import dns.message
import dns.name
import dns.rdataclass
import dns.rdatatype
import dns.resolver

from trunkline.dns.probe import is_answer, question_for
from trunkline.dns.records import absolute, serial_of
from trunkline.plan.dns_records import RecordSet

QUESTION_SECONDS: Final = 1.0
QUESTION_TRIES: Final = 3
LOOKUP_SECONDS: Final = 3.0
AT_ONCE: Final = 32
DNS_PORT: Final = 53


@dataclass(frozen=True, slots=True, order=True)
class NameServer:
    """One authoritative server."""

    address: str
    port: int = DNS_PORT
    name: str = field(default="", compare=False)

    def __str__(self) -> str:
        place = self.address if self.port == DNS_PORT else f"{self.address}:{self.port}"
        return f"{self.name} ({place})" if self.name else place


@dataclass(frozen=True, slots=True)
class Verification:
    """What the servers say."""

    answering: tuple[NameServer, ...]
    silent: tuple[NameServer, ...]
    wrong: dict[RecordSet, tuple[NameServer, ...]]
    """Record sets that some answering server does not answer exactly so, with those servers."""


class Verifier:
    """Asks for everything only where the zone, or what is wanted, has changed since all was right."""

    def __init__(self, *, any_ttl: bool = False) -> None:
        """`any_ttl`: a record set is right whatever its TTL."""
        self._any_ttl = any_ttl
        self._right: dict[NameServer, tuple[int, tuple[RecordSet, ...]]] = {}
        """Server to the serial with which it answered all of these as wanted."""

    def forget(self) -> None:
        """Ask for everything the next time: an edited zone file may have kept its serial."""
        self._right.clear()

    async def verify(
        self, records: Iterable[RecordSet], servers: Sequence[NameServer], zone: str
    ) -> Verification:
        """Ask each server for each record set. Never raises."""
        wanted = tuple(records)
        answers = await asyncio.gather(*(self._lacking(server, wanted, zone) for server in servers))
        told = list(zip(servers, answers, strict=True))
        wrong: dict[RecordSet, tuple[NameServer, ...]] = {}
        for server, lacking in told:
            for record in lacking or ():
                wrong[record] = (*wrong.get(record, ()), server)
        return Verification(
            answering=tuple(server for server, lacking in told if lacking is not None),
            silent=tuple(server for server, lacking in told if lacking is None),
            wrong=wrong,
        )

    async def _lacking(
        self, server: NameServer, records: tuple[RecordSet, ...], zone: str
    ) -> tuple[RecordSet, ...] | None:
        """Those that the server does not answer so; None if it does not answer at all."""
        serial = await _serial(server, zone)
        if serial is None:
            return None
        if self._right.get(server) == (serial, records):
            return ()
        gate = asyncio.Semaphore(AT_ONCE)

        async def is_right(record: RecordSet) -> bool:
            async with gate:
                answer = await _ask(server, question_for(record))
            return answer is not None and is_answer(record, answer, any_ttl=self._any_ttl)

        right = await asyncio.gather(*map(is_right, records))
        lacking = tuple(record for record, good in zip(records, right, strict=True) if not good)
        if not lacking:
            self._right[server] = (serial, records)
        return lacking


async def is_named(names: Iterable[str], servers: Sequence[NameServer]) -> bool | None:
    """Whether some server has an address for one of the names; None if none of them answers. Never raises."""
    questions = [
        (server, dns.message.make_query(absolute(name), kind))
        for server in servers
        for name in names
        for kind in (dns.rdatatype.A, dns.rdatatype.AAAA)
    ]
    answers = await asyncio.gather(*(_ask(server, question) for server, question in questions))
    told = [answer for answer in answers if answer is not None]
    return any(answer.answer for answer in told) if told else None


async def listed_servers(zone: str, *resolvers: dns.asyncresolver.Resolver | None) -> tuple[NameServer, ...]:
    """The servers that the zone's NS records name. Empty if none of the resolvers, asked in turn, knows."""
    usable = [resolver for resolver in resolvers if resolver is not None]
    names = sorted(rdata.target for rdata in await _first(absolute(zone), "NS", usable))
    found = await asyncio.gather(*(_addresses(name, usable) for name in names))
    servers = [
        NameServer(address, DNS_PORT, name.to_text(omit_final_dot=True))
        for name, addresses in zip(names, found, strict=True)
        for address in addresses
    ]
    return tuple(sorted(set(servers)))


async def zone_of(domain: str, resolver: dns.asyncresolver.Resolver) -> str | None:
    """The zone that holds `domain`; None if no resolver tells."""
    name = absolute(domain)
    while name != dns.name.root:
        try:
            answer = await resolver.resolve(
                name, "SOA", lifetime=LOOKUP_SECONDS, raise_on_no_answer=False, search=False
            )
        except dns.resolver.NXDOMAIN:
            answer = None
        except dns.exception.DNSException:
            return None
        if answer is not None and answer.rrset is not None and answer.rrset.name == name:
            return name.to_text(omit_final_dot=True)
        name = name.parent()
    return None


async def _addresses(name: dns.name.Name, resolvers: Sequence[dns.asyncresolver.Resolver]) -> tuple[str, ...]:
    return tuple(sorted(rdata.address for rdata in await _first(name, "A", resolvers)))


async def _first(
    name: dns.name.Name, kind: str, resolvers: Sequence[dns.asyncresolver.Resolver]
) -> Sequence[Any]:
    for resolver in resolvers:
        try:
            return list(await resolver.resolve(name, kind, lifetime=LOOKUP_SECONDS, search=False))
        except dns.exception.DNSException:
            continue
    return ()


async def _serial(server: NameServer, zone: str) -> int | None:
    """The serial that the server has of the zone, -1 if it has no such zone; None if it is silent."""
    answer = await _ask(server, dns.message.make_query(absolute(zone), dns.rdatatype.SOA))
    if answer is None:
        return None
    soa = answer.get_rrset(answer.answer, absolute(zone), dns.rdataclass.IN, dns.rdatatype.SOA)
    return -1 if soa is None else serial_of(soa)


async def _ask(server: NameServer, query: dns.message.Message) -> dns.message.Message | None:
    for _ in range(QUESTION_TRIES):
        try:
            answer, _ = await dns.asyncquery.udp_with_fallback(
                query, server.address, timeout=QUESTION_SECONDS, port=server.port, ignore_unexpected=True
            )
        except dns.exception.Timeout:
            continue
        except (dns.exception.DNSException, OSError, EOFError):
            return None
        return answer
    return None
