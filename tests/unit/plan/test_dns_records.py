"""Record sets: which names, which addresses, and what stays when everything fails."""

from __future__ import annotations

from dataclasses import replace

import dns.rrset
import dns.zone
from hypothesis import given
from hypothesis import strategies as st

from trunkline.plan.dns_records import EdgeSite, RecordSet, dns_records, in_turn, serving_addresses
from trunkline.standalone.zone_file import zone_text

BASE = "voice.example"
ASHBURN = EdgeSite("ashburn", "us1", ("192.0.2.1", "192.0.2.2", "192.0.2.3"), ("192.0.2.1", "192.0.2.3"))
UMATILLA = EdgeSite("umatilla", "us1", ("192.0.2.17",), ("192.0.2.17",), ttl_seconds=60)
DUBLIN = EdgeSite("dublin", None, ("192.0.2.33",), ("192.0.2.33",))


def found(sites: list[EdgeSite]) -> dict[tuple[str, str], RecordSet]:
    return {
        (record.name.removesuffix(f".{BASE}"), record.type): record for record in dns_records(sites, BASE)
    }


def test_edge_and_all_below_it_have_its_serving_addresses() -> None:
    """In the Edge's order, with its TTL."""
    records = found([ASHBURN])
    for name in ("pstn.ashburn", "*.pstn.ashburn", "pstn.us1", "*.pstn.us1", "pstn", "*.pstn"):
        assert records[(name, "A")].values == ("192.0.2.1", "192.0.2.3")
        assert records[(name, "A")].ttl == 600


def test_alias_of_several_edges_takes_them_in_turn() -> None:
    """With the shortest TTL of its edges."""
    alias = found([ASHBURN, UMATILLA, DUBLIN])[("pstn.us1", "A")]
    assert alias.values == ("192.0.2.1", "192.0.2.17", "192.0.2.3")
    assert alias.ttl == 60


def test_platform_has_eight_addresses_of_all_edges_in_turn() -> None:
    """The answer stays small however many edges there are."""
    sites = [
        EdgeSite(name, None, addresses, addresses)
        for name, addresses in (
            ("a", tuple(f"192.0.2.{n}" for n in range(1, 7))),
            ("b", ("198.51.100.1", "198.51.100.2")),
            ("c", tuple(f"203.0.113.{n}" for n in range(1, 7))),
        )
    ]
    assert found(sites)[("*.pstn", "A")].values == (
        "192.0.2.1",
        "198.51.100.1",
        "203.0.113.1",
        "192.0.2.2",
        "198.51.100.2",
        "203.0.113.2",
        "192.0.2.3",
        "203.0.113.3",
    )


def test_services_stand_at_the_edge_only_and_point_outside_of_pstn() -> None:
    """NAPTR and SRV at `pstn.<edge>`; targets below `sip.<edge>`, where they shadow no trunk."""
    records = found([replace(ASHBURN, ports={"udp": 5070, "tcp": 5071, "tls": 5072})])
    assert {name for name, kind in records if kind == "NAPTR"} == {"pstn.ashburn"}
    assert {name: records[(name, "SRV")].values for name, kind in records if kind == "SRV"} == {
        f"{service}.pstn.ashburn": (
            f"10 10 {port} a1.sip.ashburn.{BASE}.",
            f"10 10 {port} a3.sip.ashburn.{BASE}.",
        )
        for service, port in (("_sip._udp", 5070), ("_sip._tcp", 5071), ("_sips._tcp", 5072))
    }
    assert records[("a3.sip.ashburn", "A")].values == ("192.0.2.3",)
    assert ("a2.sip.ashburn", "A") not in records


def test_naptr_prefers_udp_then_tcp_then_tls() -> None:
    """Each names the SRV record of its transport."""
    values = found([DUBLIN])[("pstn.dublin", "NAPTR")].values
    assert values == (
        f'10 10 "s" "SIP+D2U" "" _sip._udp.pstn.dublin.{BASE}.',
        f'20 10 "s" "SIP+D2T" "" _sip._tcp.pstn.dublin.{BASE}.',
        f'30 10 "s" "SIPS+D2T" "" _sips._tcp.pstn.dublin.{BASE}.',
    )


def test_edge_without_serving_addresses_has_no_records() -> None:
    """One that never served is not announced, and does not hide the others."""
    records = found([replace(ASHBURN, serving=()), UMATILLA])
    assert not [name for name, _ in records if "ashburn" in name]
    assert records[("pstn.us1", "A")].values == ("192.0.2.17",)


def test_ipv6_addresses_are_aaaa_records() -> None:
    """Each family in a set of its own."""
    records = found([EdgeSite("v6", None, ("2001:db8::1", "192.0.2.9"), ("2001:db8::1", "192.0.2.9"))])
    assert records[("pstn.v6", "AAAA")].values == ("2001:db8::1",)
    assert records[("pstn.v6", "A")].values == ("192.0.2.9",)


def test_edge_with_the_name_of_a_region_shares_its_names() -> None:
    """No set is there twice."""
    sites = [ASHBURN, EdgeSite("us1", "us1", ("192.0.2.65",), ("192.0.2.65",))]
    records = dns_records(sites, BASE)
    assert len({(record.name, record.type) for record in records}) == len(records)
    assert found(sites)[("pstn.us1", "A")].values == ("192.0.2.1", "192.0.2.65", "192.0.2.3")


def test_last_address_is_never_withdrawn() -> None:
    """What was published stays while nothing is ready, unless the Edge does not have it any more."""
    every = ("192.0.2.1", "192.0.2.2")
    assert serving_addresses(every, {"192.0.2.2"}, ()) == ("192.0.2.2",)
    assert serving_addresses(every, (), ("192.0.2.2",)) == ("192.0.2.2",)
    assert serving_addresses(every, (), ()) == ()
    assert serving_addresses(("192.0.2.9",), (), ("192.0.2.2",)) == ()


def test_zone_text_is_a_zone() -> None:
    """dnspython reads it back with every record, the SOA's serial and the server's own address."""
    records = dns_records([ASHBURN, UMATILLA, DUBLIN], BASE)
    zone = dns.zone.from_text(
        zone_text(BASE, records, 2**32 + 7, "192.0.2.53"), origin=f"{BASE}.", relativize=False
    )
    soa = zone.get_soa()
    assert soa.serial == 7
    for record in records:
        wanted = dns.rrset.from_text(f"{record.name}.", record.ttl, "IN", record.type, *record.values)
        assert set(zone.find_rdataset(f"{record.name}.", record.type)) == set(wanted)
    assert [str(each) for each in zone.find_rdataset(f"ns.{BASE}.", "A")] == ["192.0.2.53"]


@given(st.lists(st.lists(st.integers(0, 9), unique=True)))
def test_in_turn_holds_everything_once_and_favours_nobody(groups: list[list[int]]) -> None:
    """A permutation of the union; nobody's second comes before another's first."""
    texts = [[str(each) for each in group] for group in groups]
    taken = in_turn(texts)
    assert sorted(taken) == sorted({each for group in texts for each in group})
    firsts = {group[0] for group in texts if group}
    assert set(taken[: len(firsts)]) == firsts
