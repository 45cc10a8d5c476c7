"""Edges: which are accepted, and what each knows of itself and its platform."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from sipedge.table import AccountRow, RouteRow, SiteRow
from sipedge.table.lookup import prefix_lengths
from trunkline.api import Edge, Resources, oldest_first
from trunkline.compiler import opinions
from trunkline.compiler.guard import Guard
from trunkline.compiler.reasons import ConditionReason
from trunkline.compiler.verdict import Verdict


def accept_edges(resources: Resources, guard: Guard) -> tuple[tuple[Edge, ...], tuple[Verdict, ...]]:
    """The edges to serve; one whose address an older one already has is refused whole.

    Where the newest version of an Edge is refused or invalid, the one that is served goes on, and keeps
    its claims.
    """
    verdicts: list[Verdict] = []
    served: list[Edge] = []
    holders: dict[str, Edge] = {}

    def serve(edge: Edge) -> None:
        served.append(edge)
        holders.update((address, edge) for address in edge.spec.advertise.addresses)

    invalid = frozenset(each.ref for each in resources.invalid)
    kept = [edge for edge in resources.served_edges.values() if edge.ref in invalid]

    def judge(edge: Edge) -> None:
        taken = _taken(edge, holders)
        if taken is None:
            serve(edge)
        if edge.ref in invalid:
            return
        verdicts.append(opinions.accepted(edge) if taken is None else _conflict(edge, taken, holders[taken]))
        before = resources.served_edges.get(edge.metadata.name)
        if taken is not None and before is not None and _taken(before, holders) is None:
            serve(before)

    guard.each(oldest_first((*resources.of(Edge), *kept)), judge)
    return tuple(sorted(served, key=lambda edge: edge.metadata.name)), tuple(verdicts)


def _taken(edge: Edge, holders: Mapping[str, Edge]) -> str | None:
    return next((each for each in edge.spec.advertise.addresses if each in holders), None)


def _conflict(edge: Edge, address: str, holder: Edge) -> Verdict:
    message = f"{address} is an address of the older Edge {holder.metadata.name}: give each its own"
    return opinions.refused(edge, ConditionReason.CONFLICT, "spec.advertise.addresses", message)


def addresses_of(resources: Resources, edge: Edge) -> tuple[str, ...]:
    """The edge's addresses: those it lists, and those its instances were seen to have."""
    observed = resources.observed_addresses.get(edge.metadata.name, ())
    return tuple(dict.fromkeys((*edge.spec.advertise.addresses, *observed)))


def compile_sites(
    resources: Resources,
    edges: tuple[Edge, ...],
    accounts: Mapping[str, AccountRow],
    routes: Mapping[str, Mapping[str, RouteRow]],
    guard: Guard,
) -> Mapping[str, SiteRow]:
    """One row per edge; `routes` are each edge's, by prefix."""
    base = resources.platform.base_domain
    labels = {label for found in guard.each(edges, labels_of) for label in found}
    suffixes = tuple(sorted(termination_domains(base, labels), key=_longest_first))
    found = guard.each(edges, lambda edge: addresses_of(resources, edge))
    addresses = tuple(sorted({address for each in found for address in each}))

    def site(edge: Edge) -> tuple[str, SiteRow]:
        return edge.metadata.name, SiteRow(
            edge=edge.metadata.name,
            region=edge.spec.region,
            base_domain=base,
            suffixes=suffixes,
            edge_addresses=addresses,
            denied_targets=tuple(resources.platform.denied_target_cidrs),
            deprecated_tls=any(account.allow_deprecated_tls for account in accounts.values()),
            advertised=tuple(sorted(resources.advertised_addresses.get(edge.metadata.name, ()))),
            prefix_lengths=prefix_lengths(routes[edge.metadata.name]),
        )

    return dict(guard.each(edges, site))


def termination_domains(base: str, labels: Iterable[str]) -> frozenset[str]:
    """The domains below which trunks are dialled (S27, S30)."""
    return frozenset({f"pstn.{base}", *(f"pstn.{label}.{base}" for label in labels)})


def labels_of(edge: Edge) -> tuple[str, ...]:
    """The labels by which the edge is dialled: its own, and its region's."""
    return tuple(label for label in (edge.metadata.name, edge.spec.region) if label)


def _longest_first(suffix: str) -> tuple[int, str]:
    return -len(suffix), suffix
