"""What the operator itself says of served Edges: certificates, names, and what is kept of a refused edit."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from trunkline.api import Edge, ObjectRef
from trunkline.compiler import ConditionType, Verdict
from trunkline.compiler.delta import Delta
from trunkline.controllers.agent_ports import AgentPorts
from trunkline.controllers.seams import ServedEdge
from trunkline.controllers.side_work import SideWork
from trunkline.controllers.store import Store
from trunkline.publication.left_out import in_no_table
from trunkline.reconcile.domains import Domains
from trunkline.reconcile.home import Sight
from trunkline.status.conditions import Opinion
from trunkline.status.reasons import StatusReason


class EdgeOpinions:
    """Puts together what different parts say."""

    def __init__(self, store: Store, side_work: SideWork, agent_ports: AgentPorts) -> None:
        self._store, self._side_work, self._agent_ports = store, side_work, agent_ports
        self._domains = Domains()
        self._refused: set[str] = set()
        """Edges whose newest version is refused."""

    def compiled(self, delta: Delta) -> None:
        """Take note of what is refused, and of the domains that certificates name."""
        self._domains.take(delta)
        for ref, verdicts in delta.verdicts.items():
            if ref.kind == "Edge":
                (self._refused.add if _is_refused(verdicts) else self._refused.discard)(ref.name)

    def served(self, sight: Sight) -> list[ServedEdge]:
        """The Edges with what certificates and names are made of; those whose addresses were looked at."""
        ready = {
            report.edge: tuple(each.address for each in report.serving)
            for report in sight.observation.reports
        }
        return [
            ServedEdge(edge, sight.observation.addresses[name], ready.get(name, ()), self._domains.of(name))
            for name, edge in sorted(sight.edges.items())
            if name in sight.observation.addresses
        ]

    def opinions(self, sight: Sight) -> Mapping[ObjectRef, tuple[Opinion, ...]]:
        """The conditions that the compiler does not decide, by object."""
        publication = sight.publication
        opinions = {**publication.opinions, **in_no_table(publication.left_out)}
        for name, edge in sight.edges.items():
            if own := tuple(self._of(name, edge, sight)):
                opinions[edge.ref] = (*opinions.get(edge.ref, ()), *own)
        return opinions

    def _of(self, name: str, edge: Edge, sight: Sight) -> Iterator[Opinion]:
        if name in self._refused:
            message = "the newest version is refused; pods and DNS records go on by the last good one"
            yield Opinion("Programmed", "False", StatusReason.KEPT_LAST_GOOD, message)
        yield from self._side_work.opinions(name)
        yield from self._remembered(edge.ref)
        yield from sight.observation.opinions.get(name, ())

    def _remembered(self, ref: ObjectRef) -> Iterator[Opinion]:
        """What the status says of conditions that are not decided yet: after a restart they still hold."""
        seen = self._store.get(ref)
        stored = (seen.status.get("conditions") or ()) if seen is not None else ()
        for kind in self._side_work.silent_on(ref.name):
            for each in stored:
                if each.get("type") == kind:
                    yield Opinion(kind, each["status"], each["reason"], each["message"])

    def facts(self, sight: Sight) -> Mapping[ObjectRef, Mapping[str, Any]]:
        """Fields of the Edges' statuses that the compiler does not know."""
        return {edge.ref: self._facts(edge.ref) for edge in sight.edges.values()}

    def _facts(self, ref: ObjectRef) -> Mapping[str, Any]:
        facts = self._side_work.facts(ref.name)
        seen = self._store.get(ref)
        if not facts and seen is not None and "DNSReady" in self._side_work.silent_on(ref.name):
            facts = {key: value for key, value in seen.status.items() if key == "dnsRecords"}
        return {**facts, **self._agent_ports.facts(ref.name)}


def _is_refused(verdicts: tuple[Verdict, ...]) -> bool:
    return any(verdict.type == ConditionType.ACCEPTED and not verdict.status for verdict in verdicts)
