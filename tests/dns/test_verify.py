"""What counts is what the authoritative servers answer, each of them, not what was written."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

from support.addresses import Block
from support.dns_installation import ZONE, Installation, run
from support.dns_servers import Primary, knot_primary, knot_secondary
from support.patience import PATIENCE
from trunkline.dns.providers.by_hand import ByHandProvider
from trunkline.dns.verify import NameServer, Verification, Verifier
from trunkline.plan.dns_records import EdgeSite, dns_records
from trunkline.status.conditions import Opinion

PORT = 20600
ASHBURN = EdgeSite("ashburn", "us1", ("192.0.2.1", "192.0.2.2"), ("192.0.2.1", "192.0.2.2"))
RECORDS = dns_records([ASHBURN], ZONE)


def verified(verifier: Verifier, *servers: NameServer) -> Verification:
    return run(lambda: verifier.verify(RECORDS, servers, ZONE))


def test_secondary_that_is_behind(tmp_path: Path, block: Block) -> None:
    """It counts once it has what the primary has; until then, and while it is silent, it is named."""
    first, second = block.address(1), block.address(2)
    here, there = NameServer(first, PORT), NameServer(second, PORT, "ns2")
    nowhere = NameServer(block.address(3), PORT)
    with (
        knot_primary(tmp_path / "a", first, PORT, ZONE, notify=f"{second}@{PORT}") as primary,
        knot_secondary(tmp_path / "b", second, PORT, ZONE, f"{first}@{PORT}") as secondary,
    ):
        secondary.stop()
        Installation(primary.place).reconcile(ASHBURN)
        verifier = Verifier()
        said = verified(verifier, here, there, nowhere)
        assert said.answering == (here,)
        assert said.silent == (there, nowhere)
        assert said.wrong == {}
        secondary.start()
        # It asks for the zone when it starts; the next change tells it, as any would.
        primary.update(("add", f"other.{ZONE}", 5, "A", "192.0.2.200"))
        deadline = time.monotonic() + PATIENCE
        while verified(verifier, here, there).wrong and time.monotonic() < deadline:
            time.sleep(0.2)
        assert verified(verifier, here, there).wrong == {}
        primary.update(("delete", f"pstn.us1.{ZONE}", 0, "A", ""))
        said = verified(verifier, here)
        assert {(record.name, record.type) for record in said.wrong} == {(f"pstn.us1.{ZONE}", "A")}


def test_server_without_the_zone_is_wrong_not_silent(knot: Primary) -> None:
    """A lame delegation is a fault of the zone."""
    said = run(lambda: Verifier().verify(RECORDS, [NameServer(knot.address, knot.port)], "other.test"))
    assert said.silent == ()
    assert set(said.wrong) == set(RECORDS)


def test_records_kept_by_hand(knot: Primary) -> None:
    """They stand in the status, for all addresses, ready or not; DNSReady is True once they are right."""
    provider = ByHandProvider(ZONE, knot.place)
    site = replace(ASHBURN, serving=())

    def told() -> Opinion:
        return run(lambda: provider.reconcile([site]))["ashburn"][0]

    opinion = told()
    assert (opinion.status, opinion.reason) == ("Unknown", "NotManaged")
    assert f"A *.pstn.{ZONE}" in opinion.message
    facts = provider.facts["ashburn"]["dnsRecords"]
    assert {(each["name"], each["type"]) for each in facts} == {(each.name, each.type) for each in RECORDS}
    for each in facts:
        knot.update(*(("add", each["name"], each["ttl"], each["type"], value) for value in each["values"]))
    opinion = told()
    assert (opinion.status, opinion.reason) == ("True", "Correct")
    knot.update(("delete", f"pstn.ashburn.{ZONE}", 0, "A", "192.0.2.1"))
    assert told().reason == "NotManaged"


def test_records_kept_by_hand_without_any_server(block: Block) -> None:
    """Nothing waits for long, and nothing is claimed."""
    provider = ByHandProvider(ZONE, f"{block.address(9)}:{PORT}")
    began = time.monotonic()
    opinion = run(lambda: provider.reconcile([ASHBURN]))["ashburn"][0]
    assert (opinion.status, opinion.reason) == ("Unknown", "NotManaged")
    assert time.monotonic() - began < 25  # of three at most; a resolver's own patience is thirty
    nothing = replace(ASHBURN, addresses=(), serving=())
    assert "no address yet" in run(lambda: provider.reconcile([nothing]))["ashburn"][0].message
