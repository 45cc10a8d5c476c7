"""The compiler: from everything users wrote to what every edge must know, and to every verdict.

Pure, total and free of order: the same set of objects gives the same bytes, whatever is broken in it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from sipedge.table import EdgeTable, Row, Section
from sipedge.table.publication import PARTS
from trunkline.api import AnyResource, Edge, InvalidObject, ObjectRef, Resources
from trunkline.compiler.delta import Delta, InputChanges, RowChange, Surroundings
from trunkline.compiler.facts import Facts
from trunkline.compiler.running import RunningCompiler
from trunkline.compiler.verdict import Verdict


@dataclass(frozen=True, slots=True)
class Compilation:
    """What a set of resources comes to."""

    tables: Mapping[str, EdgeTable]
    """By edge name."""
    verdicts: tuple[Verdict, ...]
    """Sorted by object, then type; at least one for every object."""
    facts: Mapping[ObjectRef, Facts]
    """Status fields that need no edge's word, by object."""
    edges: Mapping[str, Edge] = field(default_factory=dict)
    """Each Edge as it is served: an older version where the newest is refused."""
    faults: tuple[InvalidObject, ...] = ()
    """Objects with the verdict `InternalError`, to be counted and logged: the messages hold no value."""


def compile_resources(resources: Resources) -> Compilation:
    """Tables and verdicts of everything in `resources`: a running compiler that is told all at once.

    An object that cannot be compiled by a fault of our own is refused with `InternalError`, and all is as if
    it were not there. Raises MemoryError, and what is raised without any object.
    """
    told = RunningCompiler(_surroundings(resources)).update(
        InputChanges(dict(_objects(resources)), dict(resources.secrets))
    )
    verdicts = (verdict for found in told.verdicts.values() for verdict in found)
    edges = {name: edge for name, edge in sorted(told.edges.items()) if edge is not None}
    return Compilation(
        tables={name: _table(name, told) for name in edges},
        verdicts=tuple(sorted(verdicts, key=_place)),
        facts={ref: facts for ref, facts in sorted(told.facts.items()) if facts is not None},
        edges=edges,
        faults=told.faults,
    )


def _surroundings(resources: Resources) -> Surroundings:
    return Surroundings(
        resources.platform,
        resources.observed_addresses,
        resources.advertised_addresses,
        resources.unreadable_namespaces,
        resources.served_edges,
        resources.node_addresses,
    )


def _objects(resources: Resources) -> Iterator[tuple[ObjectRef, AnyResource | InvalidObject]]:
    for things in resources.objects.values():
        yield from things.items()
    yield from ((each.ref, each) for each in resources.invalid)


def _table(edge: str, told: Delta) -> EdgeTable:
    sections: dict[Section, dict[str, Row]] = {section: {} for section in PARTS}
    changes = {**told.shared, **told.own.get(edge, {})}
    for (section, key), change in sorted(changes.items()):
        if change.row is not None and is_held(edge, change, told.account_edges):
            sections[section][key] = change.row
    return EdgeTable(edge, sections)


def is_held(edge: str, change: RowChange, account_edges: Mapping[str, frozenset[str] | None]) -> bool:
    """True if the edge is one of those that serve the row's account."""
    serving = None if change.account is None else account_edges.get(change.account)
    return serving is None or edge in serving


def _place(verdict: Verdict) -> tuple[str, str, str, str]:
    return verdict.ref.kind, verdict.ref.namespace or "", verdict.ref.name, verdict.type
