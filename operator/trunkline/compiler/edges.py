"""The strata of Edges and of what each edge knows alone. There are few, so each change judges all of them."""

from __future__ import annotations

from collections.abc import Mapping

from sipedge.table import Row, Section
from trunkline.api import Edge, ObjectRef
from trunkline.api.resources import oldest_first
from trunkline.compiler import opinions
from trunkline.compiler.captures import capture_of
from trunkline.compiler.carriers import Offer, routes_at
from trunkline.compiler.delta import RowKey, Surroundings
from trunkline.compiler.edge_claims import EdgeClaims, overlap_of_ports
from trunkline.compiler.opinions import Fault
from trunkline.compiler.questions import THE_ONE, Index, View
from trunkline.compiler.sites import DeprecatedTls, PlacedEdge, destinations_of, placed, site_row
from trunkline.compiler.strata import Turn
from trunkline.compiler.verdict import Verdict


class EdgeStratum:
    """Which Edges are served. Where the newest version of one is refused, the one that is served goes on."""

    kinds = frozenset({Edge.kind})
    asks = frozenset({Index.SURROUNDINGS, Index.PLATFORM, Index.SECRET})

    def __init__(self, view: View) -> None:
        self._view = view
        self._edges: dict[ObjectRef, Edge] = {}
        self._invalid: set[ObjectRef] = set()
        self._broken: set[ObjectRef] = set()
        """Edges of which the version that is served is at fault as well."""
        self._served: dict[str, tuple[Edge, PlacedEdge]] = {}
        self._said: dict[ObjectRef, tuple[Verdict, ...]] = {}

    def update(self, turn: Turn) -> None:
        changes = turn.of(Edge.kind)
        invalid = {ref: each for ref, each in turn.invalid.items() if ref.kind == Edge.kind}
        if not (
            changes or invalid or turn.answers.has_changed(Index.SURROUNDINGS) or self._knows_a_key_anew(turn)
        ):
            return
        if turn.answers.has_changed(Index.SURROUNDINGS):
            self._broken.clear()
        for ref, change in changes.items():
            self._edges.pop(ref, None)
            self._broken.discard(ref)
            if isinstance(change.now, Edge):
                self._edges[ref] = change.now
        for ref, one in invalid.items():
            (self._invalid.discard if one is None else self._invalid.add)(ref)
        self._judge_all(turn)

    def _knows_a_key_anew(self, turn: Turn) -> bool:
        """True if a Secret has changed that an Edge names for its capture."""
        changed = turn.answers.changed_keys(Index.SECRET)
        if not changed:
            return False
        system = self._view.platform().system_namespace
        keys = (edge.spec.capture.auth_key for edge in self._edges.values())
        return any(key is not None and (system, key.name) in changed for key in keys)

    def _judge_all(self, turn: Turn) -> None:
        around = turn.surroundings
        claims = EdgeClaims()
        served: dict[str, tuple[Edge, PlacedEdge]] = {}
        kept = [
            edge
            for edge in around.served_edges.values()
            if edge.ref in self._invalid and edge.ref not in self._broken
        ]
        said: dict[ObjectRef, tuple[Verdict, ...]] = {}
        for edge in oldest_first((*self._edges.values(), *kept)):
            verdicts = turn.judge(edge, self._judge, edge, around, claims, served)
            if edge.ref in self._invalid:
                if edge.ref in turn.faults:
                    self._broken.add(edge.ref)
            elif verdicts is not None:
                said[edge.ref] = verdicts
        for ref in self._said.keys() | said.keys():
            turn.ledger.say(ref, self._said.get(ref, ()), said.get(ref, ()))
        self._said = said
        self._tell(turn, served)

    def _judge(
        self,
        edge: Edge,
        around: Surroundings,
        claims: EdgeClaims,
        served: dict[str, tuple[Edge, PlacedEdge]],
    ) -> tuple[Verdict, ...]:
        refusal = claims.refusal(edge, around)
        if refusal is None:
            fault = self._serve(edge, around, claims, served)
            told = (opinions.accepted(edge), *overlap_of_ports(edge, around))
            if edge.spec.capture.auth_key is None:
                return told
            return *told, opinions.references(edge, [fault] if fault else [])
        before = around.served_edges.get(edge.metadata.name)
        if before is not None and edge.ref not in self._invalid and claims.addresses.taken(before) is None:
            self._serve(before, around, claims, served)
        return (refusal,)

    def _serve(
        self,
        edge: Edge,
        around: Surroundings,
        claims: EdgeClaims,
        served: dict[str, tuple[Edge, PlacedEdge]],
    ) -> Fault | None:
        """This version of the Edge is served; what is wrong with its capture."""
        capture, fault = capture_of(self._view, edge)
        served[edge.metadata.name] = edge, placed(around, edge, capture)
        claims.hold(edge, around)
        return fault

    def _tell(self, turn: Turn, served: dict[str, tuple[Edge, PlacedEdge]]) -> None:
        for name in self._served.keys() | served.keys():
            before, now = self._served.get(name), served.get(name)
            turn.ledger.edges.change(name, before and before[0], now and now[0])
            turn.answers.put((Index.EDGE, name), None if now is None else True)
        self._served = served
        issued = tuple(sorted(name for name, (edge, _) in served.items() if edge.spec.tls.issuer_ref))
        turn.answers.put((Index.ISSUED, THE_ONE), issued or None)
        edges = tuple(found for _, (_, found) in sorted(served.items()))
        turn.answers.put((Index.EDGES, THE_ONE), edges)
        turn.answers.put((Index.DESTINATIONS, THE_ONE), destinations_of(turn.surroundings, edges))


class SiteStratum:
    """The sections that each edge has for itself: its site, and its routes by called prefix."""

    kinds: frozenset[str] = frozenset()
    asks = frozenset({Index.SURROUNDINGS, Index.EDGES, Index.DEPRECATED_TLS, Index.OFFERS})

    def __init__(self, view: View) -> None:
        self._view = view
        self._told: dict[str, Mapping[RowKey, Row]] = {}

    def update(self, turn: Turn) -> None:
        if self.asks.isdisjoint(turn.answers.changed_words):
            return
        edges, offers, deprecated = self._view.edges(), self._view.offers(), self._view.deprecated_tls()
        now = {edge.name: _own_rows(edge, edges, turn.surroundings, offers, deprecated) for edge in edges}
        for name in self._told.keys() | now.keys():
            old, new = self._told.get(name, {}), now.get(name, {})
            for key in old.keys() | new.keys():
                turn.ledger.own.change((name, key), old.get(key), new.get(key))
        self._told = now


def _own_rows(
    edge: PlacedEdge,
    edges: tuple[PlacedEdge, ...],
    around: Surroundings,
    offers: tuple[Offer, ...],
    deprecated: DeprecatedTls,
) -> Mapping[RowKey, Row]:
    routes = routes_at(offers, edge.name)
    rows: dict[RowKey, Row] = {(Section.ROUTE, prefix): row for prefix, row in routes.items()}
    rows[Section.SITE, "site"] = site_row(edge, edges, around, deprecated, routes)
    return rows
