"""What the loop asks of the parts that it does not know: workloads, certificates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from trunkline.api import Edge
from trunkline.status.conditions import Opinion
from trunkline.tls.cluster import GivenSecrets

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

    def __call__(self, edge: Edge, nodes: Sequence[str]) -> Sequence[Manifest]:
        """`nodes` are the only ones that its pods may run on; empty = any."""


class Certificates(Protocol):
    """Sees to it that each Edge's served certificate is there."""

    async def reconcile(
        self, edges: Sequence[ServedEdge], secrets: GivenSecrets
    ) -> Mapping[str, tuple[Opinion, ...]]:
        """Edge name to its `CertificateReady`. Faults are told in it, never raised."""

    def look_again(self) -> None:
        """Something may have vanished: the next `reconcile` reads all that is stored."""
