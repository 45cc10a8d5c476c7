"""This machine as the place where edges run: for each address a Kamailio and an agent, tables as files."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

from sipedge.table import Section, SiteRow
from trunkline.api import Edge
from trunkline.compiler.delta import Delta
from trunkline.reconcile.place import Addresses, Observation, Publication
from trunkline.standalone.instances import Fleet
from trunkline.standalone.sites import local_edges, observed_addresses
from trunkline.standalone.tables import Tables
from trunkline.status.programmed import AddressReport, EdgeReport
from trunkline.tls.self_signed import KeyPair


class LocalPlace:
    """Instances and tables of this machine."""

    def __init__(
        self, fleet: Fleet, tables: Tables, pairs: Callable[[], Mapping[str, KeyPair]], *, relays: bool
    ) -> None:
        """`pairs` has the certificate of each edge that has one by now; no edge starts without.

        With `relays` edges relay media.
        """
        self._fleet, self._tables, self._pairs, self._relays = fleet, tables, pairs, relays
        self._deprecated_tls: set[str] = set()
        """Edges where some Account allows TLS 1.0 and 1.1 (S14)."""
        self._observed: Mapping[str, tuple[str, ...]] = {}

    def addresses(self, edges: Mapping[str, Edge]) -> Addresses:
        """Loopback addresses for Edges that list none."""
        self._observed = observed_addresses(edges.values())
        return Addresses(self._observed)

    async def apply(self, edges: Mapping[str, Edge]) -> Mapping[str, str]:
        """Start, replace and stop instances; why one does not serve is told by its report."""
        pairs = self._pairs()
        wishes = {
            (name, wish.address): wish
            for name, edge in local_edges(edges.values(), self._observed).items()
            if name in pairs
            for wish in edge.wishes(name in self._deprecated_tls, self._relays)
        }
        self._fleet.become(wishes, pairs)
        return {}

    def take(self, delta: Delta) -> None:
        """For the next publication."""
        self._tables.take(delta)
        for edge, rows in delta.own.items():
            change = rows.get((Section.SITE, "site"))
            if change is not None:
                admits = isinstance(change.row, SiteRow) and change.row.deprecated_tls
                (self._deprecated_tls.add if admits else self._deprecated_tls.discard)(edge)

    def start_over(self) -> None:
        """Nothing was taken yet."""
        self._tables.start_over()
        self._deprecated_tls.clear()

    async def publish(self) -> Publication:
        """Write what differs."""
        return self._tables.publish()

    def observed(self, edges: Mapping[str, Edge]) -> Observation:
        """What the agents of all instances said last."""
        now = time.time()
        told: dict[str, list[AddressReport]] = {name: [] for name in edges}
        for instance in self._fleet.instances:
            instance.end_hung_relay(now)
            if instance.wish.edge in told:
                told[instance.wish.edge].append(instance.report(now))
        return Observation(
            tuple(EdgeReport(edge, tuple(addresses)) for edge, addresses in sorted(told.items())),
            {name: edge.addresses for name, edge in local_edges(edges.values(), self._observed).items()},
        )

    def on_change(self, wake: Callable[[], None]) -> None:
        """A process has started or ended; what agents say is looked at with each report."""
        self._fleet.on_change(wake)

    def hurry(self) -> None:
        """End every drain at once."""
        self._fleet.hurry()

    async def close(self) -> None:
        """Drain and stop all; returns when no process is left."""
        await self._fleet.stop()
