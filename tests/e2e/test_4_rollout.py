"""Changes of the installation itself: images, nodes, the chart."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest

from cluster.processes import wait_until
from e2e.api import conditions
from e2e.calls import MAIN_LINE, originate, originated_call, reaches, terminated_call
from e2e.installation import QUICKSTART_EDGES, SYSTEM, EdgePod, Installation
from e2e.own_node import BASE_DOMAIN, OwnNode
from trunkline.api import Edge

# The first test of a run also waits for images to be built.
pytestmark = [pytest.mark.cluster, pytest.mark.timeout(900)]

SECONDS = 120.0
ROLLOUT_SECONDS = 400.0


def edge_image(installation: Installation, **changes: str) -> dict[str, Any]:
    """The chart's value `edge` with another image."""
    edge: dict[str, Any] = installation.values["edge"]
    return {**edge, "image": {**edge["image"], **changes}}


def test_a_new_image_takes_one_pod_at_a_time(installation: Installation, own: OwnNode) -> None:
    """While it rolls out, each edge has a pod that serves and takes calls; a call of old holds its pod.

    And with its pod the next edge, whose pods are all of old.
    """
    phones, (repository, tag) = own.phones, own.edge_image
    old = {pod.uid for pod in installation.all_pods()}
    held = installation.wait_pods("ashburn", 2)[-1]
    call = originated_call(phones["telco-a"], held.address, MAIN_LINE, phones["pbx1"])
    own.cluster.tag(f"{repository}:{tag}", f"{repository}:next")
    installation.upgrade(edge=edge_image(installation, tag="next"))
    wait_until("the pod of the call ends", lambda: held.uid in _ending(installation), SECONDS)
    for _ in range(15):
        _each_edge_takes_calls(installation, own)
        time.sleep(0.5)
    assert held.uid in {pod.uid for pod in installation.pods()}
    assert {pod.uid for pod in installation.pods("dublin")} <= old
    call.renew()
    call.hang_up()
    end = time.monotonic() + ROLLOUT_SECONDS
    while len(serving := installation.serving()) < 4 or {pod.uid for pod in serving} & old:
        _each_edge_takes_calls(installation, own)
        assert time.monotonic() < end, installation.pods()
        time.sleep(0.3)
    assert {pod.image for pod in serving} == {f"{repository}:next"}
    installation.wait_ready()


@pytest.fixture
def missing_image(installation: Installation) -> Iterator[list[EdgePod]]:
    """Edges' image is one that no node has, until a test has ended, however; the pods that served before."""
    good, pods = installation.values, installation.all_pods()
    installation.upgrade(edge=edge_image(installation, tag="missing", pullPolicy="Never"))
    yield pods
    installation.call_helm("rollback", "trunkline", "--wait", "--timeout", "2m")
    installation.values = good
    for edge in QUICKSTART_EDGES:
        installation.wait_pods(edge, 2)

    def nothing_is_wrong() -> bool:
        return not any(_not_deployed(installation, edge) for edge in QUICKSTART_EDGES)

    wait_until("the status is as before", nothing_is_wrong, SECONDS)
    installation.wait_ready()


def test_an_image_that_does_not_start_costs_one_pod_of_one_edge(
    installation: Installation, own: OwnNode, missing_image: list[EdgePod]
) -> None:
    """The others go on, the Edge's status says what is wrong, and `helm rollback` heals it."""
    phones = own.phones
    before = {pod.uid for pod in missing_image}

    def one_is_missing() -> bool:
        old = [[pod for pod in installation.pods(edge) if pod.uid in before] for edge in QUICKSTART_EDGES]
        return [len(pods) for pods in old] == [1, 2]

    wait_until("one pod of the first edge", one_is_missing, SECONDS)
    time.sleep(20)
    assert one_is_missing()
    for pod in missing_image:
        if pod.uid in {each.uid for each in installation.pods()}:
            assert originate(phones["telco-a"], pod.address, MAIN_LINE, phones["pbx1"]).status == 486
    said = installation.api.wait(Edge, QUICKSTART_EDGES[0], "Deployed", status="False")
    assert f"{own.edge_image[0]}:missing" in conditions(said)["Deployed"]["message"]


@pytest.fixture
def second_node(own: OwnNode) -> Iterator[str]:
    """Name of a node that is there for one test."""
    node = own.cluster.add_node()
    yield node.name
    own.cluster.remove_node(node)


