"""Calls go on with the last good state, whatever is lost; and all heals by itself."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest

from cluster.machine import Machine
from cluster.processes import wait_until
from e2e import containers
from e2e.api import conditions
from e2e.calls import MAIN_LINE, SPARE, originate, originated_call, wait_for_calls
from e2e.installation import EDGES, SYSTEM, TENANT, EdgePod, Installation
from e2e.own_node import OwnNode
from e2e.sites import Site, wait_for_records
from trunkline.api import API_VERSION, Edge, Number, Trunk
from trunkline.plan.edge_pod import RECORDER_SECONDS, STOP_SECONDS

# The first test of a run also waits for images to be built.
pytestmark = [pytest.mark.cluster, pytest.mark.timeout(900)]

SECONDS = 120.0
DRAIN_SECONDS = 8
USERS = tuple(f"users-{number}" for number in range(3))
"""Lists of users: together some hundred kilobytes of a table."""


def users(name: str) -> dict[str, Any]:
    """A list of a thousand."""
    secret = {"name": "hq-pbx", "key": "password"}
    found = [{"username": f"{name}-{each}", "passwordSecretRef": secret} for each in range(1000)]
    spec = {"credentials": found}
    return {"apiVersion": API_VERSION, "kind": "CredentialList", "metadata": {"name": name}, "spec": spec}


def addresses(pods: list[EdgePod]) -> list[str]:
    """Where they are."""
    return [pod.address for pod in pods]


def test_a_lost_pod_costs_its_own_calls_alone(installation: Installation, site: Site) -> None:
    """Killed without notice it leaves DNS, another takes its place; a call through its neighbour lives."""
    phones = site.phones
    lost, other = installation.wait_pods("ashburn", 2)
    call = originated_call(phones["telco-a"], other.address, MAIN_LINE, phones["pbx1"])
    installation.kubectl.within(EDGES)("delete", "pod", lost.name, "--grace-period=0", "--force")
    wait_for_records(site, "ashburn", [other.address])
    call.renew()
    now = installation.wait_pods("ashburn", 2, besides=lost.uid)
    wait_for_records(site, "ashburn", addresses(now))
    for pod in now:
        assert originate(phones["telco-a"], pod.address, MAIN_LINE, phones["pbx1"]).status == 486
    call.hang_up()


def test_a_killed_kamailio_comes_back_in_its_pod(installation: Installation, own: OwnNode) -> None:
    """kubelet starts the container again, which serves the table that is there; no pod is replaced."""
    phones = own.phones
    pod, other = installation.wait_pods("dublin", 2)
    call = originated_call(phones["telco-a"], other.address, MAIN_LINE, phones["pbx1"])
    containers.kill(pod, containers.KAMAILIO)
    wait_for_calls(phones["telco-a"], pod.address, MAIN_LINE, phones["pbx1"], SECONDS)
    call.renew()
    call.hang_up()
    now = installation.wait_pods("dublin", 2)
    assert [each.uid for each in now] == [pod.uid, other.uid]
    assert now[0].restarts["kamailio"] == 1
    wait_for_records(own, "dublin", addresses(now))


def test_calls_need_neither_operator_nor_api_server(installation: Installation, own: OwnNode) -> None:
    """Both away, calls go on through every pod, also after each container of an edge was killed meanwhile."""
    phones, operator = own.phones, "deployment/trunkline-operator"
    pods = installation.all_pods()
    call = originated_call(phones["telco-a"], pods[0].address, MAIN_LINE, phones["pbx1"])
    system = installation.kubectl.within(SYSTEM)
    system("scale", operator, "--replicas=0")
    system(
        "wait",
        "--for=delete",
        "pod",
        "-l",
        "app.kubernetes.io/name=trunkline-operator",
        "--timeout=120s",
        seconds=150,
    )
    own.cluster.stop_apiserver()
    try:
        for pod in pods:
            assert originate(phones["telco-a"], pod.address, MAIN_LINE, phones["pbx1"]).status == 486
        containers.kill(pods[1], containers.KAMAILIO)
        containers.kill(pods[2], containers.AGENT)
        containers.kill(pods[3], containers.AGENT)
        containers.kill(pods[3], containers.KAMAILIO)
        for pod in pods[1:]:
            wait_for_calls(phones["telco-a"], pod.address, MAIN_LINE, phones["pbx1"], SECONDS)
        # What the table says and what it does not: it is the last good one, not a guess.
        for pod in pods:
            assert originate(phones["telco-a"], pod.address, SPARE, None).status == 404
        call.renew()
        call.hang_up()
    finally:
        own.cluster.start_apiserver()
    system("scale", operator, "--replicas=1")
    system("rollout", "status", operator, "--timeout=120s", seconds=150)
    for trunk, pbx in (("lab", "lab"), ("hq", "pbx1")):
        generation = installation.api.patch(Number, "main-line", {"trunkRef": {"name": trunk}})
        installation.api.wait(Number, "main-line", "Programmed", generation)
        for pod in pods:
            assert originate(phones["telco-a"], pod.address, MAIN_LINE, phones[pbx]).status == 486
    installation.wait_ready()
    assert {pod.uid for pod in installation.all_pods()} == {pod.uid for pod in pods}


def test_a_pod_that_is_deleted_drains(installation: Installation, site: Site) -> None:
    """It leaves DNS, tells new calls to go elsewhere, and ends as soon as its last call has ended."""
    phones = site.phones
    leaving, staying = installation.wait_pods("dublin", 2)
    call = originated_call(phones["telco-a"], leaving.address, MAIN_LINE, phones["pbx1"])
    installation.kubectl.within(EDGES)("delete", "pod", leaving.name, "--wait=false")
    wait_for_records(site, "dublin", [staying.address])

    def refused() -> bool:
        return originate(phones["telco-a"], leaving.address, SPARE, None).status == 503

    wait_until("it takes no calls", refused, SECONDS)
    assert originate(phones["telco-a"], leaving.address, MAIN_LINE, None).header("Retry-After")
    time.sleep(3)
    call.renew()
    assert leaving.uid in {pod.uid for pod in installation.pods("dublin")}
    call.hang_up()
    began = time.monotonic()
    now = installation.wait_pods("dublin", 2, besides=leaving.uid)
    assert time.monotonic() - began < 300, "it waited for more than its last call"
    wait_for_records(site, "dublin", addresses(now))


def test_a_deleted_edge_drains_for_as_long_as_it_says(installation: Installation, site: Site) -> None:
    """With a call that never ends, its pods go when the time is over; nothing of it is left in DNS."""
    phones, kubectl = site.phones, installation.kubectl
    with installation.edge(
        "shannon", advertise={"type": "PodIP"}, replicas=1, drain={"maxSeconds": DRAIN_SECONDS}
    ):
        installation.api.wait(Edge, "shannon", "Ready")
        (pod,) = installation.wait_pods("shannon", 1)
        wait_for_records(site, "shannon", [pod.address])
        originated_call(phones["telco-a"], pod.address, MAIN_LINE, phones["pbx1"])
        began = time.monotonic()
    # What the pod has beside that to end is not used up.
    assert DRAIN_SECONDS <= time.monotonic() - began < DRAIN_SECONDS + STOP_SECONDS + RECORDER_SECONDS
    if isinstance(site, OwnNode):
        assert not [name for name, _ in site.all_records() if "shannon" in name]
    left = kubectl.within(EDGES)("get", "all,leases,secrets,pdb,roles,sa", "-l", "trunkline.dev/edge=shannon")
    assert not left.strip(), left


@pytest.fixture
def small_node(installation: Installation, own: OwnNode) -> Iterator[Machine]:
    """A node with little space, for one test; what that changed is as before afterwards."""
    node = own.cluster.add_node(disk="64m")
    yield node
    installation.apply_tenant()
    installation.kubectl.within(TENANT)("delete", "credentiallist", *USERS, "--ignore-not-found")
    own.cluster.remove_node(node)
    installation.wait_ready()


def test_a_full_disk_keeps_the_last_good_table(
    installation: Installation, own: OwnNode, small_node: Machine
) -> None:
    """What cannot be stored is not called programmed, and calls go on by what is; until there is space."""
    phones, api = own.phones, installation.api
    carrier, lab = phones["telco-a"], phones["lab"]
    placement = {"nodeSelector": {"kubernetes.io/hostname": small_node.name}}
    spec = {"advertise": {"type": "PodIP"}, "replicas": 1, "placement": placement}
    with installation.edge("boyne", **spec, drain={"maxSeconds": 0}):
        (pod,) = installation.wait_pods("boyne", 1)
        api.wait(Edge, "boyne", "Ready")
        # dd ends with a complaint when the disk is full, as wanted.
        filler = "/var/lib/kubelet/filler"
        small_node.call("bash", "-c", f"dd if=/dev/zero of={filler} bs=4096 2>&1 | grep 'No space'")
        # A small change finds room in what the store has already.
        installation.kubectl.within(TENANT).apply(*map(users, USERS))
        refs = [{"name": name} for name in ("hq-users", *USERS)]
        api.patch(Trunk, "lab", {"termination": {"credentialListRefs": refs}})
        generation = api.patch(Number, "main-line", {"trunkRef": {"name": "lab"}})
        wait_for_calls(carrier, installation.wait_pods("ashburn", 2)[0].address, MAIN_LINE, lab, SECONDS)
        time.sleep(5)
        said = conditions(api.get(Number, "main-line"))["Programmed"]
        assert said["status"] != "True" or said["observedGeneration"] < generation, said
        assert originate(carrier, pod.address, MAIN_LINE, phones["pbx1"]).status == 486
        small_node.call("rm", filler)
        api.wait(Number, "main-line", "Programmed", generation)
        assert originate(carrier, pod.address, MAIN_LINE, lab).status == 486
