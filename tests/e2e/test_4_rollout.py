"""Changes of the installation itself: images, nodes, the chart."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest

from cluster.processes import wait_until
from e2e.api import conditions
from e2e.calls import MAIN_LINE, originate, originated_call, reaches, terminated_call
from e2e.installation import SYSTEM, Installation
from e2e.own_node import BASE_DOMAIN, OwnNode
from trunkline.api import API_VERSION, Edge

# The first test of a run also waits for images to be built.
pytestmark = [pytest.mark.cluster, pytest.mark.timeout(900)]

SECONDS = 60.0
ROLLOUT_SECONDS = 240.0
EDGES_TO_ROLL = ("ashburn", "dublin")


def edge_image(installation: Installation, **changes: str) -> dict[str, Any]:
    """The chart's value `edge` with another image."""
    edge: dict[str, Any] = installation.values["edge"]
    return {**edge, "image": {**edge["image"], **changes}}


def test_a_new_image_takes_one_pod_at_a_time(installation: Installation, own: OwnNode) -> None:
    """While it rolls out, each edge has a pod that serves and takes calls; a call of old holds its pod."""
    phones, (repository, tag) = own.phones, own.edge_image
    old = {pod.uid for pod in installation.serving()}
    held = installation.serving("ashburn")[-1]
    call = originated_call(phones["telco-a"], held.address, MAIN_LINE, phones["pbx1"])
    own.cluster.tag(f"{repository}:{tag}", f"{repository}:next")
    installation.upgrade(edge=edge_image(installation, tag="next"))
    wait_until("the pod of the call ends", lambda: held.uid in _ending(installation), SECONDS)
    for _ in range(15):
        _each_edge_takes_calls(installation, own)
        time.sleep(0.5)
    assert held.uid in {pod.uid for pod in installation.pods()}
    call.renew()
    call.hang_up()
    end = time.monotonic() + ROLLOUT_SECONDS
    while len(serving := installation.serving()) < 4 or {pod.uid for pod in serving} & old:
        _each_edge_takes_calls(installation, own)
        assert time.monotonic() < end, installation.pods()
        time.sleep(0.3)
    assert {pod.image for pod in serving} == {f"{repository}:next"}
    installation.wait_ready()


def test_an_image_that_does_not_start_costs_one_pod_of_each_edge(
    installation: Installation, own: OwnNode
) -> None:
    """The others go on, the Edge's status says what is wrong, and `helm rollback` heals it."""
    phones = own.phones
    good = installation.values
    old = {pod.name: pod.uid for pod in installation.serving()}
    installation.upgrade(edge=edge_image(installation, tag="missing", pullPolicy="Never"))

    def one_is_missing() -> bool:
        return [len(installation.serving(edge)) for edge in EDGES_TO_ROLL] == [1, 1]

    wait_until("one pod of each edge", one_is_missing, SECONDS)
    time.sleep(20)
    assert one_is_missing()
    for pod in installation.serving():
        assert pod.uid == old[pod.name]
        assert originate(phones["telco-a"], pod.address, MAIN_LINE, phones["pbx1"]).status == 486
    for edge in EDGES_TO_ROLL:
        said = installation.api.wait(Edge, edge, "Deployed", status="False")
        assert f"{own.edge_image[0]}:missing" in conditions(said)["Deployed"]["message"]
    installation.call_helm("rollback", "trunkline", "--wait", "--timeout", "2m")
    installation.values = good
    for edge in EDGES_TO_ROLL:
        installation.wait_pods(edge, 2)

    def nothing_is_wrong() -> bool:
        return not any(_not_deployed(installation, edge) for edge in EDGES_TO_ROLL)

    wait_until("the status is as before", nothing_is_wrong, SECONDS)
    installation.wait_ready()


@pytest.fixture
def second_node(own: OwnNode) -> Iterator[str]:
    """Name of a node that is there for one test."""
    node = own.cluster.add_node()
    yield node.name
    own.cluster.remove_node(node)


