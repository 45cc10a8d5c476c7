"""Who of an edge's pods serves: by its agent's Lease, and by the kubelet where the agent is silent."""

from __future__ import annotations

from typing import Any, cast

from support.objects import make_edge
from trunkline.controllers.edge_pods import EdgePods
from trunkline.kube.client import KubeClient
from trunkline.status.programmed import AddressReport

READINGS = 6
STATIC = {"type": "Static", "addresses": ["192.0.2.1"]}
POD_IP = {"type": "PodIP"}


def lease(version: int = 1, name: str = "edge-ashburn-0", **notes: str) -> dict[str, Any]:
    said = {"revision": "4", "address": "192.0.2.1", "ready": "true", **notes}
    return {
        "metadata": {
            "name": name,
            "resourceVersion": str(version),
            "labels": {"trunkline.dev/edge": "ashburn"},
            "annotations": {f"trunkline.dev/{name}": text for name, text in said.items()},
        }
    }


def pod(ready: str, name: str = "edge-ashburn-0", edge: str = "ashburn", **metadata: str) -> dict[str, Any]:
    return {
        "metadata": {
            "name": name,
            "resourceVersion": "1",
            "labels": {"trunkline.dev/edge": edge},
            **metadata,
        },
        "status": {"conditions": [{"type": "Ready", "status": ready}], "podIP": "192.0.2.1"},
    }


def seen(leases: list[dict[str, Any]], pods: list[dict[str, Any]]) -> EdgePods:
    """What two watches told; nothing is asked of an API server."""
    found = EdgePods(cast("KubeClient", None), "edges", lambda: None)
    found._leases.replace(leases)
    found._pods.replace(pods)
    return found


def report(pods: list[dict[str, Any]], *, renewed: bool) -> AddressReport:
    """What is said of a pod whose Lease is read several times."""
    found = seen([lease()], pods)
    for reading in range(READINGS):
        found._heartbeats.read([lease(reading if renewed else 1)])
    (address,) = found.report(make_edge(advertise=STATIC), {}, 4).report.addresses
    return address


def test_an_agent_that_renews_its_lease_is_believed() -> None:
    assert report([], renewed=True).ready
    assert report([pod("False")], renewed=True).ready
    assert not report([pod("True", deletionTimestamp="2026-01-01T00:00:00Z")], renewed=True).ready


def test_a_pod_that_the_api_server_calls_unready_is_out_though_its_lease_is_fresh() -> None:
    """A node that died a moment ago: its agent's last words stand for 40 s more."""
    names = [f"edge-ashburn-{n}" for n in range(3)]
    leases = [lease(name=name) for name in names]
    words = {"edge-ashburn-0": "False"}
    found = seen(leases, [pod(words.get(name, "True"), name) for name in names])
    addresses = found.report(make_edge(advertise=POD_IP, replicas=3), {}, 4).report.addresses
    assert [(each.pod, each.ready) for each in addresses] == [
        (name, name != "edge-ashburn-0") for name in names
    ]
    found._pods.replace([pod("False", name) for name in names])
    addresses = found.report(make_edge(advertise=POD_IP, replicas=3), {}, 4).report.addresses
    assert all(each.ready for each in addresses), "more than half at once: their Leases are asked"


def test_a_silent_agents_pod_is_not_ready_and_may_be_called_while_the_kubelet_calls_it_ready() -> None:
    """DNS leaves it; but its table is an old one, so what it does not have is not programmed."""
    silent = report([pod("True")], renewed=False)
    assert (silent.ready, silent.may_be_called) == (False, True)
    assert silent.error == "its agent is silent"
    for gone in ([], [pod("False")], [pod("True", deletionTimestamp="2026-01-01T00:00:00Z")]):
        silent = report(gone, renewed=False)
        assert (silent.ready, silent.may_be_called) == (False, False)


def test_a_lease_speaks_for_the_pod_of_its_name_whatever_its_labels_say() -> None:
    """The token of an edge's pods may write any label on their Leases, and on no other's."""
    foreign = lease(name="edge-frankfurt-0", address="192.0.2.66")
    found = seen([lease(), foreign, lease(name="trunkline-operator")], [pod("True")])
    (own,) = found.report(make_edge(advertise=POD_IP), {}, 4).report.addresses
    assert (own.pod, own.address) == ("edge-ashburn-0", "192.0.2.1")
    assert found.claimed("frankfurt") == (4,)


def test_a_pod_is_its_edges_by_name_and_label() -> None:
    found = seen([lease()], [pod("True", edge="frankfurt")])
    assert found.addresses(make_edge(advertise=POD_IP), {}) == ()
    assert found.addresses(make_edge("frankfurt", advertise=POD_IP), {}) == ()


def test_no_word_of_a_pod_changes_what_is_compiled() -> None:
    """Else a Lease that changes all the time has everything compiled all the time."""
    quiet, loud = seen([lease()], [pod("True")]), seen([lease(address="192.0.2.66")], [pod("False")])
    assert quiet.facts() == loud.facts()
    assert loud.addresses(make_edge(advertise=POD_IP), {}) == ("192.0.2.1",)


def test_the_address_of_a_pod_that_has_ended_for_good_may_be_anothers() -> None:
    ended = pod("False")
    ended["status"]["phase"] = "Failed"
    assert seen([lease()], [ended]).addresses(make_edge(advertise=POD_IP), {}) == ()


def test_an_object_that_cannot_be_read_costs_its_own_pod_only() -> None:
    odd = {"metadata": {"name": "edge-ashburn-1", "resourceVersion": "1", "labels": 3}}
    found = seen([lease(), lease(name="edge-ashburn-1")], [odd])
    assert len(found.report(make_edge(advertise=STATIC), {}, 4).report.addresses) == 2
