"""Provider `none`: people enter the records; the operator says which, and sees when they are right.

The records are those of all addresses, ready or not: nobody follows a pod's blink by hand.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

import dns.asyncresolver
import dns.resolver

from trunkline.dns.faults import DnsFault, DnsOutcome
from trunkline.dns.marks import group_of
from trunkline.dns.outcomes import groups_of, wrong_words
from trunkline.dns.patience import LONGEST_SECONDS
from trunkline.dns.records import key_of
from trunkline.dns.server_names import address_of, host_and_port
from trunkline.dns.verify import NameServer, Verification, Verifier, listed_servers, zone_of
from trunkline.plan.dns_records import EdgeSite, RecordSet, dns_records
from trunkline.status.conditions import Opinion
from trunkline.status.reasons import StatusReason

MOST_RECORDS: Final = 256
"""Record sets in one status; the CRD allows as many."""

_ENTER: Final = "enter the records of status.dnsRecords"


class ByHandProvider:
    """Writes nothing, and asks the servers that the zone's NS records name."""

    def __init__(self, base_domain: str, server: str = "") -> None:
        """`server`, HOST[:PORT], is asked instead of those, if it is given."""
        self._base_domain, self._server = base_domain, server
        self._verifier = Verifier()
        self.facts: Mapping[str, Mapping[str, Any]] = {}
        """By Edge: `dnsRecords`, as its status holds them."""

    @property
    def again_seconds(self) -> float:
        """How long to wait, when nothing changes, before the next `reconcile`."""
        return LONGEST_SECONDS

    async def reconcile(self, sites: Sequence[EdgeSite]) -> Mapping[str, tuple[Opinion, ...]]:
        """The `DNSReady` of each site by its name: True once its records are right. Raises nothing."""
        records = self.wanted(sites)
        self.facts = {
            site.name: {"dnsRecords": status_records(records_of(site, records, self._base_domain))}
            for site in sites
        }
        if not sites:
            return {}
        said = await self._ask(records)
        return {site.name: (self._outcome(site, records, said).opinion,) for site in sites}

    def wanted(self, sites: Sequence[EdgeSite]) -> tuple[RecordSet, ...]:
        """What people should enter."""
        return dns_records([replace(site, serving=site.addresses) for site in sites], self._base_domain)

    def _outcome(self, site: EdgeSite, records: Sequence[RecordSet], said: Verification | None) -> DnsOutcome:
        own = records_of(site, records, self._base_domain)
        if not own:
            words = "the Edge has no address yet, so there are no records to enter"
        elif said is None or not said.answering:
            words = f"{_ENTER}; no authoritative server of {self._base_domain} answers yet"
        elif wrong := [record for record in said.wrong if record in own]:
            words = f"{_ENTER}; {wrong_words(wrong, said)}"
        else:
            servers = ", ".join(map(str, said.answering))
            return DnsOutcome(True, StatusReason.DNS_CORRECT, f"answered as wanted by {servers}")
        return DnsOutcome(None, StatusReason.DNS_NOT_MANAGED, words)

    async def _ask(self, records: Sequence[RecordSet]) -> Verification | None:
        if self._server:
            try:
                host, port = host_and_port(self._server)
                server = NameServer(await address_of(host, port), port)
            except DnsFault:
                return None
            return await self._verifier.verify(records, (server,), self._base_domain)
        try:
            resolver = dns.asyncresolver.Resolver()
        except dns.resolver.NoResolverConfiguration:
            return None
        zone = await zone_of(self._base_domain, resolver)
        if zone is None:
            return None
        return await self._verifier.verify(records, await listed_servers(zone, resolver), zone)


def records_of(site: EdgeSite, records: Sequence[RecordSet], base_domain: str) -> tuple[RecordSet, ...]:
    """Those of `records` by which the Edge is found."""
    groups = groups_of(site, base_domain)
    return tuple(record for record in records if group_of(key_of(record)[0], base_domain) in groups)


def status_records(records: Sequence[RecordSet]) -> list[dict[str, Any]]:
    """Record sets as `status.dnsRecords` of an Edge holds them."""
    return [
        {"name": each.name, "type": each.type, "ttl": each.ttl, "values": list(each.values)}
        for each in records[:MOST_RECORDS]
    ]
