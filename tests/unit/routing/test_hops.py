"""Hops: an address, never a name; as text, and as Via headers name them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sipedge.routing.dialog.hops import Hop, answer_goes_to, hop_from_text
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


@given(hops)
def test_a_hop_survives_being_written(hop: Hop) -> None:
    text = hop.text
    assert len(text) in (13, 37)
    assert hop_from_text(text) == hop


@given(st.text() | st.text("0123456789abcdefuts", min_size=10, max_size=14))
def test_any_other_text_is_no_hop(text: str) -> None:
    """None or a hop that writes itself that way; never an exception."""
    hop = hop_from_text(text)
    assert hop is None or hop.text == text


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
