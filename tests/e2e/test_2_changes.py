"""What is told by status is true on every pod, at once; and no change costs a call."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any, Final

import pytest
from cryptography import x509

from cluster.processes import wait_until
from e2e import containers
from e2e.api import conditions
from e2e.calls import (
    LAB_LINE,
    MAIN_LINE,
    PORT,
    PSTN,
    SECONDS,
    arrived,
    originate,
    originated_call,
    reaches,
    wait_for_calls,
)
from e2e.installation import EDGES, TENANT, EdgePod, Installation
from e2e.own_node import BASE_DOMAIN, OwnNode, entered
from e2e.sites import Site
from e2e.wire import WiredAgent
from support.sipua import Invite, send_invite
from support.together import stream_calls
from trunkline.api import API_VERSION, Edge, Number, OriginationUri, Trunk
from trunkline.api.resource import Resource
from trunkline.tls.probe import Served, probe

# The first test of a run also waits for images to be built.
pytestmark = [pytest.mark.cluster, pytest.mark.timeout(900)]

CHANGES: Final = int(os.environ.get("TRUNKLINE_E2E_CHANGES") or (200 if os.environ.get("SOAK") else 60))
"""A second each: agents acknowledge once a second."""
TLS_PORT: Final = 5061
SHARE_SECONDS: Final = 60.0
"""For what one pod counts to be known to all, which takes a moment, or twenty seconds to another Edge."""
LAB_URI: Final = f"sip:{PSTN}@acme-lab.pstn.{BASE_DOMAIN}"

Change = tuple[type[Resource], str, dict[str, Any], Callable[[str], None]]
"""What is patched and how, and the call that must show it at an edge's address."""


def test_programmed_waits_for_the_slowest_pod(installation: Installation, own: OwnNode) -> None:
    """While one agent stands still nothing new is called programmed; then it is, and true everywhere."""
    api, phones = installation.api, own.phones
    pods = installation.all_pods()
    containers.freeze(pods[-1], containers.AGENT, frozen=True)
    try:
        generation = api.patch(Number, "main-line", {"trunkRef": {"name": "lab"}})
        time.sleep(3)
        said = conditions(api.get(Number, "main-line"))["Programmed"]
        assert (said["status"], said["observedGeneration"]) != ("True", generation), said
        assert originate(phones["telco-a"], pods[0].address, MAIN_LINE, phones["lab"]).status == 486
    finally:
        containers.freeze(pods[-1], containers.AGENT, frozen=False)
    api.wait(Number, "main-line", "Programmed", generation)
    for pod in installation.all_pods():
        assert originate(phones["telco-a"], pod.address, MAIN_LINE, phones["lab"]).status == 486
    generation = api.patch(Number, "main-line", {"trunkRef": {"name": "hq"}})
    api.wait(Number, "main-line", "Programmed", generation)


