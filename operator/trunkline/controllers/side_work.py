"""Certificates and names: each at its own pace, so that a silent DNS server holds up no publication."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Final

from sipedge.fault import describe_fault
from trunkline.api import Resources
from trunkline.controllers.seams import Certificates, Facts, Names, ServedEdge
from trunkline.plan.dns_records import EdgeSite, serving_addresses
from trunkline.status.conditions import Opinion

log = logging.getLogger(__name__)

RESYNC_SECONDS: Final = 30.0

Opinions = Mapping[str, tuple[Opinion, ...]]


class SideWork:
    """What the edges need beside tables and pods; any of it may be missing."""

    def __init__(
        self,
        certificates: Certificates | None,
        names: Names | None,
        facts: Facts = dict,
        dns_fault: Callable[[], str] | None = None,
    ) -> None:
        """`dns_fault` tells why DNS records are not as wanted; None = this operator writes none."""
        self._certificates, self._names, self._facts = certificates, names, facts
        self._dns_fault = dns_fault
        self._sited: frozenset[str] | None = None
        self._edges: Sequence[ServedEdge] | None = None
        self._resources: Resources | None = None
        self._places: object = None
        self._named: dict[str, tuple[str, ...]] = {}
        self._changed: Callable[[], None] = lambda: None
        self._wakes = (asyncio.Event(), asyncio.Event())
        self._told: tuple[Opinions, Opinions] = ({}, {})

    def wish(self, edges: Sequence[ServedEdge], resources: Resources) -> None:
        """What should be seen to from now on."""
        if resources is self._resources and edges == self._edges:
            return
        self._edges, self._resources = edges, resources
        self._wakes[0].set()
        # Names do not depend on trunks: a changed number is no reason to ask a DNS server.
        places = [(each.edge, each.addresses, each.ready) for each in edges]
        if places != self._places:
            self._places = places
            self._wakes[1].set()

    def look_again(self) -> None:
        """Something that is seen to here may have vanished."""
        if self._certificates is not None:
            self._certificates.look_again()
            self._wakes[0].set()

    def silent_on(self, edge: str) -> Sequence[str]:
        """The conditions of an Edge that are to be decided here and are not yet."""
        sought = (("CertificateReady", self._certificates), ("DNSReady", self._names))
        told = {opinion.type for opinion in self.opinions(edge)}
        return [kind for kind, part in sought if part is not None and kind not in told]

    def opinions(self, edge: str) -> tuple[Opinion, ...]:
        """The conditions of an Edge that are decided here."""
        return tuple(opinion for told in self._told for opinion in told.get(edge, ()))

    def facts(self, edge: str) -> Mapping[str, Any]:
        """Fields of the Edge's status that are decided here."""
        return self._facts().get(edge, {})

    @property
    def cleanliness(self) -> Callable[[str], bool] | None:
        """Says of a deleted Edge that no DNS record of it is left; None if records are none of ours."""
        return None if self._dns_fault is None else self._is_clean

    def _is_clean(self, edge: str) -> bool:
        return self._sited is not None and edge not in self._sited

    async def run(self, changed: Callable[[], None]) -> None:
        """Until cancelled; `changed` is called when an opinion has changed."""
        self._changed = changed
        async with asyncio.TaskGroup() as group:
            if self._certificates is not None:
                group.create_task(self._keep(0, self._see_to_certificates, changed))
            if self._names is not None:
                group.create_task(self._keep(1, self._see_to_names, changed))

    async def _keep(
        self, place: int, step: Callable[[], Awaitable[Opinions]], changed: Callable[[], None]
    ) -> None:
        wake = self._wakes[place]
        while True:
            wake.clear()
            if self._edges is not None:
                try:
                    told = await step()
                except Exception as error:
                    log.error("certificates or names failed: %s", describe_fault(error))
                    told = self._told[place]
                if told != self._told[place]:
                    self._told = (told, self._told[1]) if place == 0 else (self._told[0], told)
                    changed()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._rest(place)):
                    await wake.wait()

    def _rest(self, place: int) -> float:
        """Seconds until the next look, when nothing changes."""
        return self._names.again_seconds if place == 1 and self._names is not None else RESYNC_SECONDS

    async def _see_to_certificates(self) -> Opinions:
        if self._certificates is None or self._resources is None:
            return {}
        return await self._certificates.reconcile(self._edges or (), self._resources)

    async def _see_to_names(self) -> Opinions:
        if self._names is None:
            return {}
        sites = [self._site(each) for each in self._edges or ()]
        told = await self._names.reconcile(sites)
        before, self._sited = self._sited, None
        if self._dns_fault is not None and not self._dns_fault():
            self._sited = frozenset(site.name for site in sites)
        if self._sited != before:
            self._changed()
        return told

    def _site(self, served: ServedEdge) -> EdgeSite:
        spec, name = served.edge.spec, served.edge.metadata.name
        self._named[name] = serving_addresses(served.addresses, served.ready, self._named.get(name, ()))
        ports = {"udp": spec.ports.udp, "tcp": spec.ports.tcp, "tls": spec.ports.tls}
        return EdgeSite(name, spec.region, served.addresses, self._named[name], spec.dns.ttl_seconds, ports)