def test_an_edge_in_the_network_of_nodes(installation: Installation, own: OwnNode, second_node: str) -> None:
    """HostNetwork: a pod a node, which callers reach by the nodes' addresses; each takes calls both ways.

    Another Edge beside it on the same nodes needs ports of its own, for SIP and for media.
    """
    phones = own.phones
    spec = {
        "advertise": {"type": "HostNetwork", "nodeAddressType": "InternalIP"},
        "replicas": 2,
        "drain": {"maxSeconds": 5},
    }
    beside = {**spec, "ports": sip_ports(5080), "media": {"firstPort": 60002, "lastPort": 60999}}
    with installation.edge("lagan", **spec, ports=sip_ports(5070)):
        pods = installation.wait_pods("lagan", 2)
        installation.api.wait(Edge, "lagan", "Ready")
        with installation.edge("liffey", **beside):
            installation.wait_pods("liffey", 2)
            installation.api.wait(Edge, "liffey", "Ready")
            assert not any(
                restarts for pod in installation.pods("liffey") for restarts in pod.restarts.values()
            )
        addresses = sorted(machine.host.address for machine in own.cluster.machines)
        assert sorted(pod.address for pod in pods) == addresses
        wait_until("DNS", lambda: own.records(f"acme-hq.pstn.lagan.{BASE_DOMAIN}") == addresses, SECONDS)
        for address in addresses:
            originated_call(phones["telco-a"], address, MAIN_LINE, phones["pbx1"], port=5070).hang_up()
            terminated_call(phones["pbx1"], address, phones["telco-a"], port=5070).hang_up()
    assert second_node


def sip_ports(first: int) -> dict[str, int]:
    """An Edge's `ports`."""
    return {"udp": first, "tcp": first, "tls": first + 1}


def test_a_pod_follows_the_list_of_addresses(installation: Installation, own: OwnNode) -> None:
    """Static: it begins anew when another address replaces its own, and waits until a node has that."""
    node, phones, api = own.cluster.machines[0], own.phones, installation.api
    first, second = (f"{node.host.address.rpartition('.')[0]}.{last}" for last in (151, 152))
    spec = {"ports": sip_ports(5070), "drain": {"maxSeconds": 0}}
    with installation.edge("foyle", **spec, advertise={"type": "Static", "addresses": [first]}):
        node.call("ip", "address", "add", f"{first}/32", "dev", "lo")
        (pod,) = installation.wait_pods("foyle", 1)
        originated_call(phones["telco-a"], first, MAIN_LINE, phones["pbx1"], port=5070).hang_up()
        api.patch(Edge, "foyle", {"advertise": {"addresses": [second]}})
        lacks = (
            f"pod edge-foyle-0: node {node.host.address} has none of the addresses of Edge foyle ({second})"
        )
        wait_until("the status says so", lambda: lacks in _not_deployed(installation, "foyle"), SECONDS)
        node.call("ip", "address", "add", f"{second}/32", "dev", "lo")
        installation.wait_pods("foyle", 1, besides=pod.uid)
        originated_call(phones["telco-a"], second, MAIN_LINE, phones["pbx1"], port=5070).hang_up()
        wait_until("nothing is wrong", lambda: not _not_deployed(installation, "foyle"), SECONDS)


def _not_deployed(installation: Installation, edge: str) -> str:
    """What the Edge's status says of its pods; empty if nothing is wrong."""
    condition = conditions(installation.api.get(Edge, edge)).get("Deployed")
    return str(condition["message"]) if condition else ""


def test_an_upgrade_of_the_chart_touches_no_pod_of_an_edge(installation: Installation, own: OwnNode) -> None:
    """`helm upgrade` with other settings of the operator restarts the operator alone; a call goes on."""
    phones = own.phones
    before = {pod.uid for pod in installation.all_pods()}
    pod = installation.wait_pods("dublin", 2)[0]
    call = originated_call(phones["telco-a"], pod.address, MAIN_LINE, phones["pbx1"])
    operator = installation.values["operator"]
    installation.upgrade(operator={**operator, "verbose": True})
    installation.kubectl.within(SYSTEM)(
        "rollout", "status", "deployment/trunkline-operator", "--timeout=120s", seconds=150
    )
    installation.wait_ready()
    call.renew()
    call.hang_up()
    assert {pod.uid for pod in installation.all_pods()} == before


def _each_edge_takes_calls(installation: Installation, own: OwnNode) -> None:
    """A caller that knows the ready addresses reaches the PBX through one of them, if not the first."""
    carrier, pbx = own.phones["telco-a"], own.phones["pbx1"]

    def takes_calls(edge: str) -> bool:
        return any(
            reaches(carrier, pod.address, MAIN_LINE, pbx, seconds=5) for pod in installation.serving(edge)
        )

    for edge in QUICKSTART_EDGES:
        # Who has asked just before a pod was replaced asks once more.
        assert takes_calls(edge) or takes_calls(edge), (edge, installation.pods(edge))


def _ending(installation: Installation) -> set[str]:
    return {pod.uid for pod in installation.pods() if pod.ending}
