"""The names of the edges on this machine: which records there should be, and whether they are answered."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence

from trunkline.plan.dns_records import RecordSet, dns_records
from trunkline.reconcile.schedule import Outcome
from trunkline.standalone.nameserver import NameServer
from trunkline.standalone.serving import ServingAddresses
from trunkline.standalone.sites import LocalEdge
from trunkline.standalone.state_files import disk_fault
from trunkline.status.conditions import Opinion
from trunkline.status.programmed import EdgeReport
from trunkline.status.reasons import StatusReason

LOOK_SECONDS = 0.5
_WRONG_IS_NEWS = 6
"""So many looks in a row must find the DNS server wrong before that is told: a reload takes a moment."""


class Zone:
    """Keeps the zone as planned."""

    def __init__(self, nameserver: NameServer, base_domain: str) -> None:
        self._nameserver, self._base_domain = nameserver, base_domain
        self._serving = ServingAddresses()
        self._edges: Mapping[str, LocalEdge] = {}
        self._wrong_in_a_row = 0

    def update(self, edges: Mapping[str, LocalEdge], reports: Sequence[EdgeReport]) -> bool:
        """These edges should have names. True if other records are wanted than before."""
        before = self._edges
        self._edges = edges
        return self._serving.update(reports, time.monotonic()) or before != edges

    @property
    def is_right(self) -> bool:
        """True if the server runs and was seen to answer as planned."""
        return self._nameserver.running and not self._nameserver.lacking(self._records())

    async def keep(self) -> Outcome:
        """Make the server answer as planned, and see whether it does."""
        records = self._records()
        try:
            await self._nameserver.serve(records)
        except OSError as error:
            return Outcome(f"the zone is not written: {disk_fault(error)}")
        self._wrong_in_a_row = self._wrong_in_a_row + 1 if self._nameserver.lacking(records) else 0
        fault = self._nameserver.fault
        if not fault and self._wrong_in_a_row > _WRONG_IS_NEWS:
            fault = "does not answer as planned"
        return Outcome(fault and f"the DNS server {fault}", again=LOOK_SECONDS)

    def opinions(self) -> Iterable[tuple[LocalEdge, Opinion]]:
        """`DNSReady` of each edge."""
        lacking = self._nameserver.lacking(self._records())
        for edge in self._edges.values():
            yield edge, _opinion(edge, self._base_domain, lacking, self._nameserver.running)

    def _records(self) -> tuple[RecordSet, ...]:
        """What DNS should say now."""
        sites = [edge.site(self._serving.of(edge.name, edge.addresses)) for edge in self._edges.values()]
        return dns_records(sites, self._base_domain)


def _opinion(edge: LocalEdge, base_domain: str, lacking: tuple[str, ...], running: bool) -> Opinion:
    if not running:
        return Opinion("DNSReady", "False", StatusReason.DNS_NOT_RUNNING, "the DNS server is not running")
    labels = [label for label in (edge.name, edge.edge.spec.region) if label]
    mine = sorted(
        each for each in lacking if any(each.endswith(f".{label}.{base_domain}") for label in labels)
    )
    if mine:
        message = f"not yet answered as planned: {', '.join(mine[:3])}"
        return Opinion("DNSReady", "False", StatusReason.PROPAGATING, message)
    return Opinion(
        "DNSReady", "True", StatusReason.DNS_CORRECT, "the authoritative server answers as planned"
    )
