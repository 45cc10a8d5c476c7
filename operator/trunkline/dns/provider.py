"""What a provider of DNS records is, and what it may ask of the cluster."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from trunkline.api import SecretValues
from trunkline.plan.dns_records import EdgeSite
from trunkline.plan.foreign import ForeignObjects
from trunkline.settings import OperatorSettings
from trunkline.status.conditions import Opinion


class Installation(Protocol):
    """Whose records a provider writes, in its cluster. Faults are raised; their text holds no secret."""

    @property
    def objects(self) -> ForeignObjects:
        """Objects of other projects."""

    async def secret(self, name: str) -> SecretValues | None:
        """What a Secret of the operator's namespace holds; None if it is not there."""

    async def installation_id(self) -> str:
        """The id by which this installation knows its records again, made on first need."""

    async def has_installation_id(self) -> bool:
        """False = it was never needed."""


class Provider(Protocol):
    """Sees to it that the edges' names lead to their addresses.

    Level-triggered: each `reconcile` compares all that is wanted with all that is there, and writes nothing
    where both agree. The last address of an Edge is never withdrawn.
    """

    @property
    def again_seconds(self) -> float:
        """How long to wait, when nothing changes, before the next `reconcile`."""

    @property
    def facts(self) -> Mapping[str, Mapping[str, Any]]:
        """Fields for the status of Edges, by name."""

    @property
    def patience(self) -> datetime.timedelta | None:
        """How long a deleted Edge waits until no record names it. None = this provider writes none."""

    @property
    def named(self) -> frozenset[str] | None:
        """The Edges that records may name after the last `reconcile`; None = that is not known."""

    async def reconcile(self, sites: Sequence[EdgeSite]) -> Mapping[str, tuple[Opinion, ...]]:
        """Edge name to its `DNSReady`. Records of other Edges are removed. Faults are told, never raised."""

    async def written(self) -> Sequence[str]:
        """What `leave` would remove, a line each for people; none if nothing was ever written. May raise."""

    async def leave(self) -> str:
        """Remove all that was ever written; why that did not work out, or "". Raises nothing."""

    def parting_words(self, fault: str, sites: Sequence[EdgeSite]) -> Sequence[str]:
        """What people must know after the last `leave`, which gave `fault`; `sites` may still be named."""


Build = Callable[[OperatorSettings, Installation], Provider]
"""How a provider is made: what `dns.providers` registers by its name."""
