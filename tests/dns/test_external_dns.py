"""DNSEndpoints for external-dns: what they hold, what is told of them, how an Edge leaves.

The API is one in memory; that a real API server with external-dns's schema takes them, tests/apiserver shows.
The zone is a real Knot, into which `follow` does what external-dns would.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import pytest

from support.dns_installation import ZONE, run
from support.dns_servers import Primary
from support.foreign_objects import MemoryObjects
from trunkline.dns.providers.external_dns import SHARED, ExternalDnsProvider, wanted_objects
from trunkline.plan.dns_records import EdgeSite, dns_records
from trunkline.plan.foreign import Manifest
from trunkline.plan.workload_names import MANAGED_BY
from trunkline.status.conditions import Opinion

KIND = "DNSEndpoint"
OSLO = EdgeSite("oslo", "no1", ("192.0.2.1", "192.0.2.2"), ("192.0.2.1", "192.0.2.2"), uid="uid-of-oslo")
PARIS = EdgeSite("paris", None, ("192.0.2.9",), ("192.0.2.9",), uid="uid-of-paris")
NOBODY = "127.0.0.1:9"


@dataclass
class Installation:
    """A provider on an API in memory, and what the zone that external-dns writes holds of it."""

    server: str = NOBODY
    objects: MemoryObjects = field(default_factory=MemoryObjects)
    provider: ExternalDnsProvider = field(init=False)
    followed: list[tuple[str, str, str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.restart()

    def restart(self) -> None:
        self.provider = ExternalDnsProvider(ZONE, "external-dns", self.objects, self.server)

    def reconcile(self, *sites: EdgeSite) -> dict[str, Opinion]:
        return {edge: said[0] for edge, said in run(lambda: self.provider.reconcile(sites)).items()}

    def targets(self, name: str, domain: str, kind: str = "A") -> list[str]:
        """What an object gives a domain."""
        endpoints = self.objects.stored[KIND, name]["spec"]["endpoints"]
        found = (each for each in endpoints if (each["dnsName"], each["recordType"]) == (domain, kind))
        return list(next(found, {"targets": []})["targets"])

    def follow(self, zone: Primary) -> None:
        """Write what the objects ask for, with a TTL of the writer's own."""
        zone.update(*(("delete", name, 0, kind, value) for name, kind, value in self.followed))
        self.followed = [
            (each["dnsName"], each["recordType"], value)
            for manifest in self.objects.stored.values()
            for each in manifest["spec"]["endpoints"]
            for value in each["targets"]
        ]
        zone.update(*(("add", name, 7, kind, value) for name, kind, value in self.followed))


def test_one_object_for_each_edge_and_one_for_what_they_share() -> None:
    """Together they hold every record, each once; an Edge's own is owned by it."""
    made = wanted_objects([OSLO, PARIS], ZONE, "external-dns")
    assert sorted(made) == ["edge-oslo", "edge-paris", SHARED]
    held = [
        (each["dnsName"], each["recordType"], each["recordTTL"], tuple(each["targets"]))
        for manifest in made.values()
        for each in manifest["spec"]["endpoints"]
    ]
    records = dns_records([OSLO, PARIS], ZONE)
    assert sorted(held) == [(each.name, each.type, each.ttl, each.values) for each in records]
    assert {each[1] for each in held} == {"A", "SRV", "NAPTR"}
    (owner,) = made["edge-oslo"]["metadata"]["ownerReferences"]
    assert (owner["kind"], owner["uid"]) == ("Edge", "uid-of-oslo")
    assert "ownerReferences" not in made[SHARED]["metadata"]
    assert {each["dnsName"] for each in made[SHARED]["spec"]["endpoints"]} == {
        f"{wildcard}pstn.{label}{ZONE}" for wildcard in ("", "*.") for label in ("", "no1.")
    }


def test_addresses_of_either_family_have_records_of_their_own() -> None:
    both = replace(PARIS, addresses=("192.0.2.9", "2001:db8::9"), serving=("192.0.2.9", "2001:db8::9"))
    kinds = {
        each["recordType"]
        for each in wanted_objects([both], ZONE, "x")["edge-paris"]["spec"]["endpoints"]
        if each["dnsName"] == f"pstn.paris.{ZONE}"
    }
    assert kinds == {"A", "AAAA", "NAPTR"}


def test_values_end_with_a_dot_where_external_dns_wants_it() -> None:
    """It drops an endpoint whose SRV or NAPTR does not, and one whose A or AAAA does."""
    for manifest in wanted_objects([OSLO], ZONE, "x").values():
        for each in manifest["spec"]["endpoints"]:
            dotted = each["recordType"] in ("SRV", "NAPTR")
            assert all(target.endswith(".") is dotted for target in each["targets"]), each


def test_dead_addresses_go_and_the_last_stays() -> None:
    """Also when the operator that named it is gone, and none serves: what the object says is remembered."""
    here = Installation()
    here.reconcile(OSLO)
    here.reconcile(replace(OSLO, serving=("192.0.2.2",)))
    assert here.targets("edge-oslo", f"pstn.oslo.{ZONE}") == ["192.0.2.2"]
    here.restart()
    here.reconcile(replace(OSLO, serving=()))
    assert here.targets("edge-oslo", f"pstn.oslo.{ZONE}") == ["192.0.2.2"]
    assert here.targets(SHARED, f"*.pstn.{ZONE}") == ["192.0.2.2"]


