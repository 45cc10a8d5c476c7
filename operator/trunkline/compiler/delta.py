"""What changes from one compilation to the next: inputs in, rows, verdicts and facts out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from sipedge.table import Row, Section
from trunkline.api import AnyResource, Edge, InvalidObject, ObjectRef
from trunkline.api.resources import Platform
from trunkline.api.secret_value import SecretValues
from trunkline.compiler.facts import Facts
from trunkline.compiler.verdict import Verdict

RowKey = tuple[Section, str]
"""Section and key of a row, as in `EdgeTable.sections`."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What the compiler must know that is no object of a user and no Secret. Compared as a whole."""

    platform: Platform
    observed_addresses: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Edge name -> addresses that its instances were given, where the Edge itself lists none."""
    advertised_addresses: Mapping[str, tuple[tuple[str, str], ...]] = field(default_factory=dict)
    """Edge name -> addresses of its nodes that callers see as others: (local, advertised)."""
    unreadable_namespaces: frozenset[str] = frozenset()
    served_edges: Mapping[str, Edge] = field(default_factory=dict)
    """Edge name -> the version of it that is served. It goes on where a newer one is refused: the caller
    gives back here what `Delta.edges` said."""
    node_addresses: frozenset[str] = frozenset()
    """Addresses of the machines where edges run: no call is sent there, but for an Account's exceptions."""
    absent_addresses: frozenset[str] = frozenset()
    """Addresses of edges where nothing has served for a while: no edge hands a call over there."""


@dataclass(frozen=True, slots=True)
class InputChanges:
    """What is different since the last update. Naming something that did not change costs time, no more."""

    objects: Mapping[ObjectRef, AnyResource | InvalidObject | None] = field(default_factory=dict)
    """None = the object is gone, or is ending."""
    secrets: Mapping[tuple[str, str], SecretValues | None] = field(default_factory=dict)
    """By namespace and name; None = gone or not readable."""
    surroundings: Surroundings | None = None
    """None = as before."""


class RowChange(NamedTuple):
    """One row as it is now, whose it is, and where it belongs. A tuple: there are many."""

    row: Row | None
    """None = the row is gone."""
    owner: ObjectRef | None
    """The object that the row is made of; None where several share it (sources, routes by prefix)."""
    account: str | None
    """The account whose edges alone hold the row (`Delta.account_edges`); None = every edge does."""
    revokes: bool = False
    """True if it takes a right away (a password, an access list entry, a suspended account): never waits."""


@dataclass(frozen=True, slots=True)
class Delta:
    """What an update changed. At rest, the sum of all deltas equals a cold compilation of all inputs."""

    shared: Mapping[RowKey, RowChange] = field(default_factory=dict)
    """Rows of the sections that all edges of an account have alike."""
    own: Mapping[str, Mapping[RowKey, RowChange]] = field(default_factory=dict)
    """Edge name -> rows of its own sections (`OWN_SECTIONS`)."""
    account_edges: Mapping[str, frozenset[str] | None] = field(default_factory=dict)
    """Account id -> names of the Edges that hold its rows, for accounts of which that changed; None = all,
    also of an account that is gone. What was never told is None."""
    edges: Mapping[str, Edge | None] = field(default_factory=dict)
    """Edges whose served version changed; None = it is served no more."""
    verdicts: Mapping[ObjectRef, tuple[Verdict, ...]] = field(default_factory=dict)
    """All verdicts of each object of which one changed; empty = the object is gone."""
    facts: Mapping[ObjectRef, Facts | None] = field(default_factory=dict)
    faults: tuple[InvalidObject, ...] = ()
    """Objects that are newly refused with `InternalError`, to be counted and logged."""

    @property
    def is_empty(self) -> bool:
        """True if nothing has to be published or reported."""
        return not (
            self.shared
            or self.own
            or self.account_edges
            or self.edges
            or self.verdicts
            or self.facts
            or self.faults
        )
