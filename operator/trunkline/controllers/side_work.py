"""Certificates and names: each at its own pace, so that a silent DNS server holds up no publication."""

from __future__ import annotations

import asyncio
import datetime
import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from sipedge.fault import describe_fault
from trunkline.controllers.object_changes import ReadableSecrets
from trunkline.controllers.seams import Certificates, ServedEdge
from trunkline.dns.provider import Provider
from trunkline.plan.dns_records import EdgeSite, serving_addresses
from trunkline.reconcile.schedule import Outcome, Schedule
from trunkline.reconcile.worker import Worker
from trunkline.status.conditions import Opinion

log = logging.getLogger(__name__)

RESYNC_SECONDS: Final = 30.0
BESIDE: Final = Schedule(first_retry=RESYNC_SECONDS, longest_retry=RESYNC_SECONDS)

Opinions = Mapping[str, tuple[Opinion, ...]]


class CertificateWork:
    """Sees to the certificates of the Edges."""

    def __init__(self, certificates: Certificates) -> None:
        self._certificates = certificates
        self._wished: tuple[Sequence[ServedEdge], ReadableSecrets] | None = None
        self._changed: Callable[[], None] = lambda: None
        self._worker = Worker(self._step, BESIDE, lambda outcome, seconds: None, _told)
        self.told: Opinions = {}
        """`CertificateReady` by Edge."""

    def wish(self, edges: Sequence[ServedEdge], secrets: ReadableSecrets) -> None:
        """What should be seen to from now on."""
        before = self._wished
        self._wished = edges, secrets
        if before is None or secrets is not before[1] or edges != before[0]:
            self._worker.ask()

    def look_again(self) -> None:
        """Something may have vanished."""
        self._certificates.look_again()
        self._worker.ask()

    async def run(self, changed: Callable[[], None]) -> None:
        """Until cancelled; `changed` is called when an opinion has changed."""
        self._changed = changed
        await self._worker.run()

    async def _step(self) -> Outcome:
        if self._wished is not None:
            told = await self._certificates.reconcile(*self._wished)
            if told != self.told:
                self.told = told
                self._changed()
        return Outcome(again=RESYNC_SECONDS)


class NameWork:
    """Sees to the names of the Edges."""

    def __init__(self, provider: Provider) -> None:
        self._provider = provider
        self._edges: Sequence[ServedEdge] = ()
        self._places: object = None
        self._named: dict[str, tuple[str, ...]] = {}
        self._changed: Callable[[], None] = lambda: None
        self._worker = Worker(self._step, BESIDE, lambda outcome, seconds: None, _told)
        self.told: Opinions = {}
        """`DNSReady` by Edge."""

    def wish(self, edges: Sequence[ServedEdge]) -> None:
        """What should be seen to from now on."""
        # Names do not depend on trunks: a changed number is no reason to ask a DNS server.
        places = [(each.edge, each.addresses, each.ready) for each in edges]
        self._edges = edges
        if places != self._places:
            self._places = places
            self._worker.ask()

    @property
    def provider(self) -> Provider:
        """Whose records these are."""
        return self._provider

    async def run(self, changed: Callable[[], None]) -> None:
        """Until cancelled; `changed` is called when an opinion has changed, or what records may name."""
        self._changed = changed
        await self._worker.run()

    async def _step(self) -> Outcome:
        if self._places is not None:
            before = self._provider.named
            told = await self._provider.reconcile([self._site(each) for each in self._edges])
            if told != self.told or self._provider.named != before:
                self.told = told
                self._changed()
        return Outcome(again=self._provider.again_seconds)

    def _site(self, served: ServedEdge) -> EdgeSite:
        metadata, spec = served.edge.metadata, served.edge.spec
        named = serving_addresses(served.addresses, served.ready, self._named.get(metadata.name, ()))
        self._named[metadata.name] = named
        return EdgeSite(
            name=metadata.name,
            region=spec.region,
            addresses=served.addresses,
            serving=named,
            ttl_seconds=spec.dns.ttl_seconds,
            ports={"udp": spec.ports.udp, "tcp": spec.ports.tcp, "tls": spec.ports.tls},
            uid=metadata.uid or "",
        )


class SideWork:
    """What the edges need beside tables and pods; any of it may be missing."""

    def __init__(self, certificates: Certificates | None, names: Provider | None) -> None:
        self._certificates = None if certificates is None else CertificateWork(certificates)
        self._names = None if names is None else NameWork(names)

    def wish(self, edges: Sequence[ServedEdge], secrets: ReadableSecrets) -> None:
        """What should be seen to from now on."""
        if self._certificates is not None:
            self._certificates.wish(edges, secrets)
        if self._names is not None:
            self._names.wish(edges)

    def look_again(self) -> None:
        """Something that is seen to here may have vanished."""
        if self._certificates is not None:
            self._certificates.look_again()

    def silent_on(self, edge: str) -> Sequence[str]:
        """The conditions of an Edge that are to be decided here and are not yet."""
        sought = (("CertificateReady", self._certificates), ("DNSReady", self._names))
        told = {opinion.type for opinion in self.opinions(edge)}
        return [kind for kind, part in sought if part is not None and kind not in told]

    def opinions(self, edge: str) -> tuple[Opinion, ...]:
        """The conditions of an Edge that are decided here."""
        parts = (self._certificates, self._names)
        return tuple(opinion for part in parts if part is not None for opinion in part.told.get(edge, ()))

    def facts(self, edge: str) -> Mapping[str, Any]:
        """Fields of the Edge's status that are decided here."""
        return self._names.provider.facts.get(edge, {}) if self._names is not None else {}

    @property
    def patience(self) -> datetime.timedelta | None:
        """How long a deleted Edge waits until no DNS record names it; None if records are none of ours."""
        return None if self._names is None else self._names.provider.patience

    def is_clean(self, edge: str) -> bool:
        """True if no DNS record of a deleted Edge is left."""
        named = None if self._names is None else self._names.provider.named
        return named is not None and edge not in named

    async def run(self, changed: Callable[[], None]) -> None:
        """Until cancelled; `changed` is called when an opinion has changed."""
        async with asyncio.TaskGroup() as group:
            for part in (self._certificates, self._names):
                if part is not None:
                    group.create_task(part.run(changed))


def _told(error: Exception) -> str:
    fault = describe_fault(error)
    log.error("certificates or names failed: %s", fault)
    return fault
