"""Which DNS records customers need to find the edges.

Trunks have no records of their own: wildcards hold them, so a failed address changes one record set for
each name of its edge, however many trunks there are.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain, zip_longest
from typing import Final

from trunkline.plan import names

MOST_ADDRESSES: Final = 8
"""Addresses in one record set: the answer stays within 512 bytes of UDP (RFC 1035 section 2.3.4)."""

SERVICES: Final = (
    # Preference of RFC 3263: a client that verifies certificates may not know our CA, so UDP comes first.
    ("_sip._udp", "SIP+D2U", "udp"),
    ("_sip._tcp", "SIP+D2T", "tcp"),
    ("_sips._tcp", "SIPS+D2T", "tls"),
)


@dataclass(frozen=True, slots=True, order=True)
class RecordSet:
    """All records of one name and type. `values` are in zone file form."""

    name: str
    type: str
    ttl: int
    """Seconds."""
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class EdgeSite:
    """What DNS must know of one Edge."""

    name: str
    region: str | None
    addresses: tuple[str, ...]
    """Every address of the Edge, in its order: the position gives an address its name."""
    serving: tuple[str, ...]
    """The addresses that calls may be sent to now."""
    ttl_seconds: int = 600
    ports: Mapping[str, int] = field(default_factory=lambda: {"udp": 5060, "tcp": 5060, "tls": 5061})
    uid: str = ""
    """Of the Edge object; "" where nobody gives one."""


def serving_addresses(
    addresses: Sequence[str], ready: Iterable[str], published: Iterable[str]
) -> tuple[str, ...]:
    """The ready addresses of an Edge, in its order. The last one that was published is never withdrawn.

    If none is ready, those published before stay: an address that may come back is better than none.
    """
    wanted = frozenset(ready)
    now = tuple(address for address in addresses if address in wanted)
    if now:
        return now
    before = frozenset(published)
    return tuple(address for address in addresses if address in before)


def with_published(site: EdgeSite, published: Sequence[str]) -> EdgeSite:
    """A site of which no address serves, with those that were published: the last one always stays."""
    serving = serving_addresses(site.addresses, (), published) or tuple(published)
    addresses = (*site.addresses, *(each for each in serving if each not in site.addresses))
    return replace(site, addresses=addresses, serving=serving)


def dns_records(sites: Sequence[EdgeSite], base_domain: str) -> tuple[RecordSet, ...]:
    """Every record set that the base domain needs, sorted; without SOA and NS."""
    ordered = sorted(sites, key=lambda site: site.name)
    sets: list[RecordSet] = []
    for suffix, members in _members(ordered, base_domain).items():
        addresses = in_turn([site.serving for site in members])[:MOST_ADDRESSES]
        ttl = min(site.ttl_seconds for site in members)
        for name in (suffix, names.wildcard(suffix)):
            sets.extend(_address_sets(name, ttl, addresses))
    for site in ordered:
        sets.extend(_service_sets(site, base_domain))
    return tuple(sorted(sets))


def _members(sites: Sequence[EdgeSite], base_domain: str) -> dict[str, list[EdgeSite]]:
    """Each domain below which trunks' names lie, with the edges that answer there."""
    members: dict[str, list[EdgeSite]] = {}
    for site in sites:
        labels = [names.platform_domain(base_domain), names.edge_domain(site.name, base_domain)]
        if site.region is not None:
            labels.append(names.region_domain(site.region, base_domain))
        for label in dict.fromkeys(labels):
            members.setdefault(label, []).append(site)
    return members


def in_turn(groups: Sequence[Sequence[str]]) -> tuple[str, ...]:
    """The first of each group, then the second of each, and so on; each address once."""
    taken = chain.from_iterable(zip_longest(*groups))
    return tuple(dict.fromkeys(address for address in taken if address is not None))


def _address_sets(name: str, ttl: int, addresses: Sequence[str]) -> list[RecordSet]:
    by_type = {
        "A": tuple(address for address in addresses if ":" not in address),
        "AAAA": tuple(address for address in addresses if ":" in address),
    }
    return [RecordSet(name, kind, ttl, values) for kind, values in by_type.items() if values]


def _service_sets(site: EdgeSite, base_domain: str) -> list[RecordSet]:
    """NAPTR and SRV of RFC 3263, and the names of single addresses to which SRV must point."""
    targets = {
        names.address_name(position, site.name, base_domain): address
        for position, address in enumerate(site.addresses, 1)
        if address in site.serving
    }
    if not targets:
        return []
    sets = [
        each for name, address in targets.items() for each in _address_sets(name, site.ttl_seconds, [address])
    ]
    naptr = []
    for order, (service, flag, port) in enumerate(SERVICES, 1):
        owner = names.service_name(service, site.name, base_domain)
        values = tuple(f"10 10 {site.ports[port]} {target}." for target in targets)
        sets.append(RecordSet(owner, "SRV", site.ttl_seconds, values))
        naptr.append(f'{order * 10} 10 "s" "{flag}" "" {owner}.')
    sets.append(RecordSet(names.edge_domain(site.name, base_domain), "NAPTR", site.ttl_seconds, tuple(naptr)))
    return sets
