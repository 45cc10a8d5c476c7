"""Provider `none`: people enter the records; the operator says which, and sees when they are right.

The records are those of all addresses, ready or not: nobody follows a pod's blink by hand.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from trunkline.dns.authorities import authorities
from trunkline.dns.faults import DnsOutcome
from trunkline.dns.outcomes import records_of, wrong_words
from trunkline.dns.patience import LONGEST_SECONDS
from trunkline.dns.provider import Installation
from trunkline.dns.verify import Verification, Verifier
from trunkline.plan.dns_records import EdgeSite, RecordSet, dns_records
from trunkline.settings import OperatorSettings
from trunkline.status.conditions import Opinion
from trunkline.status.reasons import StatusReason

MOST_RECORDS: Final = 256
"""Record sets in one status; the CRD allows as many."""

_ENTER: Final = "enter the records of status.dnsRecords"


def build(settings: OperatorSettings, _: Installation) -> ByHandProvider:
    """For `--dns-provider none`."""
    return ByHandProvider(settings.base_domain, settings.dns_server)


class ByHandProvider:
    """Writes nothing, and asks the servers that the zone's NS records name."""

    def __init__(self, base_domain: str, server: str = "") -> None:
        """`server`, HOST[:PORT], is asked instead of those, if it is given."""
        self._base_domain, self._server = base_domain, server
        self._verifier = Verifier()
        self.facts: Mapping[str, Mapping[str, Any]] = {}
        """By Edge: `dnsRecords`, as its status holds them."""
        self.patience = None
        self.named = frozenset[str]()

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
        zone, servers = await authorities(self._base_domain, self._server)
        return await self._verifier.verify(records, servers, zone) if servers else None

    async def written(self) -> Sequence[str]:
        """Nothing ever is."""
        return ()

    async def leave(self) -> str:
        """There is nothing to remove."""
        return ""

    def parting_words(self, fault: str, sites: Sequence[EdgeSite]) -> Sequence[str]:
        """Statuses say what people have entered."""
        return ()


def status_records(records: Sequence[RecordSet]) -> list[dict[str, Any]]:
    """Record sets as `status.dnsRecords` of an Edge holds them."""
    return [
        {"name": each.name, "type": each.type, "ttl": each.ttl, "values": list(each.values)}
        for each in records[:MOST_RECORDS]
    ]
