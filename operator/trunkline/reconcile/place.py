"""A place where edges run: this machine, or the own cluster. The loop knows no more of it than this."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from trunkline.api import Edge, ObjectRef
from trunkline.compiler.delta import Delta
from trunkline.status.conditions import Opinion
from trunkline.status.programmed import EdgeReport


class OvertakenError(Exception):
    """Another process writes what this one publishes: it must stop acting."""


class LostRowsError(Exception):
    """A delta that was taken could not be worked in: what is to be published is not known any more."""


@dataclass(frozen=True, slots=True)
class Publication:
    """How far a place's tables are. Faults are values."""

    written: int = 0
    """Objects or files written by the last publication; 0 = all was there."""
    sequences: Mapping[str, int] = field(default_factory=dict)
    """Edge -> the sequence that contains everything that was given so far, published or still to be, but for
    the rows of the objects in `last_row`."""
    last_row: Mapping[ObjectRef, Mapping[str, int]] = field(default_factory=dict)
    """Object -> edge -> the sequence that holds the last of its rows, for objects that had to wait. Of those
    that still wait it is `NOT_YET`, which no edge ever has; of the others it is told for a while."""
    faults: Mapping[str, str] = field(default_factory=dict)
    """Edge -> why its newest table is not published; the last one stays in force."""
    left_out: Mapping[ObjectRef, str] = field(default_factory=dict)
    """Objects whose rows found no room in their part, and the mend (`Accepted=False, TooLarge`)."""
    opinions: Mapping[ObjectRef, tuple[Opinion, ...]] = field(default_factory=dict)
    """Conditions that only the publication knows: an Account whose rows all edges hold for the moment, an
    object of which a row cannot be written down, an Edge of whose table a part is too large."""
    waiting: int = 0
    """Rows that wait for a later publication."""


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where callers reach the instances of Edges that do not say so themselves."""

    observed: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Edge -> addresses that its instances were given, for Edges that list none."""
    advertised: Mapping[str, tuple[tuple[str, str], ...]] = field(default_factory=dict)
    """Edge -> addresses of its nodes that callers see as others: (local, advertised)."""
    nodes: frozenset[str] = frozenset()
    """Those of all machines where edges may run: no call is sent there, but for an Account's exceptions."""


@dataclass(frozen=True, slots=True)
class Observation:
    """What a place sees of its edges now."""

    reports: tuple[EdgeReport, ...] = ()
    """One for each edge that was asked for, by name."""
    addresses: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Edge -> all its addresses, whether anything serves there or not, in an order that stays."""
    opinions: Mapping[str, tuple[Opinion, ...]] = field(default_factory=dict)
    """Edge -> conditions that only the place knows (Deployed and the like)."""
    faults: Mapping[str, str] = field(default_factory=dict)
    """Edge -> why the place could not look at it; what was known of it stays."""


class Place(Protocol):
    """It plans for itself, by pure functions. When its steps run is the loop's part, after a fault as well.

    Users' objects, their statuses, Events, DNS, certificates and the Lease are those of the home.
    """

    def addresses(self, edges: Mapping[str, Edge]) -> Addresses:
        """The addresses that these edges have here, or would have; asked before anything is compiled."""

    async def apply(self, edges: Mapping[str, Edge]) -> Mapping[str, str]:
        """Make what runs these edges (pods, processes) what the edges say; those not named end.

        Cheap where nothing is to be done. Edge -> why its instances are not as they should be.
        """

    def take(self, delta: Delta) -> None:
        """Remember what has to be published. In memory alone, so that nothing can be lost or hold it up."""

    def start_over(self) -> None:
        """Forget what was taken: the next delta tells everything. What is published stays until then."""

    async def publish(self) -> Publication:
        """Publish as much as one publication may hold of what was taken.

        Raises OvertakenError, and LostRowsError where everything has to be told again.

        May be cancelled at any moment; what was not written is then found out by the next call.
        """

    def observed(self, edges: Mapping[str, Edge]) -> Observation:
        """What is seen now of these edges; cheap, without waiting."""

    def on_change(self, wake: Callable[[], None]) -> None:
        """`wake` is called whenever `addresses`, `observed` or what is published may have something new."""

    async def close(self) -> None:
        """End what the place itself started; tables and pods of a cluster stay."""


def edges_at_fault(faults: Mapping[str, str]) -> str:
    """The faults of several edges as one line; "" if there are none."""
    return "; ".join(f"Edge {edge}: {fault}" for edge, fault in sorted(faults.items()))


def names_of(edges: Iterable[Edge]) -> Mapping[str, Edge]:
    """Edges by name."""
    return {edge.metadata.name: edge for edge in edges}
