"""The compiler: from everything users wrote to what every edge must know, and to every verdict.

Pure, total and free of order: the same set of objects gives the same bytes, whatever is broken in it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from sipedge.table import DomainRow, EdgeTable, Row, Section
from trunkline.api import Edge, InvalidObject, Number, ObjectRef, Resources, Trunk
from trunkline.compiler import opinions
from trunkline.compiler.access import compile_access
from trunkline.compiler.accounts import assign_accounts
from trunkline.compiler.caller_ids import compile_caller_ids
from trunkline.compiler.carriers import compile_carriers
from trunkline.compiler.destinations import destinations
from trunkline.compiler.facts import Facts, facts_of_trunks
from trunkline.compiler.features import unavailable_features
from trunkline.compiler.guard import Guard, guarded, is_internal
from trunkline.compiler.numbers import compile_numbers
from trunkline.compiler.origination import compile_origination
from trunkline.compiler.reasons import ConditionReason
from trunkline.compiler.sites import accept_edges, compile_sites
from trunkline.compiler.trunk_rows import compile_trunk_rows, judge_origination
from trunkline.compiler.trunks import compile_trunks
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
    """Tables and verdicts of everything in `resources`.

    An object that cannot be compiled by a fault of our own is refused with `InternalError`, and all is as if
    it were not there. Raises MemoryError, and what is raised without any object.
    """
    return guarded(resources, _compile)


def _compile(resources: Resources, guard: Guard) -> Compilation:
    """One round: only good if `guard` has no faults after it."""
    edges, edge_verdicts = accept_edges(resources, guard)
    tenancy, account_verdicts = assign_accounts(resources, _claiming_namespaces(resources), guard)
    lists, list_verdicts = compile_access(resources, guard)
    trunks, trunk_verdicts = compile_trunks(resources, tenancy, lists, guard)
    known = frozenset(trunk.ref.id for trunk in resources.of(Trunk))
    reachable = destinations(resources, edges, guard)
    origination, uri_verdicts = compile_origination(resources, trunks, known, tenancy, reachable, guard)
    numbering, number_verdicts = compile_numbers(resources, tenancy, frozenset(trunks), known, guard)
    caller_ids, caller_id_verdicts = compile_caller_ids(resources, tenancy, guard)
    names = frozenset(edge.metadata.name for edge in edges)
    carriers, carrier_verdicts = compile_carriers(resources, names, reachable, guard)
    routes = {name: carriers.routes_at(name) for name in names}
    sites = compile_sites(resources, edges, tenancy.rows, routes, guard)
    shared: dict[Section, Mapping[str, Row]] = {
        Section.TRUNK: compile_trunk_rows(resources, trunks, origination.targets, guard),
        Section.DOMAIN: {one.domain: DomainRow(id) for id, one in trunks.items() if one.domain is not None},
        Section.NUMBER: numbering.numbers,
        Section.RANGE: numbering.ranges,
        Section.ACCOUNT: tenancy.rows,
        Section.CALLER_ID: caller_ids,
        Section.CREDENTIAL: lists.rows,
        Section.CARRIER: carriers.rows,
        Section.SOURCES: {"sources": carriers.sources},
    }
    tables = {
        name: EdgeTable(name, {**shared, Section.SITE: {"site": site}, Section.ROUTE: routes[name]})
        for name, site in sites.items()
    }
    verdicts = (
        *_invalid(resources),
        *edge_verdicts,
        *account_verdicts,
        *list_verdicts,
        *trunk_verdicts,
        *uri_verdicts,
        *number_verdicts,
        *caller_id_verdicts,
        *carrier_verdicts,
        *judge_origination(trunks, origination, numbering.count_of_trunk, guard),
        *unavailable_features(resources, guard),
    )
    facts = facts_of_trunks(resources, edges, trunks, numbering.count_of_trunk, guard)
    ordered = tuple(sorted(verdicts, key=lambda each: (each.ref, each.type)))
    faults = tuple(each for each in resources.invalid if is_internal(each))
    return Compilation(tables, ordered, facts, {edge.metadata.name: edge for edge in edges}, faults)


def _claiming_namespaces(resources: Resources) -> frozenset[str]:
    things = (*resources.of(Trunk), *resources.of(Number))
    return frozenset(thing.metadata.namespace or "" for thing in things)


def _invalid(resources: Resources) -> list[Verdict]:
    """An object that breaks a rule of its kind takes no part, and says so."""
    return [
        opinions.refused(
            thing,
            ConditionReason.INTERNAL_ERROR if is_internal(thing) else ConditionReason.INVALID,
            thing.errors[0].path if thing.errors else "",
            "; ".join(map(str, thing.errors)),
        )
        for thing in resources.invalid
    ]
