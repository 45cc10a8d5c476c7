"""Which objects wait for the edges, by what they wait for: a word of an edge touches only those."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from trunkline.api import ObjectRef
from trunkline.status.conditions import Opinion
from trunkline.status.programmed import EdgeReport, programmed
from trunkline.status.report import own_reports


@dataclass(frozen=True, slots=True)
class Requirement:
    """What the edges must have acknowledged before an object counts as programmed."""

    sequences: tuple[tuple[str, int], ...] = ()
    """Edge and sequence, sorted."""
    account: str | None = None
    """Whose edges alone serve the object; None = all edges do."""


def requirement(sequences: Mapping[str, int], account: str | None = None) -> Requirement:
    """From edge -> sequence."""
    return Requirement(tuple(sorted(sequences.items())), account)


@dataclass(slots=True)
class _Group:
    """The objects that wait for the same, and what the edges say of it now."""

    outcome: Opinion
    members: set[ObjectRef] = field(default_factory=set)


class Waits:
    """Objects in groups: thousands that one publication holds are one group."""

    def __init__(self) -> None:
        self._groups: dict[Requirement, _Group] = {}
        self._edges: tuple[EdgeReport, ...] = ()
        self._serving: dict[str, frozenset[str]] = {}

    @property
    def edges(self) -> tuple[EdgeReport, ...]:
        """What the edges said last."""
        return self._edges

    def join(self, ref: ObjectRef, required: Requirement) -> None:
        """`ref` waits from now on."""
        group = self._groups.get(required)
        if group is None:
            group = self._groups[required] = _Group(self._outcome(required))
        group.members.add(ref)

    def leave(self, ref: ObjectRef, required: Requirement) -> None:
        """It waits no more."""
        if (group := self._groups.get(required)) is not None:
            group.members.discard(ref)
            if not group.members:
                del self._groups[required]

    def outcome(self, ref: ObjectRef, required: Requirement) -> Opinion:
        """What the edges that count for `ref` say now."""
        if ref.kind == "Edge":
            return programmed(dict(required.sequences), own_reports(ref, self._edges))
        group = self._groups.get(required)
        return group.outcome if group is not None else self._outcome(required)

    def hear(self, edges: Sequence[EdgeReport]) -> set[ObjectRef]:
        """Take note of the edges' word; those that wait and for whom it is another one now."""
        self._edges = tuple(edges)
        return self._look()

    def otherwise(self, account_edges: Mapping[str, frozenset[str] | None]) -> frozenset[str]:
        """The accounts that these edges would be news for."""
        told = account_edges.items()
        return frozenset(account for account, edges in told if self._serving.get(account) != edges)

    def serve(self, account_edges: Mapping[str, frozenset[str] | None]) -> set[ObjectRef]:
        """These accounts are served by other edges than before; whom that concerns. None = by all."""
        for account, edges in account_edges.items():
            if edges is None:
                self._serving.pop(account, None)
            else:
                self._serving[account] = edges
        return self._look() if account_edges else set()

    def _look(self) -> set[ObjectRef]:
        changed: set[ObjectRef] = set()
        for required, group in self._groups.items():
            before, group.outcome = group.outcome, self._outcome(required)
            # Who is waited for changes with each acknowledgement: that alone is no news.
            if (before.status, before.reason) != (group.outcome.status, group.outcome.reason):
                changed |= group.members
        return changed

    def _outcome(self, required: Requirement) -> Opinion:
        serving = self._serving.get(required.account) if required.account is not None else None
        return programmed(dict(required.sequences), self._edges, serving)
