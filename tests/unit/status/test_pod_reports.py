"""What is known of an Edge's pods: a Lease is a claim, the Pod and its Node are facts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest

from support.objects import make_edge
from trunkline.status.pod_claim import PodClaim
from trunkline.status.pod_reports import (
    EdgePod,
    NodeAddresses,
    PodFact,
    lease_ignored,
    own_address,
    pods_report,
)
from trunkline.status.programmed import AddressReport

PBX = "203.0.113.9"
NODES = {"n1": NodeAddresses({}, "10.0.0.1", "198.51.100.1"), "n2": NodeAddresses({}, "10.0.0.2", "")}
STATIC = {"type": "Static", "addresses": ["192.0.2.1", "192.0.2.2"]}
POD_IP = {"type": "PodIP"}
EXTERNAL = {"type": "HostNetwork"}
INTERNAL = {"type": "HostNetwork", "nodeAddressType": "InternalIP"}

OWN = PodFact("10.1.0.5", "n1", ready=True)
HOST = PodFact("10.0.0.1", "n1", is_in_host_network=True, ready=True)
BARE = PodFact("10.0.0.2", "n2", is_in_host_network=True, ready=True)
LOST = PodFact("10.0.0.3", "n3", is_in_host_network=True, ready=True)


@pytest.mark.parametrize(
    ("advertise", "fact", "address"),
    (
        (POD_IP, OWN, "10.1.0.5"),
        (POD_IP, replace(OWN, address=""), ""),
        (POD_IP, None, ""),
        (EXTERNAL, HOST, "198.51.100.1"),
        (EXTERNAL, BARE, "10.0.0.2"),
        (EXTERNAL, LOST, "10.0.0.3"),
        (EXTERNAL, OWN, "10.1.0.5"),
        (INTERNAL, HOST, "10.0.0.1"),
        (INTERNAL, replace(HOST, address=""), ""),
        (STATIC, HOST, ""),
    ),
)
def test_the_address_of_a_pod_is_the_api_servers_word(
    advertise: Mapping[str, object], fact: PodFact | None, address: str
) -> None:
    assert own_address(make_edge(advertise=advertise), fact, NODES) == address


def one(
    advertise: Mapping[str, object], claim: PodClaim, fact: PodFact | None
) -> tuple[AddressReport, list[str]]:
    """The report of an Edge's one pod, whose head has sequence 4, and what is not believed."""
    pod = EdgePod("edge-ashburn-0", claim, fact)
    found = pods_report(make_edge(advertise=advertise), [pod], NODES, 4, {})
    (address,) = found.report.addresses
    return address, list(found.ignored)


@pytest.mark.parametrize(
    ("advertise", "fact", "address"),
    ((POD_IP, OWN, "10.1.0.5"), (EXTERNAL, HOST, "198.51.100.1"), (INTERNAL, HOST, "10.0.0.1")),
)
def test_a_claim_to_a_foreign_address_shows_the_true_one_and_acknowledges_nothing(
    advertise: Mapping[str, object], fact: PodFact, address: str
) -> None:
    """It leaves DNS, and what its table lacks is waited for while calls may come to it."""
    honest, ignored = one(advertise, PodClaim(4, address, True), fact)
    assert honest == AddressReport(address, True, 4, pod="edge-ashburn-0")
    assert ignored == []
    liar, ignored = one(advertise, PodClaim(4, PBX, True), fact)
    assert (liar.address, liar.ready, liar.revision, liar.may_be_called) == (address, False, None, True)
    assert ignored == ["pod edge-ashburn-0: an address that is not the pod's"]


def test_a_claim_without_a_pod_is_nobodys() -> None:
    report, ignored = one(POD_IP, PodClaim(4, PBX, True), None)
    assert (report.address, report.ready, report.revision) == ("edge-ashburn-0", False, None)
    assert ignored == []


def test_a_pod_that_begins_finds_its_forerunners_words_on_its_lease() -> None:
    """It is not ready by them, and nobody is told of a lie."""
    begun, ignored = one(POD_IP, PodClaim(4, "10.1.0.4", True), replace(OWN, ready=False))
    assert (begun.address, begun.ready, begun.may_be_called) == ("10.1.0.5", False, False)
    assert ignored == []


@pytest.mark.parametrize(
    ("revision", "known", "ignored"),
    ((4, 4, 0), (3, 3, 0), (5, None, 0), (4 + 2**32, None, 0), (5 + 2**32, None, 1)),
)
def test_a_revision_above_the_head_is_not_an_acknowledgement(
    revision: int, known: int | None, ignored: int
) -> None:
    """A restore explains one that is a little above; the pod goes on taking calls."""
    report, told = one(POD_IP, PodClaim(revision, "10.1.0.5", True), OWN)
    assert (report.ready, report.revision, len(told)) == (True, known, ignored)


def static(*pods: EdgePod, owners: dict[str, str] | None = None) -> list[tuple[str, bool, bool]]:
    found = pods_report(make_edge(advertise=STATIC), pods, NODES, 4, owners or {})
    return [(each.address, each.ready, each.offered) for each in found.report.addresses]


def claims(name: str, address: str, *, is_silent: bool = False) -> EdgePod:
    return EdgePod(name, PodClaim(4, address, True), HOST, is_silent)


def test_a_static_pod_has_what_the_edge_lists_and_one_pod_each() -> None:
    first, second = claims("p0", "192.0.2.1"), claims("p1", "192.0.2.1")
    assert static(first, claims("p1", "192.0.2.2")) == [("192.0.2.1", True, True), ("192.0.2.2", True, True)]
    assert static(first, second) == [("192.0.2.1", True, True), ("p1", False, True)]
    kept = static(first, second, owners={"192.0.2.1": "p1"})
    assert kept == [("p0", False, True), ("192.0.2.1", True, True)]


def test_an_owner_that_is_silent_gives_way() -> None:
    silent, other = claims("p0", "192.0.2.1", is_silent=True), claims("p1", "192.0.2.1")
    assert static(silent, other, owners={"192.0.2.1": "p0"})[1] == ("192.0.2.1", True, True)
    assert static(silent, owners={"192.0.2.1": "p0"}) == [("192.0.2.1", False, True)]


def test_an_address_that_the_edge_does_not_list_is_shown_to_nobody() -> None:
    """It may have been listed before; then calls may still come, and its table is waited for."""
    assert static(claims("p0", PBX)) == [(PBX, True, False)]


def test_what_is_not_believed_stands_in_the_status_within_bounds() -> None:
    assert lease_ignored([]) is None
    told = lease_ignored([f"pod p{each}: an address that is not the pod's" for each in range(500)])
    assert told is not None
    assert (told.type, told.status, told.reason) == ("Deployed", "False", "LeaseIgnored")
    assert "and 497 more" in told.message
    assert len(told.message) < 400
