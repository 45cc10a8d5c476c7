"""The edge's own BYE and probe: in the dialog for its receiver, and no URI says where they go."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from sipedge.routing.dialog.ending import Party, Way, end_call_bye, probe
from sipedge.routing.dialog.hops import Hop
from sipedge.routing.message.headers import header_line
from sipedge.uri import parse_uri

HOP = Hop("198.51.100.7", 40_000, "udp")
WAY = Way(HOP, ("192.0.2.1", "2001:db8::1"))
CALLER = Party("<sip:+14155550100@acme.example>", "a1", "sip:pbx@192.168.0.4", "", "7")
CALLEE = Party("<sip:+442079460000@x>", "b2", "sip:gw@silent.example", "", "")


def headers(receiver: Party, other: Party) -> dict[str, str]:
    return dict(end_call_bye("call", receiver, other, WAY).headers)


def test_a_bye_to_the_callee_speaks_for_the_caller() -> None:
    found = headers(CALLEE, CALLER)
    assert found["From"] == "<sip:+14155550100@acme.example>;tag=a1"
    assert found["To"] == "<sip:+442079460000@x>;tag=b2"
    assert found["Call-ID"] == "call"


def test_its_number_is_above_all_that_the_sender_has_used() -> None:
    """Also where an answered challenge and a PRACK have used numbers of their own."""
    assert headers(CALLEE, CALLER)["CSeq"] == "107 BYE"
    assert headers(CALLER, CALLEE)["CSeq"] == "100 BYE"
    assert headers(CALLEE, replace(CALLER, cseq_shift=2))["CSeq"] == "109 BYE"
    assert headers(CALLEE, replace(CALLER, cseq="2147483647"))["CSeq"] == "2147483647 BYE"


def test_the_request_uri_is_the_contact_as_it_stands() -> None:
    bye = end_call_bye("call", CALLEE, CALLER, WAY)
    assert (bye.method, bye.request_uri, bye.hop) == ("BYE", "sip:gw@silent.example", HOP)


def test_a_contact_that_kamailio_sends_nothing_to_gives_way_to_the_hop() -> None:
    """Its parser knows no host with an underscore; the BYE would stay here, and its call up."""
    bye = end_call_bye("call", replace(CALLEE, contact="sip:pbx@my_pbx"), CALLER, WAY)
    assert bye.request_uri == HOP.uri


def test_far_proxies_are_named_and_our_own_is_not() -> None:
    """Another edge's Route has its token, and is no proxy of ours."""
    own = "<sip:192.0.2.1;lr;tk=abc>,<sip:[2001:db8::1]:5060;lr;tk=abc>"
    routes = f"<sip:p2.example;lr>, {own},<sip:p1.example;lr>,<sip:192.0.2.2;lr;tk=def>"
    bye = end_call_bye("call", replace(CALLEE, routes=routes), CALLER, WAY)
    assert [value for name, value in bye.headers if name == "Route"] == [
        "<sip:p2.example;lr>",
        "<sip:p1.example;lr>",
        "<sip:192.0.2.2;lr;tk=def>",
    ]


def test_a_probe_repeats_the_number_of_the_last_request() -> None:
    """What the other side will send next must be above it, be it number 1."""
    for receiver, other, cseq in (
        (CALLEE, CALLER, "7 OPTIONS"),
        (CALLER, CALLEE, "0 OPTIONS"),
        (CALLEE, replace(CALLER, cseq_shift=2), "9 OPTIONS"),
        (CALLEE, replace(CALLER, cseq="2147483647", cseq_shift=1), "2147483647 OPTIONS"),
        (CALLEE, replace(CALLER, cseq="x"), "0 OPTIONS"),
    ):
        found = probe("call", receiver, other, WAY)
        headers = dict(found.headers)
        assert (found.method, found.hop, headers["CSeq"]) == ("OPTIONS", HOP, cseq)
        assert headers["To"] == f"{receiver.address};tag={receiver.tag}"


@given(st.builds(Party, *[st.text()] * 5), st.builds(Party, *[st.text()] * 5), st.text())
def test_any_text_gives_one_request_of_so_many_lines(receiver: Party, other: Party, call_id: str) -> None:
    """No exception, no header more than was meant, a Request-URI that can be read."""
    bye = end_call_bye(call_id, receiver, other, WAY)
    assert parse_uri(bye.request_uri) is not None
    text = "".join(header_line(name, value) for name, value in bye.headers)
    assert text.count("\n") == len(bye.headers)
