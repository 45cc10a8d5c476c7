"""What of an edge firewalls must let through: its addresses, its SIP ports, its media ports (S96). Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from trunkline.api import Edge


@dataclass(frozen=True, slots=True)
class EdgeNetwork:
    """Where an edge listens, and sends from. A call's media may leave from any edge that serves its trunk."""

    edge: str
    region: str | None
    addresses: tuple[str, ...]
    """Empty = not known: those of nodes or pods, and none runs."""
    udp: int
    tcp: int
    tls: int
    """Ports of SIP."""
    first_media_port: int
    last_media_port: int
    """UDP ports of media, both included."""

    def document(self) -> dict[str, Any]:
        """For JSON; keys are stable."""
        return {
            "edge": self.edge,
            "region": self.region,
            "addresses": list(self.addresses),
            "signalling": [
                {"protocol": "udp", "port": self.udp, "transport": "UDP"},
                {"protocol": "tcp", "port": self.tcp, "transport": "TCP"},
                {"protocol": "tcp", "port": self.tls, "transport": "TLS"},
            ],
            "media": {
                "protocol": "udp",
                "firstPort": self.first_media_port,
                "lastPort": self.last_media_port,
            },
        }


def edge_networks(edges: Iterable[Edge], observed: Mapping[str, Sequence[str]]) -> tuple[EdgeNetwork, ...]:
    """Of these edges, by name; `observed` has the addresses of those that list none."""
    found = []
    for edge in sorted(edges, key=lambda edge: edge.metadata.name):
        spec, name = edge.spec, edge.metadata.name
        addresses = spec.advertise.addresses or tuple(dict.fromkeys(observed.get(name, ())))
        found.append(
            EdgeNetwork(
                name,
                spec.region,
                addresses,
                spec.ports.udp,
                spec.ports.tcp,
                spec.ports.tls,
                spec.media.first_port,
                spec.media.last_port,
            )
        )
    return tuple(found)
