"""A request that is nobody's: what was looked at, and what to write."""

from __future__ import annotations

from sipedge.table import MemoryRows
from support.calls import decide, make_platform, make_request
from support.tables import Platform, make_trunk
from trunkline.cli.explain.strangers import advice_for

AWAY = "sip:+1@elsewhere.example"


def advice(platform: Platform, source: str = "203.0.113.9") -> tuple[str, ...]:
    decision = decide(platform, make_request(AWAY, source=source))
    return advice_for(decision, MemoryRows(platform.table()), source)


def test_what_is_somebodys_needs_no_advice() -> None:
    platform = make_platform()
    decision = decide(platform, make_request("sip:acme-hq.pstn.trunkline.test", method="OPTIONS"))
    assert advice_for(decision, MemoryRows(platform.table()), "203.0.113.9") == ()


def test_the_range_to_write_is_of_that_address_alone() -> None:
    as_carrier, _ = advice(make_platform(), "2001:db8::1")
    assert "write 2001:db8::1/128 into sourceRanges" in as_carrier
    assert "there are 192.0.2.64/26 of telco)" in as_carrier


def test_a_trunk_whose_access_list_has_the_source_comes_first() -> None:
    trunks = (
        make_trunk("acme/a", access=("198.51.100.0/24",)),
        make_trunk("acme/b", access=None, credential_lists=("acme/users",)),
        make_trunk("acme/c", access=("203.0.113.0/24",)),
        make_trunk("acme/d", domain=None, access=("203.0.113.0/24",)),
    )
    _, as_pbx = advice(make_platform(trunks=trunks))
    assert as_pbx == (
        "if it is a PBX: dial the name of its Trunk: "
        "acme-c.pstn.trunkline.test (Trunk acme/c, whose access list has 203.0.113.9), "
        "acme-a.pstn.trunkline.test (Trunk acme/a, whose access list lacks 203.0.113.9), "
        "acme-b.pstn.trunkline.test (Trunk acme/b)"
    )


def test_of_many_a_few_are_named_and_the_rest_is_counted() -> None:
    trunks = tuple(make_trunk(f"acme/t{each:02}") for each in range(30))
    ranges = {f"198.51.{each}.0/24": "telco" for each in range(20)}
    as_carrier, as_pbx = advice(make_platform(trunks=trunks, sources=ranges))
    assert as_carrier.endswith(", and 12 more)")
    assert as_pbx.endswith(", and 22 more")


def test_where_there_is_nothing_it_says_so() -> None:
    as_carrier, as_pbx = advice(make_platform(trunks=(), numbers={}, ranges={}, carriers=(), sources={}))
    assert "no Carrier has any" in as_carrier
    assert "no Trunk has one" in as_pbx
