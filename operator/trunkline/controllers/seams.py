"""What the loop asks of the parts that it does not know: workloads, certificates, names."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from trunkline.api import Edge, Resources
from trunkline.plan.dns_records import EdgeSite
from trunkline.status.conditions import Opinion

Manifest = dict[str, Any]


@dataclass(frozen=True, slots=True)
class ServedEdge:
    """An accepted Edge with what only the cluster knows of it."""

    edge: Edge
    addresses: tuple[str, ...]
    """Every address of the edge, in an order that stays."""
    ready: tuple[str, ...]
    """Those that serve now."""
    domains: tuple[str, ...]
    """Termination domains of all trunks."""


class Workloads(Protocol):
    """Plans what an Edge consists of, beside its tables. Pure."""

    def __call__(self, edge: Edge) -> Sequence[Manifest]: ...


Facts = Callable[[], Mapping[str, Mapping[str, Any]]]
"""Gives fields for the status of Edges, by name."""


class Certificates(Protocol):
    """Sees to it that each Edge's served certificate is there."""

    async def reconcile(
        self, edges: Sequence[ServedEdge], resources: Resources
    ) -> Mapping[str, tuple[Opinion, ...]]:
        """Edge name to its `CertificateReady`. Faults are told in it, never raised."""

    def look_again(self) -> None:
        """Something may have vanished: the next `reconcile` reads all that is stored."""


class Names(Protocol):
    """Sees to it that the edges' names lead to their addresses."""

    @property
    def again_seconds(self) -> float:
        """How long to wait, when nothing changes, before the next `reconcile`."""

    async def reconcile(self, sites: Sequence[EdgeSite]) -> Mapping[str, tuple[Opinion, ...]]:
        """Edge name to its `DNSReady`. Faults are told in it, never raised."""
