"""Addresses of nodes: where edges use them, callers may see others than the node itself knows."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from trunkline.api import Edge
from trunkline.kube.client import KubeClient
from trunkline.kube.mirror import Mirror, by_name
from trunkline.kube.paths import NODES
from trunkline.kube.watch import Watch
from trunkline.plan.static_nodes import allowed_nodes, owners
from trunkline.status.pod_reports import NodeAddresses


class Nodes:
    """All nodes of the cluster, as far as their addresses matter."""

    def __init__(self, client: KubeClient, changed: Callable[[], None]) -> None:
        self._mirror = Mirror(by_name, _node, changed)
        self._watch = Watch(client, NODES, None, self._mirror, {})
        self._owners: dict[str, dict[str, str]] = {}
        """Edge to which node has which of its listed addresses, as it was found last."""

    @property
    def known(self) -> Mapping[str, NodeAddresses]:
        """Every node by name."""
        return self._mirror.known

    @property
    def revision(self) -> int:
        """Rises with every change of an address or a label."""
        return self._mirror.revision

    async def run(self) -> None:
        """Until cancelled."""
        await self._watch.run()

    async def settle(self) -> None:
        """Return once the nodes are known, or were refused."""
        await self._watch.settled.wait()

    def addresses(self) -> frozenset[str]:
        """Every address of every node."""
        return frozenset(
            address for node in self.known.values() for address in (node.internal, node.external) if address
        )

    def advertised(self, edges: Iterable[Edge]) -> Mapping[str, tuple[tuple[str, str], ...]]:
        """For each Edge that advertises the external addresses of its nodes: (local, advertised) pairs."""
        return {
            edge.metadata.name: tuple(
                sorted(
                    (node.internal, node.external)
                    for node in self.known.values()
                    if node.internal and node.external and _may_run(edge, node)
                )
            )
            for edge in edges
            if edge.spec.advertise.type == "HostNetwork"
            and edge.spec.advertise.node_address_type in (None, "ExternalIP")
        }

    def allowed(self, edges: Mapping[str, Edge]) -> dict[str, tuple[str, ...]]:
        """The nodes that the pods of Static Edges may run on, for those where that is known."""
        nodes = {name: (node.internal, node.external) for name, node in self.known.items()}
        self._owners = {
            name: owners(edge.spec.advertise.addresses, nodes, self._owners.get(name, {}))
            for name, edge in edges.items()
        }
        found = {
            name: allowed_nodes(edge.spec.advertise.addresses, self._owners[name])
            for name, edge in edges.items()
        }
        return {name: allowed for name, allowed in found.items() if allowed}


def _may_run(edge: Edge, node: NodeAddresses) -> bool:
    return edge.spec.placement.node_selector.items() <= node.labels.items()


def _node(manifest: Mapping[str, Any]) -> NodeAddresses:
    addresses: dict[str, str] = {}
    for each in manifest.get("status", {}).get("addresses") or ():
        # The first of a type is the one by which the kubelet knows its node.
        addresses.setdefault(each["type"], each["address"])
    labels = manifest["metadata"].get("labels") or {}
    return NodeAddresses(labels, addresses.get("InternalIP", ""), addresses.get("ExternalIP", ""))