def test_nothing_is_written_while_all_is_as_wanted() -> None:
    """Not by a new operator either."""
    here = Installation()
    here.reconcile(OSLO, PARIS)
    before = here.objects.writes
    here.reconcile(OSLO, PARIS)
    here.restart()
    here.reconcile(OSLO, PARIS)
    assert here.objects.writes == before == 3


def test_a_zone_that_nobody_can_ask_is_unknown() -> None:
    """Which is no fault of the Edge; the API server test sees that its Ready does not fail by it."""
    told = Installation().reconcile(OSLO)["oslo"]
    assert (told.status, told.reason) == ("Unknown", "NotVerified")


def test_what_counts_is_what_the_zone_answers(knot: Primary) -> None:
    """Addresses alone, and with any TTL: not every server takes SRV and NAPTR from external-dns."""
    here = Installation(knot.place)
    told = here.reconcile(OSLO)["oslo"]
    assert (told.status, told.reason) == ("False", "Propagating")
    assert f"A pstn.oslo.{ZONE}" in told.message or "A *.pstn" in told.message
    here.follow(knot)
    assert here.reconcile(OSLO)["oslo"].status == "True"
    knot.update(("delete", f"pstn.oslo.{ZONE}", 0, "NAPTR", ""))
    assert here.reconcile(OSLO)["oslo"].status == "True"
    knot.update(("delete", f"pstn.oslo.{ZONE}", 0, "A", "192.0.2.2"))
    assert here.reconcile(OSLO)["oslo"].reason == "Propagating"


def test_an_edge_has_left_when_the_zone_names_it_no_more(knot: Primary) -> None:
    """Its object stays empty until then, so that a new operator goes on waiting."""
    here = Installation(knot.place)
    here.reconcile(OSLO, PARIS)
    here.follow(knot)
    here.reconcile(PARIS)
    assert here.objects.stored[KIND, "edge-oslo"]["spec"]["endpoints"] == []
    assert here.provider.named == frozenset({"oslo", "paris"})
    here.restart()
    here.reconcile(PARIS)
    assert here.provider.named == frozenset({"oslo", "paris"})
    here.follow(knot)
    here.reconcile(PARIS)
    assert here.provider.named == frozenset({"paris"})
    assert (KIND, "edge-oslo") not in here.objects.stored
    assert here.targets(SHARED, f"pstn.{ZONE}") == ["192.0.2.9"]


def test_an_edge_whose_zone_is_silent_has_not_left() -> None:
    """The bound of its finalizer ends the wait."""
    here = Installation()
    here.reconcile(OSLO)
    here.reconcile()
    here.reconcile()
    assert here.provider.named == frozenset({"oslo"})


def test_an_object_of_somebody_elses_is_left_alone() -> None:
    """It is named, with what to do."""
    here = Installation()
    theirs: Manifest = {"metadata": {"name": "edge-oslo", "uid": "theirs"}, "spec": {"endpoints": []}}
    here.objects.stored[KIND, "edge-oslo"] = theirs
    told = here.reconcile(OSLO, PARIS)
    assert (told["oslo"].status, told["oslo"].reason) == ("False", "ForeignOwner")
    assert "external-dns/edge-oslo" in told["oslo"].message
    assert told["paris"].reason == "NotVerified"
    assert here.objects.stored[KIND, "edge-oslo"] is theirs


def test_an_api_that_is_not_there_is_told() -> None:
    """And holds no Edge: there are no records of ours."""
    here = Installation(objects=MemoryObjects(missing={KIND}))
    told = here.reconcile(OSLO)["oslo"]
    assert (told.status, told.reason) == ("False", "ApiMissing")
    here.reconcile()
    assert here.provider.named == frozenset()
    here.objects.missing.clear()
    assert here.reconcile(OSLO)["oslo"].reason == "NotVerified"


@pytest.mark.parametrize("words", ("forbidden", ""))
def test_what_cannot_be_written_is_told(words: str) -> None:
    """In the words of the API, or by the name of what it raised."""
    here = Installation(objects=MemoryObjects(fault=OSError(words)))
    told = here.reconcile(OSLO)["oslo"]
    assert (told.status, told.reason) == ("False", "NotWritten")
    assert (words or "OSError") in told.message


def test_an_uninstallation_removes_them_all() -> None:
    """And no one else's."""
    here = Installation()
    here.reconcile(OSLO, PARIS)
    labels = dict(MANAGED_BY)
    here.objects.stored[KIND, "theirs"] = {"metadata": {"name": "theirs", "uid": "x", "labels": labels}}
    here.reconcile(OSLO, PARIS)
    assert len(run(here.provider.written)) == 3
    assert run(here.provider.leave) == ""
    assert list(here.objects.stored) == [(KIND, "theirs")]
    assert run(here.provider.written) == []
