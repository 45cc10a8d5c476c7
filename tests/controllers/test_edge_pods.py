"""Who of an edge's pods serves: by its agent's Lease, and by the kubelet where the agent is silent."""

from __future__ import annotations

from typing import Any, cast

from trunkline.controllers.edge_pods import EdgePods
from trunkline.kube.client import KubeClient
from trunkline.status.programmed import AddressReport

READINGS = 6


def lease(version: int = 1) -> dict[str, Any]:
    notes = {"revision": "4", "address": "192.0.2.1", "ready": "true"}
    return {
        "metadata": {
            "name": "edge-ashburn-0",
            "resourceVersion": str(version),
            "labels": {"trunkline.dev/edge": "ashburn"},
            "annotations": {f"trunkline.dev/{name}": text for name, text in notes.items()},
        }
    }


def pod(ready: str, **metadata: str) -> dict[str, Any]:
    return {
        "metadata": {"name": "edge-ashburn-0", **metadata},
        "status": {"conditions": [{"type": "Ready", "status": ready}]},
    }


def report(pods: list[dict[str, Any]], *, renewed: bool) -> AddressReport:
    """What is said of a pod whose Lease is read several times; nothing is asked of an API server."""
    found = EdgePods(cast("KubeClient", None), "edges", lambda: None)
    found._leases.replace([lease()])
    found._pods.replace(pods)
    for reading in range(READINGS):
        found._heartbeats.read([lease(reading if renewed else 1)])
    (edge,) = found.reports({"ashburn": ()})
    (address,) = edge.addresses
    return address


def test_an_agent_that_renews_its_lease_is_believed() -> None:
    assert report([], renewed=True).ready
    assert report([pod("False")], renewed=True).ready
    assert not report([pod("True", deletionTimestamp="2026-01-01T00:00:00Z")], renewed=True).ready


def test_a_silent_agents_pod_is_not_ready_and_may_be_called_while_the_kubelet_calls_it_ready() -> None:
    """DNS leaves it; but its table is an old one, so what it does not have is not programmed."""
    silent = report([pod("True")], renewed=False)
    assert (silent.ready, silent.may_be_called) == (False, True)
    assert silent.error == "its agent is not heard of"
    for gone in ([], [pod("False")], [pod("True", deletionTimestamp="2026-01-01T00:00:00Z")]):
        silent = report(gone, renewed=False)
        assert (silent.ready, silent.may_be_called) == (False, False)