def test_an_edge_in_the_network_of_nodes(installation: Installation, own: OwnNode, second_node: str) -> None:
    """HostNetwork: a pod a node, which callers reach by the nodes' addresses; each takes calls both ways."""
    phones, kubectl = own.phones, installation.kubectl
    spec = {
        "advertise": {"type": "HostNetwork", "nodeAddressType": "InternalIP"},
        "replicas": 2,
        "ports": {"udp": 5070, "tcp": 5070, "tls": 5071},
        "drain": {"maxSeconds": 5},
    }
    kubectl.apply({"apiVersion": API_VERSION, "kind": "Edge", "metadata": {"name": "lagan"}, "spec": spec})
    pods = installation.wait_pods("lagan", 2)
    installation.api.wait(Edge, "lagan", "Ready")
    addresses = sorted(machine.host.address for machine in own.cluster.machines)
    assert sorted(pod.address for pod in pods) == addresses
    wait_until("DNS", lambda: own.records(f"acme-hq.pstn.lagan.{BASE_DOMAIN}") == addresses, SECONDS)
    for address in addresses:
        originated_call(phones["telco-a"], address, MAIN_LINE, phones["pbx1"], port=5070).hang_up()
        terminated_call(phones["pbx1"], address, phones["telco-a"], port=5070).hang_up()
    kubectl("delete", "edge", "lagan", "--timeout=60s", seconds=90)
    wait_until("its pods go", lambda: not installation.pods("lagan"), SECONDS)
    assert second_node


def test_a_pod_follows_the_list_of_addresses(installation: Installation, own: OwnNode) -> None:
    """Static: it begins anew when another address replaces its own, and waits until a node has that."""
    node, phones, kubectl = own.cluster.machines[0], own.phones, installation.kubectl
    first, second = (f"{node.host.address.rpartition('.')[0]}.{last}" for last in (151, 152))
    kubectl.apply(_static_edge(first))
    node.call("ip", "address", "add", f"{first}/32", "dev", "lo")
    (pod,) = installation.wait_pods("foyle", 1)
    originated_call(phones["telco-a"], first, MAIN_LINE, phones["pbx1"], port=5070).hang_up()
    kubectl.apply(_static_edge(second))
    lacks = f"pod edge-foyle-0: node {node.host.address} has none of the addresses of Edge foyle ({second})"
    wait_until("the status says so", lambda: lacks in _not_deployed(installation, "foyle"), SECONDS)
    node.call("ip", "address", "add", f"{second}/32", "dev", "lo")
    (moved,) = installation.wait_pods("foyle", 1)
    assert moved.uid != pod.uid
    originated_call(phones["telco-a"], second, MAIN_LINE, phones["pbx1"], port=5070).hang_up()
    wait_until("nothing is wrong", lambda: not _not_deployed(installation, "foyle"), SECONDS)
    kubectl("delete", "edge", "foyle", "--timeout=60s", seconds=90)
    wait_until("its pods go", lambda: not installation.pods("foyle"), SECONDS)


def _not_deployed(installation: Installation, edge: str) -> str:
    """What the Edge's status says of its pods; empty if nothing is wrong."""
    condition = conditions(installation.api.get(Edge, edge)).get("Deployed")
    return str(condition["message"]) if condition else ""


def _static_edge(address: str) -> dict[str, Any]:
    spec = {
        "advertise": {"type": "Static", "addresses": [address]},
        "ports": {"udp": 5070, "tcp": 5070, "tls": 5071},
        "drain": {"maxSeconds": 0},
    }
    return {"apiVersion": API_VERSION, "kind": "Edge", "metadata": {"name": "foyle"}, "spec": spec}


def test_an_upgrade_of_the_chart_touches_no_pod_of_an_edge(installation: Installation, own: OwnNode) -> None:
    """`helm upgrade` with other settings of the operator restarts the operator alone; a call goes on."""
    phones = own.phones
    before = {pod.uid for pod in installation.serving()}
    pod = installation.serving("dublin")[0]
    call = originated_call(phones["telco-a"], pod.address, MAIN_LINE, phones["pbx1"])
    operator = installation.values["operator"]
    installation.upgrade(operator={**operator, "verbose": True})
    installation.kubectl.within(SYSTEM)("rollout", "status", "deployment/trunkline-operator", "--timeout=60s")
    installation.wait_ready()
    call.renew()
    call.hang_up()
    assert {pod.uid for pod in installation.serving()} == before


def _each_edge_takes_calls(installation: Installation, own: OwnNode) -> None:
    """A caller that knows the ready addresses reaches the PBX through one of them, if not the first."""
    carrier, pbx = own.phones["telco-a"], own.phones["pbx1"]
    for edge in EDGES_TO_ROLL:
        pods = installation.serving(edge)
        assert any(reaches(carrier, pod.address, MAIN_LINE, pbx) for pod in pods), (edge, pods)


def _ending(installation: Installation) -> set[str]:
    return {pod.uid for pod in installation.pods() if pod.ending}
