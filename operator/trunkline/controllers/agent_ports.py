"""Gives each Edge a port for its agents, and keeps it: here, in its status, and as its pods have it.

Pods are made before a status is written, and go on with their calls when their Edge is gone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from trunkline.api import Edge
from trunkline.controllers.store import Store
from trunkline.plan.agent_ports import agent_ports, with_agent_port

FIELD = "agentPort"


class AgentPorts:
    """The ports of all Edges that have pods."""

    def __init__(self, store: Store, of_pods: Callable[[], Mapping[str, int]]) -> None:
        """`of_pods` tells the ports of nodes that pods have, by their Edge's name."""
        self._store, self._of_pods = store, of_pods
        self._given: dict[str, int] = {}

    def give(self, edges: Mapping[str, Edge]) -> dict[str, Edge]:
        """The Edges, each as if it had asked for its port."""
        # Of an Edge that is gone pods alone keep a port: what its status tells may be one in a pod's network.
        known = {**self._stored(), **self._given}
        kept = {**self._of_pods(), **{name: port for name, port in known.items() if name in edges}}
        self._given = agent_ports(edges.values(), kept)
        return {name: with_agent_port(edge, self._given[name]) for name, edge in edges.items()}

    def facts(self, edge: str) -> Mapping[str, int]:
        """What the status of an Edge says of it; nothing before it has pods."""
        return {FIELD: self._given[edge]} if edge in self._given else {}

    def _stored(self) -> dict[str, int]:
        found = {seen.ref.name: seen.status.get(FIELD) for seen in self._store.of("Edge")}
        return {name: port for name, port in found.items() if isinstance(port, int)}
