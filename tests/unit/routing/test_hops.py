"""Where requests in a dialog go: to the sides of the call as they were seen, and nowhere else."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sipedge.routing.hops import (
    Hop,
    PeerSide,
    alias_hop,
    answer_goes_to,
    callee_hop,
    hop_from_text,
    hop_of_old_call,
    next_hop,
    seen_hop,
    without_alias,
)
from sipedge.uri import parse_uri
from support.strategies import hostile_text
from support.tables import make_site

OWN = "192.0.2.1"
SITE = make_site([OWN, "192.0.2.2"], denied_targets=("10.0.0.0/8",))
CALLER = Hop("198.51.100.7", 40_000, "udp")
CALLEE = Hop("203.0.113.9", 5060, "udp")
STREAM = Hop("198.51.100.7", 40_000, "tcp")

hops = st.builds(
    lambda address, port, transport: Hop(str(address), port, transport),
    st.ip_addresses(),
    st.integers(1, 65_535),
    st.sampled_from(("udp", "tcp", "tls")),
)


def go(side: PeerSide, uri: str) -> Hop | None:
    return next_hop(SITE, side, uri, (OWN,))


@pytest.mark.parametrize(
    "uri",
    (
        "sip:pbx@10.1.1.1:5060",
        "sip:pbx@192.168.0.4",
        "sip:pbx@silent.example",
        "sip:any@203.0.113.77:5099;transport=tcp",
        f"sip:x@{OWN}",
        "sip:x@127.0.0.1:22",
        "sip:pbx@10.1.1.1;alias=203.0.113.77~5099~1",
        "sip:pbx@10.1.1.1;maddr=203.0.113.77",
        "sip:198.51.100.7.example",
        "tel:+12125550111",
        "",
    ),
)
def test_a_request_uri_elsewhere_is_passed_on_unread(uri: str) -> None:
    """A private address behind a NAT, a name, a stranger, an edge of ours: the side as it was seen."""
    assert go(PeerSide(CALLER), uri) == CALLER


@pytest.mark.parametrize(
    ("uri", "port", "transport"),
    (
        ("sip:pbx@198.51.100.7", 5060, "udp"),
        ("sip:pbx@198.51.100.7:5070", 5070, "udp"),
        ("sip:pbx@198.51.100.7;transport=TCP", 5060, "tcp"),
        ("sips:pbx@198.51.100.7", 5061, "tls"),
        ("sip:pbx@198.51.100.7;transport=tls", 5061, "tls"),
    ),
)
def test_a_request_uri_at_the_sides_own_address_chooses_the_port(uri: str, port: int, transport: str) -> None:
    assert go(PeerSide(CALLER), uri) == Hop("198.51.100.7", port, transport)


def test_a_transport_that_the_edge_has_not_is_passed_on_unread() -> None:
    assert go(PeerSide(CALLER), "sip:pbx@198.51.100.7;transport=sctp") == CALLER


def test_a_connection_that_is_up_comes_first() -> None:
    """A PBX behind a NAT is reached by it alone; another may close it and be called at its Contact."""
    contact = "sip:pbx@198.51.100.7:5060;transport=tcp"
    assert go(PeerSide(STREAM, STREAM, connected=True), contact) == STREAM
    assert go(PeerSide(STREAM, STREAM), contact) == Hop("198.51.100.7", 5060, "tcp")


def test_without_its_connection_a_callee_is_called_where_its_invite_went() -> None:
    listening = Hop("198.51.100.7", 5060, "tcp")
    assert go(PeerSide(listening, STREAM), "sip:name.example") == listening


def test_who_answered_from_another_address_is_reached_there() -> None:
    other = Hop("203.0.113.10", 5062, "udp")
    side = PeerSide(CALLEE, other)
    assert go(side, "sip:name.example") == other
    assert go(side, "sip:gw@203.0.113.9:5080") == Hop("203.0.113.9", 5080, "udp")


@pytest.mark.parametrize("later", ("10.0.0.8", OWN, "192.0.2.2"))
def test_not_where_that_address_is_denied_or_the_edges_own(later: str) -> None:
    """An answer may come from anywhere, and was judged by nobody."""
    side = PeerSide(CALLEE, Hop(later, 5060, "udp"))
    assert go(side, f"sip:x@{later}") == CALLEE


def test_what_was_judged_when_the_call_was_set_up_stays_allowed() -> None:
    """An account may be allowed to have a PBX in a denied network."""
    inside = Hop("10.0.0.8", 5060, "udp")
    assert go(PeerSide(inside), "sip:x@y") == inside


def test_no_side_is_an_edge_of_the_platform() -> None:
    for address in (OWN, "192.0.2.2"):
        assert go(PeerSide(Hop(address, 5060, "udp")), "sip:x@y") is None


def test_without_a_table_only_what_was_judged_is_reached() -> None:
    side = PeerSide(CALLEE, Hop("203.0.113.10", 5062, "udp"))
    assert next_hop(None, side, "sip:x@203.0.113.10", (OWN,)) == CALLEE
    assert next_hop(None, PeerSide(None), "sip:x@y", (OWN,)) is None


@given(st.builds(PeerSide, st.none() | hops, st.none() | hops, st.booleans()), hostile_text | st.text())
def test_whatever_a_request_says_it_reaches_no_third_address(side: PeerSide, uri: str) -> None:
    hop = go(side, uri)
    assert hop is None or hop.address in {seen.address for seen in side.hops}


@given(st.builds(PeerSide, st.none() | hops, st.none() | hops, st.booleans()), hops)
def test_not_even_by_a_request_uri_that_is_an_address(side: PeerSide, named: Hop) -> None:
    hop = go(side, f"sip:x@{named.uri[4:]}")
    assert hop is None or hop.address in {seen.address for seen in side.hops}


@given(hops)
def test_a_hop_survives_being_written(hop: Hop) -> None:
    text = hop.to_text()
    assert len(text) in (13, 37)
    assert hop_from_text(text) == hop


@given(st.text() | st.text("0123456789abcdefuts", min_size=10, max_size=14))
def test_any_other_text_is_no_hop(text: str) -> None:
    """None or a hop that writes itself that way; never an exception."""
    hop = hop_from_text(text)
    assert hop is None or hop.to_text() == text


def test_a_callee_is_reached_at_the_port_that_took_the_invite() -> None:
    """A 2xx may leave from any port; only another address is news."""
    assert callee_hop(CALLEE, Hop(CALLEE.address, 33_333, "udp")) == CALLEE
    elsewhere = Hop("203.0.113.10", 5062, "udp")
    assert callee_hop(CALLEE, elsewhere) == elsewhere
    assert callee_hop(CALLEE, None) == CALLEE


def test_a_caller_behind_a_nat_moves_and_a_callee_stays() -> None:
    moved = Hop(CALLER.address, 41_000, "udp")
    assert seen_hop(CALLER, moved, is_caller=True) == moved
    assert seen_hop(CALLER, moved, is_caller=False) == CALLER
    assert seen_hop(CALLER, STREAM, is_caller=False) == STREAM


OURS = f"SIP/2.0/UDP {OWN}:5060;branch=z9hG4bK1"


@pytest.mark.parametrize(
    "second",
    (
        "SIP/2.0/UDP 198.51.100.7:5060;branch=z9hG4bK2;rport=40000",
        "SIP/2.0/UDP 10.0.0.4;rport=40000;branch=z9hG4bK2;received=198.51.100.7",
        "SIP / 2.0 / udp pbx.example:5062 ;rport=40000;received=198.51.100.7",
    ),
)
def test_an_answer_may_go_to_the_caller(second: str) -> None:
    assert answer_goes_to((OURS, second), CALLER, None)
    assert answer_goes_to((f"{OURS}, {second}",), CALLER, None)


@pytest.mark.parametrize(
    "vias",
    (
        (),
        (OURS,),
        (OURS, "SIP/2.0/UDP 203.0.113.77:40000;rport=40000"),
        (OURS, "SIP/2.0/UDP 198.51.100.7:5060;rport=22"),
        (OURS, "SIP/2.0/UDP 198.51.100.7:40000"),
        (OURS, "SIP/2.0/UDP 198.51.100.7:40000;rport"),
        (OURS, "SIP/2.0/TCP 198.51.100.7;rport=40000"),
        (OURS, "SIP/2.0/UDP silent.example;rport=40000"),
        (OURS, "SIP/2.0/UDP 198.51.100.7;rport=40000;received=silent.example"),
        (OURS, "SIP/2.0/UDP 198.51.100.7;rport=40000;received=203.0.113.77"),
        (OURS, "SIP/2.0/UDP 198.51.100.7;rport=40000;rport=22"),
        (OURS, "SIP/2.0/UDP 198.51.100.7;received=198.51.100.7;received=203.0.113.77;rport=40000"),
        (OURS, 'SIP/2.0/UDP 198.51.100.7;rport=40000;x="a;received=203.0.113.77"'),
        (OURS + ";i=1", "SIP/2.0/UDP 198.51.100.7;rport=40000"),
    ),
)
def test_no_other_answer_goes_anywhere(vias: tuple[str, ...]) -> None:
    """A third address or port, a name, another transport, a connection of somebody else, two readings."""
    assert not answer_goes_to(vias, CALLER, None)


def test_over_a_stream_the_connection_must_be_the_callers() -> None:
    """Kamailio writes its number with the digits turned round, and asks for nothing else."""
    second = "SIP/2.0/TCP 198.51.100.7;rport=40000"
    assert answer_goes_to((OURS + ";i=a1", second), STREAM, 0x1A)
    assert not answer_goes_to((OURS + ";i=1a", second), STREAM, 0x1A)


@pytest.mark.parametrize(
    ("uri", "hop"),
    (
        ("sip:pbx@192.168.0.4;alias=198.51.100.7~40000~1", CALLER),
        ("sip:pbx@silent.example;x=y;alias=198.51.100.7~40000~2;z", STREAM),
        ("sip:pbx@x;alias=2001:db8::1~5061~3", Hop("2001:db8::1", 5061, "tls")),
        ("sip:pbx@x;alias=[2001:db8::1]~5061~3", Hop("2001:db8::1", 5061, "tls")),
        ("sip:pbx@x;alias=silent.example~5060~1", None),
        ("sip:pbx@x;alias=198.51.100.7~0~1", None),
        ("sip:pbx@x;alias=198.51.100.7~99999~1", None),
        ("sip:pbx@x;alias=198.51.100.7~40000~4", None),
        ("sip:pbx@x;alias=198.51.100.7~40000", None),
        ("sip:pbx@x;alias=" + "9" * 1400, None),
        ("sip:pbx@198.51.100.7", None),
    ),
)
def test_an_alias_of_an_older_call_is_read(uri: str, hop: Hop | None) -> None:
    assert alias_hop(parse_uri(uri)) == hop


def test_an_alias_is_taken_out_of_what_is_sent() -> None:
    assert without_alias("sip:p@h:1;a=b;alias=1.2.3.4~5~1;c?x=y") == "sip:p@h:1;a=b;c?x=y"


@pytest.mark.parametrize(
    ("uri", "reached"),
    (
        ("sip:gw@203.0.113.9", True),
        ("sip:gw@silent.example;alias=203.0.113.9~5060~1", True),
        ("sip:gw@silent.example", False),
        ("sip:gw@10.0.0.8", False),
        (f"sip:gw@{OWN}", False),
        ("sip:gw@192.0.2.2", False),
        ("sip:gw@203.0.113.9;alias=10.0.0.8~22~2", False),
    ),
)
def test_the_bye_of_an_older_call_reaches_addresses_that_are_allowed(uri: str, reached: bool) -> None:
    hop = hop_of_old_call(SITE, parse_uri(uri), (OWN,))
    assert hop == (CALLEE if reached else None)
