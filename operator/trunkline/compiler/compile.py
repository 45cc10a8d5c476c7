"""The compiler: from everything users wrote to what every edge must know, and to every verdict.

Pure, total and free of order: the same set of objects gives the same bytes, whatever is broken in it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from sipedge.table import DomainRow, EdgeTable, Row, Section, TargetRow, TrunkRow
from trunkline.api import Edge, Number, ObjectRef, Resources, Trunk
from trunkline.compiler import opinions
from trunkline.compiler.access import compile_access
from trunkline.compiler.accounts import assign_accounts
from trunkline.compiler.caller_ids import compile_caller_ids
from trunkline.compiler.carriers import compile_carriers
from trunkline.compiler.facts import Facts, facts_of_trunks
from trunkline.compiler.features import unavailable_features
from trunkline.compiler.numbers import Numbering, compile_numbers
from trunkline.compiler.origination import compile_origination
from trunkline.compiler.reasons import ConditionReason
from trunkline.compiler.sids import trunk_sid
from trunkline.compiler.sites import accept_edges, compile_sites
from trunkline.compiler.trunks import ServedTrunk, compile_trunks
from trunkline.compiler.verdict import ConditionType, Verdict


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


def compile_resources(resources: Resources) -> Compilation:
    """Tables and verdicts of everything in `resources`. Never raises for what a decoded object can hold."""
    edges, edge_verdicts = accept_edges(resources)
    tenancy, account_verdicts = assign_accounts(resources, _claiming_namespaces(resources))
    lists, list_verdicts = compile_access(resources)
    trunks, trunk_verdicts = compile_trunks(resources, tenancy, lists)
    known = frozenset(trunk.ref.id for trunk in resources.of(Trunk))
    targets, uri_verdicts = compile_origination(resources, trunks, known)
    numbering, number_verdicts = compile_numbers(resources, tenancy, frozenset(trunks), known)
    caller_ids, caller_id_verdicts = compile_caller_ids(resources, tenancy)
    carriers, carrier_verdicts = compile_carriers(resources, frozenset(edge.metadata.name for edge in edges))
    routes = {edge.metadata.name: carriers.routes_at(edge.metadata.name) for edge in edges}
    sites = compile_sites(resources, edges, tenancy.rows, routes)
    shared: dict[Section, Mapping[str, Row]] = {
        Section.TRUNK: _trunk_rows(resources, trunks, targets),
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
        *_origination_readiness(trunks, targets, numbering),
        *unavailable_features(resources),
    )
    facts = facts_of_trunks(resources, edges, trunks, numbering.count_of_trunk)
    ordered = tuple(sorted(verdicts, key=lambda each: (each.ref, each.type)))
    return Compilation(tables, ordered, facts, {edge.metadata.name: edge for edge in edges})


def _claiming_namespaces(resources: Resources) -> frozenset[str]:
    things = (*resources.of(Trunk), *resources.of(Number))
    return frozenset(thing.metadata.namespace or "" for thing in things)


def _invalid(resources: Resources) -> list[Verdict]:
    """An object that breaks a rule of its kind takes no part, and says so."""
    return [
        opinions.refused(
            thing,
            ConditionReason.INVALID,
            thing.errors[0].path if thing.errors else "",
            "; ".join(f"{error.path}: {error.message}" for error in thing.errors),
        )
        for thing in resources.invalid
    ]


def _trunk_rows(
    resources: Resources, trunks: Mapping[str, ServedTrunk], targets: Mapping[str, tuple[TargetRow, ...]]
) -> Mapping[str, TrunkRow]:
    base = resources.platform.base_domain
    return {
        id: TrunkRow(
            id=id,
            sid=trunk_sid(base, one.trunk.metadata.namespace or "", one.trunk.metadata.name),
            account=one.tenant.id,
            domain=one.domain,
            secure=one.trunk.spec.secure,
            access=one.access,
            credential_lists=one.credential_lists,
            calls_per_second=one.trunk.spec.termination.calls_per_second
            if one.trunk.spec.termination
            else None,
            max_concurrent_calls=one.trunk.spec.max_concurrent_calls,
            targets=targets[id],
        )
        for id, one in trunks.items()
    }


def _origination_readiness(
    trunks: Mapping[str, ServedTrunk], targets: Mapping[str, tuple[TargetRow, ...]], numbering: Numbering
) -> list[Verdict]:
    """S45, S61: both a number and an enabled URI are needed. A trunk with neither is only for termination."""
    verdicts = []
    for id, one in trunks.items():
        numbers = numbering.count_of_trunk.get(id, 0)
        if numbers and targets[id]:
            reason, message = ConditionReason.READY, "calls to its numbers are served"
        elif numbers:
            reason, message = (
                ConditionReason.NO_ENABLED_URI,
                "add or enable an OriginationUri with this trunkRef",
            )
        else:
            reason, message = (
                ConditionReason.NO_NUMBERS,
                "no Number names this trunk, so it receives no calls",
            )
        verdicts.append(opinions.side(one.trunk, ConditionType.ORIGINATION_READY, reason, message))
    return verdicts