def test_programmed_is_never_early(
    installation: Installation, site: Site, record_property: Callable[[str, object], None]
) -> None:
    """Many changes: when one says Programmed, a call through every pod at once goes the new way."""
    api = installation.api
    took, pods = [], installation.all_pods()
    assert len(pods) == 4
    for number in range(CHANGES):
        kind, name, spec, check = _change(site, number)
        began = time.monotonic()
        generation = api.patch(kind, name, spec)
        api.wait(kind, name, "Programmed", generation)
        took.append(time.monotonic() - began)
        for pod in pods:
            check(pod.address)
    took.sort()
    record_property("programmed_after_seconds_median", took[CHANGES // 2])
    print(f"programmed after: median {took[CHANGES // 2]:.2f} s, longest {took[-1]:.2f} s")
    installation.apply_tenant()
    installation.wait_ready()


def _change(site: Site, number: int) -> Change:
    phones, turn = site.phones, number // 3
    carrier, lab = phones["telco-a"], phones["lab"]
    if number % 3 == 0:
        trunk, pbx = (("hq", phones["pbx1"]), ("lab", lab))[(turn + 1) % 2]

        def moved(edge: str) -> None:
            assert originate(carrier, edge, MAIN_LINE, pbx).status == 486

        return Number, "main-line", {"trunkRef": {"name": trunk}}, moved
    if number % 3 == 1:

        def marked(edge: str) -> None:
            invite = send_invite(carrier, (edge, PORT), f"sip:{LAB_LINE}@{edge}", caller=PSTN)
            taken = arrived(lab, invite)
            lab.respond(taken, 486, "Busy Here")
            assert invite.final(SECONDS).status == 486
            assert taken.header("X-Change") == str(number)

        spec = {"sipUri": f"sip:{site.phones['lab'].address}:5060?X-Change={number}"}
        return OriginationUri, "lab-pbx", spec, marked
    by_password = turn % 2 == 1

    def guarded(edge: str) -> None:
        invite = send_invite(lab, (edge, PORT), LAB_URI, caller=LAB_LINE)
        if not by_password:
            taken = carrier.wait("INVITE", call_id=invite.call_id, seconds=SECONDS)
            carrier.respond(taken, 486, "Busy Here")
        assert invite.final(SECONDS).status == (407 if by_password else 486)

    lists = {"credentialListRefs": [{"name": "hq-users"}], "ipAccessControlListRefs": None}
    if not by_password:
        lists = {"credentialListRefs": None, "ipAccessControlListRefs": [{"name": "hq-sites"}]}
    return Trunk, "lab", {"termination": lists}, guarded


@pytest.fixture
def three_pods(installation: Installation) -> Iterator[list[EdgePod]]:
    """Of Edge ashburn, for one test: later ones find two, and trunks without its limits, even if it fails."""
    api = installation.api
    api.patch(Edge, "ashburn", {"replicas": 3})
    try:
        yield installation.wait_pods("ashburn", 3)
    finally:
        for name, spec in (
            ("hq", {"maxConcurrentCalls": 50}),
            ("lab", {"termination": {"callsPerSecond": None, "ipAccessControlListRefs": None}}),
        ):
            api.patch(Trunk, name, spec)
        installation.apply_tenant()
        api.patch(Edge, "ashburn", {"replicas": 2})
        installation.wait_pods("ashburn", 2)


def test_limits_hold_over_all_pods(
    installation: Installation, own: OwnNode, three_pods: list[EdgePod]
) -> None:
    """Five new calls a second at three pods; a call in progress at once within an Edge, later at others."""
    api, phones = installation.api, own.phones
    here, elsewhere = three_pods, installation.wait_pods("dublin", 2)[0]
    lab, carrier = phones["lab"], phones["telco-a"]
    lists = {"credentialListRefs": None, "ipAccessControlListRefs": [{"name": "hq-sites"}]}
    generation = api.patch(Trunk, "lab", {"termination": {**lists, "callsPerSecond": 5}})
    api.wait(Trunk, "lab", "Programmed", generation)

    def place(number: int) -> Invite:
        return send_invite(lab, (here[number % len(here)].address, PORT), LAB_URI, caller=LAB_LINE)

    def is_shared() -> bool:
        """Each by itself would let 15 a second through, and a fixed third of it each time less."""
        return 3.5 <= stream_calls(lab, carrier, place, seconds=6, a_second=20).usual <= 7

    wait_until("three pods share five calls a second", is_shared, 2 * SHARE_SECONDS)
    generation = api.patch(Trunk, "hq", {"maxConcurrentCalls": 1})
    api.wait(Trunk, "hq", "Programmed", generation)
    call = originated_call(carrier, here[0].address, MAIN_LINE, phones["pbx1"])
    for pod in (*here, elsewhere):
        wait_until(f"{pod.name} counts it", partial(is_full, pod, phones), SHARE_SECONDS)
    call.hang_up()
    wait_for_calls(carrier, here[-1].address, MAIN_LINE, phones["pbx1"], SHARE_SECONDS)


def is_full(pod: EdgePod, phones: Mapping[str, WiredAgent]) -> bool:
    """True if the pod takes no call of the PSTN."""
    return not reaches(phones["telco-a"], pod.address, MAIN_LINE, phones["pbx1"])


def test_a_trunk_moves_to_another_team(installation: Installation, site: Site) -> None:
    """The other team's claim waits, saying why, until the first gives up; then its PBX gets the calls."""
    phones, kubectl = site.phones, installation.kubectl
    kubectl("create", "namespace", "beta")
    kubectl.apply(*_other_team(phones["pbx2"]))
    beta = kubectl.within("beta")
    for kind, name in (("number", "lab-line"), ("trunk", "lab")):
        beta("wait", "--for=condition=Accepted=False", f"{kind}/{name}", "--timeout=120s", seconds=150)
    for pod in installation.all_pods():
        assert originate(phones["telco-a"], pod.address, LAB_LINE, phones["lab"]).status == 486
    acme = kubectl.within(TENANT)
    acme("delete", "number/lab-line", "originationuri/lab-pbx", "trunk/lab")
    beta("wait", "--for=condition=Ready", "number/lab-line", "trunk/lab", "--timeout=120s", seconds=150)
    for pod in installation.all_pods():
        assert originate(phones["telco-a"], pod.address, LAB_LINE, phones["pbx2"]).status == 486
    # A namespace with trunks in it ends, and the first team has its trunk again.
    kubectl("delete", "namespace", "beta", "--timeout=120s", seconds=150)
    kubectl("delete", "account", "beta")
    installation.apply_tenant()
    installation.wait_ready()
    for pod in installation.all_pods():
        assert originate(phones["telco-a"], pod.address, LAB_LINE, phones["lab"]).status == 486


def _other_team(pbx: WiredAgent) -> list[dict[str, Any]]:
    account = {"namespaces": ["beta"], "numberPrefixes": [LAB_LINE], "domainNames": ["acme-lab"]}
    account["allowedTargetCidrs"] = [f"{pbx.address}/32"]
    trunk = {"termination": {"domainName": "acme-lab", "ipAccessControlListRefs": [{"name": "sites"}]}}
    uri = {"trunkRef": {"name": "lab"}, "sipUri": f"sip:{pbx.address}:5060"}
    number = {"number": LAB_LINE, "trunkRef": {"name": "lab"}}
    sites = {"entries": [{"cidr": "10.0.0.0/8"}]}
    objects = (
        ("Account", "beta", account),
        ("IpAccessControlList", "sites", sites),
        ("Trunk", "lab", trunk),
        ("OriginationUri", "lab", uri),
        ("Number", "lab-line", number),
    )
    return [
        {
            "apiVersion": API_VERSION,
            "kind": kind,
            "metadata": {"name": name, **({} if kind == "Account" else {"namespace": "beta"})},
            "spec": spec,
        }
        for kind, name, spec in objects
    ]


def test_a_certificate_is_renewed_under_a_call(installation: Installation, own: OwnNode) -> None:
    """Every pod serves the CA's new certificate, and a call that began before goes on and ends as usual."""
    phones = own.phones
    pods = installation.wait_pods("ashburn", 2)
    bundle = installation.kubectl.within(EDGES).get("configmap", "trunkline-ca")["data"]["ca.crt"]
    trusted = x509.load_pem_x509_certificates(bundle.encode())
    before = {pod.name: _served(own, pod.address, trusted) for pod in pods}
    assert all(served.faults == () for served in before.values())
    call = originated_call(phones["telco-a"], pods[0].address, MAIN_LINE, phones["pbx1"])
    installation.kubectl.within(EDGES)("delete", "secret", "edge-ashburn-tls")
    end = time.monotonic() + 120
    for pod in pods:
        while (now := _served(own, pod.address, trusted)).fingerprint == before[pod.name].fingerprint:
            assert time.monotonic() < end, f"{pod.name} serves the old certificate still"
            time.sleep(0.5)
        assert now.faults == ()
    call.renew()
    call.hang_up()
    assert {pod.uid for pod in installation.wait_pods("ashburn", 2)} == {pod.uid for pod in pods}


def _served(own: OwnNode, address: str, trusted: list[x509.Certificate]) -> Served:
    with entered(own.hosts["pbx1"]):
        return probe(address, TLS_PORT, f"acme-hq.pstn.ashburn.{BASE_DOMAIN}", trusted)
