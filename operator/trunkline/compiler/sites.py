"""Edges: which are accepted, and what each knows of itself and its platform."""

from __future__ import annotations

from collections.abc import Mapping

from sipedge.table import AccountRow, SiteRow
from trunkline.api import Edge, Resources
from trunkline.compiler import opinions
from trunkline.compiler.reasons import ConditionReason
from trunkline.compiler.verdict import Verdict


def accept_edges(resources: Resources) -> tuple[tuple[Edge, ...], tuple[Verdict, ...]]:
    """The edges to serve; one whose address an older one already has is refused whole."""
    verdicts: list[Verdict] = []
    accepted: list[Edge] = []
    holders: dict[str, Edge] = {}
    for edge in resources.of(Edge):
        taken = next((each for each in edge.spec.advertise.addresses if each in holders), None)
        if taken is not None:
            message = (
                f"{taken} is an address of the older Edge {holders[taken].metadata.name}: give each its own"
            )
            verdicts.append(
                opinions.refused(edge, ConditionReason.CONFLICT, "spec.advertise.addresses", message)
            )
            continue
        accepted.append(edge)
        holders.update((address, edge) for address in edge.spec.advertise.addresses)
        verdicts.append(opinions.accepted(edge))
    return tuple(sorted(accepted, key=lambda edge: edge.metadata.name)), tuple(verdicts)


def addresses_of(resources: Resources, edge: Edge) -> tuple[str, ...]:
    """The edge's addresses: those it lists, and those its instances were seen to have."""
    observed = resources.observed_addresses.get(edge.metadata.name, ())
    return tuple(dict.fromkeys((*edge.spec.advertise.addresses, *observed)))


def compile_sites(
    resources: Resources, edges: tuple[Edge, ...], accounts: Mapping[str, AccountRow]
) -> Mapping[str, SiteRow]:
    """One row per edge."""
    base = resources.platform.base_domain
    labels = {label for edge in edges for label in (edge.metadata.name, edge.spec.region) if label}
    suffixes = tuple(
        sorted((f"pstn.{base}", *(f"pstn.{label}.{base}" for label in labels)), key=_longest_first)
    )
    addresses = tuple(sorted({address for edge in edges for address in addresses_of(resources, edge)}))
    return {
        edge.metadata.name: SiteRow(
            edge=edge.metadata.name,
            region=edge.spec.region,
            base_domain=base,
            suffixes=suffixes,
            edge_addresses=addresses,
            denied_targets=tuple(resources.platform.denied_target_cidrs),
            deprecated_tls=any(account.allow_deprecated_tls for account in accounts.values()),
            advertised=tuple(sorted(resources.advertised_addresses.get(edge.metadata.name, ()))),
        )
        for edge in edges
    }


def _longest_first(suffix: str) -> tuple[int, str]:
    return -len(suffix), suffix
