"""Edges: which are accepted, and what each knows of itself and its platform."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Final, NamedTuple

from sipedge.table import CaptureRow, RouteRow, SiblingRow, SiteRow
from sipedge.table.lookup import prefix_lengths
from trunkline.api import Edge
from trunkline.compiler.delta import Surroundings
from trunkline.compiler.destinations import Destinations, as_networks

DeprecatedTls = frozenset[tuple[str, frozenset[str] | None]]
"""Accounts that allow TLS 1.0 and 1.1, each with the edges that serve it; None = all."""


@dataclass(frozen=True, slots=True)
class PlacedEdge:
    """A served Edge with what follows from it for others."""

    name: str
    region: str | None
    labels: tuple[str, ...]
    """By which it is dialled: its own name, and its region's."""
    addresses: tuple[str, ...]
    """Those it lists, and those its instances were seen to have."""
    udp: int
    tls: int
    """Its ports."""
    capture: CaptureRow | None = None
    """Where copies of its messages go."""
    relay: str = ""
    """Which calls' media it relays, where it can (`SiteRow.relay`)."""
    transcoded_calls: int = 0
    """Most calls at once of which it transcodes the sound, at each address."""


ServedEdges = tuple[PlacedEdge, ...]
"""By name."""


def placed(around: Surroundings, edge: Edge, capture: CaptureRow | None) -> PlacedEdge:
    """The edge where its instances are."""
    name = edge.metadata.name
    return PlacedEdge(
        name=name,
        region=edge.spec.region,
        labels=labels_of(edge),
        addresses=addresses_of(around, edge),
        capture=capture,
        udp=edge.spec.ports.udp,
        tls=edge.spec.ports.tls,
        relay=edge.spec.media.relay,
        transcoded_calls=edge.spec.media.transcoded_calls,
    )


def addresses_of(around: Surroundings, edge: Edge) -> tuple[str, ...]:
    """Where the edge is: addresses it lists, and those its instances were seen to have."""
    observed = around.observed_addresses.get(edge.metadata.name, ())
    return tuple(dict.fromkeys((*edge.spec.advertise.addresses, *observed)))


def labels_of(edge: Edge) -> tuple[str, ...]:
    """The labels by which the edge is dialled: its own, and its region's."""
    return tuple(label for label in (edge.metadata.name, edge.spec.region) if label)


class Reach(NamedTuple):
    """By which names a trunk is dialled: DNS answers each with addresses of edges that serve it alone."""

    labels: tuple[str, ...]
    """Of edges and regions, in the order of the edges."""
    widest: str | None
    """The label that reaches most of its edges; None = the platform's own name: every edge serves it."""


NOWHERE: Final = Reach((), None)
"""Of what is not served."""


def reach_of(edges: Iterable[PlacedEdge], serves: Callable[[str], bool]) -> Reach:
    """How what some of these edges serve is dialled; a region with another edge is no name of it."""
    inside: Counter[str] = Counter()
    outside: set[str] = set()
    for edge in edges:
        if serves(edge.name):
            inside.update(edge.labels)
        else:
            outside.update(edge.labels)
    labels = tuple(label for label in inside if label not in outside)
    everywhere = not outside or not labels
    return Reach(labels, None if everywhere else max(labels, key=inside.__getitem__))


def termination_domains(base: str, labels: Iterable[str]) -> frozenset[str]:
    """The domains below which trunks are dialled (S27, S30)."""
    return frozenset({f"pstn.{base}", *(f"pstn.{label}.{base}" for label in labels)})


def destinations_of(around: Surroundings, edges: ServedEdges) -> Destinations:
    """Where no call can be sent, as the edges that are served make it."""
    base = around.platform.base_domain
    labels = {label for edge in edges for label in edge.labels}
    domains = termination_domains(base, labels) | {f"sip.{edge.name}.{base}" for edge in edges}
    return Destinations(
        tuple(sorted(domains)),
        tuple(sorted({address for edge in edges for address in edge.addresses})),
        tuple(around.platform.denied_target_cidrs),
        as_networks(around.node_addresses),
    )


def site_row(
    edge: PlacedEdge,
    edges: ServedEdges,
    around: Surroundings,
    deprecated: DeprecatedTls,
    routes: Mapping[str, RouteRow],
) -> SiteRow:
    """What one edge knows of itself; `routes` are its own, by prefix."""
    base = around.platform.base_domain
    labels = {label for each in edges for label in each.labels}
    denied = dict.fromkeys((*around.platform.denied_target_cidrs, *as_networks(around.node_addresses)))
    return SiteRow(
        edge=edge.name,
        region=edge.region,
        base_domain=base,
        suffixes=tuple(sorted(termination_domains(base, labels), key=_longest_first)),
        edge_addresses=tuple(sorted({address for each in edges for address in each.addresses})),
        denied_targets=tuple(denied),
        deprecated_tls=any(serving is None or edge.name in serving for _, serving in deprecated),
        advertised=tuple(sorted(around.advertised_addresses.get(edge.name, ()))),
        prefix_lengths=prefix_lengths(routes),
        caller_name_url=around.platform.caller_name_url,
        stir_shaken=around.platform.stir_shaken,
        toll_fraud_prefixes=tuple(sorted(set(around.platform.toll_fraud_prefixes))),
        capture=edge.capture,
        siblings=tuple(_sibling(each, around) for each in edges),
        relay=edge.relay if around.platform.media_relay else "",
        transcoded_calls=edge.transcoded_calls,
    )


def _sibling(edge: PlacedEdge, around: Surroundings) -> SiblingRow:
    """An edge as the others reach it, without the addresses that have long not served."""
    absent = around.absent_addresses
    addresses = tuple(each for each in edge.addresses if each not in absent)
    return SiblingRow(edge.name, addresses, edge.udp, edge.tls)


def _longest_first(suffix: str) -> tuple[int, str]:
    return -len(suffix), suffix
