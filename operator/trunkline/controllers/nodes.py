"""Addresses of nodes: where edges use them, callers may see others than the node itself knows."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from trunkline.api import Edge
from trunkline.kube.client import KubeClient
from trunkline.kube.paths import NODES
from trunkline.kube.watch import Watch
from trunkline.status.pod_reports import NodeAddresses


class Nodes:
    """All nodes of the cluster, as far as their addresses matter; the sink of their watch."""

    def __init__(self, client: KubeClient, changed: Callable[[], None]) -> None:
        self._changed = changed
        self.known: dict[str, NodeAddresses] = {}
        self._watch = Watch(client, NODES, None, self, {})
        self.revision = 0
        """Rises with every change of an address or a label."""

    async def run(self) -> None:
        """Until cancelled."""
        await self._watch.run()

    async def settle(self) -> None:
        """Return once the nodes are known, or were refused."""
        await self._watch.settled.wait()

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

    def replace(self, objects: Sequence[Mapping[str, Any]]) -> None:
        """These are all nodes now."""
        self._set({each["metadata"]["name"]: _node(each) for each in objects})

    def change(self, found: Mapping[str, Any]) -> None:
        """A node is new or has changed."""
        self._set({**self.known, found["metadata"]["name"]: _node(found)})

    def remove(self, found: Mapping[str, Any]) -> None:
        """A node is gone."""
        gone = found["metadata"]["name"]
        self._set({name: node for name, node in self.known.items() if name != gone})

    def _set(self, nodes: dict[str, NodeAddresses]) -> None:
        if nodes != self.known:
            self.known = nodes
            self.revision += 1
            self._changed()


def _may_run(edge: Edge, node: NodeAddresses) -> bool:
    return edge.spec.placement.node_selector.items() <= node.labels.items()


def _node(manifest: Mapping[str, Any]) -> NodeAddresses:
    addresses: dict[str, str] = {}
    for each in manifest.get("status", {}).get("addresses") or ():
        # The first of a type is the one by which the kubelet knows its node.
        addresses.setdefault(each["type"], each["address"])
    labels = manifest["metadata"].get("labels") or {}
    return NodeAddresses(labels, addresses.get("InternalIP", ""), addresses.get("ExternalIP", ""))
