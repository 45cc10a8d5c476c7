"""At which port the agents of each Edge tell of readiness and metrics.

In the network of a node no two pods may have the same port, so each Edge has one of its own: the one that it
asks for, else the one that it had, else the first that is free.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from trunkline.api import Edge
from trunkline.plan.workload_names import is_in_host_network

FIRST_PORT: Final = 8090
LAST_PORT: Final = 8199
PORTS: Final = range(FIRST_PORT, LAST_PORT + 1)

AGENT: Final = "agent"
"""The name of the agent's container."""
HTTP: Final = "http"
"""The name of its port."""


def agent_ports(edges: Iterable[Edge], kept: Mapping[str, int]) -> dict[str, int]:
    """The port of each Edge by its name; `kept` has those that they had, and those of Edges that are gone.

    Who has a network of its own for each pod disturbs nobody.
    """
    named = {edge.metadata.name: edge for edge in edges}
    found: dict[str, int] = {}
    taken = {port for edge in named.values() if is_in_host_network(edge) for port in _asked(edge)}
    # The pods of an Edge that is gone have its port until their last call has ended.
    taken |= {port for name, port in kept.items() if name not in named}
    wishing = sorted(named, key=lambda name: (name not in kept, name))
    for name in wishing:
        edge = named[name]
        if edge.spec.ports.agent is not None:
            found[name] = edge.spec.ports.agent
        elif is_in_host_network(edge):
            found[name] = _free(kept.get(name), taken)
            taken.add(found[name])
        else:
            found[name] = _free(kept.get(name), set(_asked(edge)))
    return found


def port_of_pod(pod: Mapping[str, Any]) -> int | None:
    """The port of its node that a Pod's agent has; None of one with a network of its own."""
    spec = pod.get("spec") or {}
    if not spec.get("hostNetwork"):
        return None
    agents = [each for each in spec.get("containers") or () if each.get("name") == AGENT]
    ports = [port for each in agents for port in each.get("ports") or () if port.get("name") == HTTP]
    return ports[0].get("containerPort") if ports else None


def with_agent_port(edge: Edge, port: int) -> Edge:
    """The Edge as if it had asked for that port."""
    ports = edge.spec.ports.model_copy(update={"agent": port})
    return edge.model_copy(update={"spec": edge.spec.model_copy(update={"ports": ports})})


def _asked(edge: Edge) -> tuple[int, ...]:
    """The ports that the Edge itself names. Agents use theirs for TCP and UDP."""
    ports = edge.spec.ports
    named = (ports.udp, ports.tcp, ports.tls)
    return named if ports.agent is None else (*named, ports.agent)


def _free(kept: int | None, taken: set[int]) -> int:
    """The port that it had, or the first that is free. If none is, the first: its pod will tell."""
    if kept is not None and kept in PORTS and kept not in taken:
        return kept
    return next((port for port in PORTS if port not in taken), FIRST_PORT)
