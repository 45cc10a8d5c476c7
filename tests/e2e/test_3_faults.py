"""Calls go on with the last good state, whatever is lost; and all heals by itself."""

from __future__ import annotations

import time
from typing import Any

import pytest

from cluster.processes import wait_until
from e2e import containers
from e2e.api import conditions
from e2e.calls import MAIN_LINE, SPARE, originate, originated_call, reaches, wait_for_calls
from e2e.installation import EDGES, SYSTEM, EdgePod, Installation
from e2e.own_node import OwnNode
from e2e.sites import Site, wait_for_records
from trunkline.api import API_VERSION, Edge, Number, Trunk

# The first test of a run also waits for images to be built.
pytestmark = [pytest.mark.cluster, pytest.mark.timeout(900)]

SECONDS = 60.0
USERS: list[dict[str, Any]] = [
    {
        "apiVersion": API_VERSION,
        "kind": "CredentialList",
        "metadata": {"name": f"users-{number}"},
        "spec": {
            "credentials": [
                {
                    "username": f"user-{number}-{each}",
                    "passwordSecretRef": {"name": "hq-pbx", "key": "password"},
                }
                for each in range(1000)
            ]
        },
    }
    for number in range(3)
]
"""Some hundred kilobytes of a table."""


def addresses(pods: list[EdgePod]) -> list[str]:
    """Where they are."""
    return [pod.address for pod in pods]


def test_a_lost_pod_costs_its_own_calls_alone(installation: Installation, site: Site) -> None:
    """Killed without notice it leaves DNS, another takes its place; a call through its neighbour lives."""
    phones = site.phones
    lost, other = installation.serving("ashburn")
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
    pod, other = installation.serving("dublin")
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
    pods = installation.serving()
    call = originated_call(phones["telco-a"], pods[0].address, MAIN_LINE, phones["pbx1"])
    system = installation.kubectl.within(SYSTEM)
    system("scale", operator, "--replicas=0")
    system("wait", "--for=delete", "pod", "-l", "app.kubernetes.io/name=trunkline-operator", "--timeout=60s")
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
    assert {pod.uid for pod in installation.serving()} == {pod.uid for pod in pods}


def test_a_pod_that_is_deleted_drains(installation: Installation, site: Site) -> None:
    """It leaves DNS, tells new calls to go elsewhere, and ends as soon as its last call has ended."""
    phones = site.phones
    leaving, staying = installation.serving("dublin")
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
    assert time.monotonic() - began < 45
    wait_for_records(site, "dublin", addresses(now))


def test_a_deleted_edge_drains_for_as_long_as_it_says(installation: Installation, site: Site) -> None:
    """With a call that never ends, its pods go when the time is over; nothing of it is left in DNS."""
    phones, kubectl = site.phones, installation.kubectl
    spec = {"advertise": {"type": "PodIP"}, "replicas": 1, "drain": {"maxSeconds": 8}}
    kubectl.apply({"apiVersion": API_VERSION, "kind": "Edge", "metadata": {"name": "shannon"}, "spec": spec})
    installation.api.wait(Edge, "shannon", "Ready")
    (pod,) = installation.wait_pods("shannon", 1)
    wait_for_records(site, "shannon", [pod.address])
    originated_call(phones["telco-a"], pod.address, MAIN_LINE, phones["pbx1"])
    began = time.monotonic()
    kubectl("delete", "edge", "shannon", "--timeout=60s", seconds=90)
    wait_until("its pod goes", lambda: not installation.pods("shannon"), SECONDS)
    assert 8 <= time.monotonic() - began < 40
    if isinstance(site, OwnNode):
        assert not [name for name, _ in site.all_records() if "shannon" in name]
    left = kubectl.within(EDGES)("get", "all,leases,secrets,pdb,roles,sa", "-l", "trunkline.dev/edge=shannon")
    assert not left.strip(), left


def test_a_full_disk_keeps_the_last_good_table(installation: Installation, own: OwnNode) -> None:
    """What cannot be stored is not called programmed, and calls go on by what is; until there is space."""
    phones, kubectl = own.phones, installation.kubectl
    node = own.cluster.add_node(disk="64m")
    try:
        spec = {
            "advertise": {"type": "PodIP"},
            "replicas": 1,
            "placement": {"nodeSelector": {"kubernetes.io/hostname": node.name}},
            "drain": {"maxSeconds": 0},
        }
        kubectl.apply(
            {"apiVersion": API_VERSION, "kind": "Edge", "metadata": {"name": "boyne"}, "spec": spec}
        )
        (pod,) = installation.wait_pods("boyne", 1)
        installation.api.wait(Edge, "boyne", "Ready")
        # dd ends with a complaint when the disk is full, as wanted.
        filler = "/var/lib/kubelet/filler"
        node.call("bash", "-c", f"dd if=/dev/zero of={filler} bs=4096 2>&1 | grep 'No space'")
        # A small change finds room in what the store has already.
        kubectl.within("acme").apply(*USERS)
        refs = [{"name": name} for name in ("hq-users", *(each["metadata"]["name"] for each in USERS))]
        installation.api.patch(Trunk, "lab", {"termination": {"credentialListRefs": refs}})
        generation = installation.api.patch(Number, "main-line", {"trunkRef": {"name": "lab"}})
        others = installation.serving("ashburn")
        wait_until(
            "the other edges follow",
            lambda: reaches(phones["telco-a"], others[0].address, MAIN_LINE, phones["lab"]),
            SECONDS,
        )
        time.sleep(5)
        said = conditions(installation.api.get(Number, "main-line"))["Programmed"]
        assert said["status"] != "True" or said["observedGeneration"] < generation, said
        assert originate(phones["telco-a"], pod.address, MAIN_LINE, phones["pbx1"]).status == 486
        node.call("rm", filler)
        installation.api.wait(Number, "main-line", "Programmed", generation)
        assert originate(phones["telco-a"], pod.address, MAIN_LINE, phones["lab"]).status == 486
    finally:
        kubectl("delete", "edge", "boyne", "--ignore-not-found", "--timeout=60s", seconds=90)
        installation.apply_tenant()
        kubectl.within("acme")(
            "delete", "credentiallist", "users-0", "users-1", "users-2", "--ignore-not-found"
        )
        own.cluster.remove_node(node)
    installation.wait_ready()
