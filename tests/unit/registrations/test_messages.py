"""REGISTER as it is written, answers as they are read, and the errand that tells Kamailio where it goes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sipedge.registrations.errand import Errand, ErrandKeeper
from sipedge.registrations.messages import (
    Envelope,
    address_of_record,
    contact_uri,
    read_answer,
    register_text,
    registrar_uri,
)
from sipedge.routing.dialog.hops import Hop
from sipedge.secret import Secret
from sipedge.table.registration import RegistrationRow

KEEPER = ErrandKeeper(Secret("ab" * 32))
HOP = Hop("192.0.2.1", 5061, "tls")


def row(username: str = "us", host: str = "sip.telco.example", port: int | None = None) -> RegistrationRow:
    return RegistrationRow(host, port, "udp", 600, username, "r", Secret("a"), Secret("b"))


def test_a_register_is_a_whole_message() -> None:
    envelope = Envelope("192.0.2.1:40000", "z9hG4bKx", "call", "tag")
    text = register_text(row(), "sip:telco@192.0.2.1:5060", 3, 600, envelope, (("X-A", "b"),)).decode()
    assert text.split("\r\n") == [
        "REGISTER sip:sip.telco.example SIP/2.0",
        "Via: SIP/2.0/UDP 192.0.2.1:40000;rport;branch=z9hG4bKx",
        "Max-Forwards: 70",
        "From: <sip:us@sip.telco.example>;tag=tag",
        "To: <sip:us@sip.telco.example>",
        "Call-ID: call",
        "CSeq: 3 REGISTER",
        "Contact: <sip:telco@192.0.2.1:5060>;expires=600",
        "Expires: 600",
        "X-A: b",
        "Content-Length: 0",
        "",
        "",
    ]


@pytest.mark.parametrize(
    ("username", "written"),
    (
        ("trunk-7", "trunk-7"),
        ("+4930", "+4930"),
        ("a@b", "a%40b"),
        ("a>\r\nX: y", "a%3E%0D%0AX%3A%20y"),
        ("ü", "%C3%BC"),
    ),
)
def test_a_user_name_may_be_any_text(username: str, written: str) -> None:
    """A Secret's text puts nothing into a message but a user."""
    assert address_of_record(row(username)) == f"sip:{written}@sip.telco.example"


def test_uris_of_registrar_and_contact() -> None:
    assert registrar_uri(row(host="2001:db8::1", port=5080)) == "sip:[2001:db8::1]:5080"
    assert contact_uri("telco", "192.0.2.1", 5061, "tls") == "sip:telco@192.0.2.1:5061;transport=tls"


def test_an_answer_is_read_in_any_case_and_form() -> None:
    answer = read_answer(
        b"SIP/2.0 200 OK then\r\nv: SIP/2.0/UDP a\r\ni: call\r\nCSEQ: 7  REGISTER\r\n"
        b"m: <sip:a@b>;expires=5,\r\n <sip:c@d>\r\nContact: <sip:e@f>\r\n\r\nbody: x"
    )
    assert answer is not None
    assert (answer.status, answer.phrase, answer.call_id, answer.cseq) == (200, "OK then", "call", 7)
    assert answer.headers["contact"] == ("<sip:a@b>;expires=5, <sip:c@d>", "<sip:e@f>")


@given(st.binary(max_size=400))
def test_any_packet_is_read_or_is_none(data: bytes) -> None:
    for packet in (data, b"SIP/2.0 401 \r\n" + data):
        read_answer(packet)


def test_an_errand_holds_for_its_message_and_half_a_minute() -> None:
    errand = Errand(HOP, "sip.telco.example")
    value = KEEPER.value(errand, "call", 3, 1000.0)
    assert KEEPER.read(value, "call", 3, 1029.0) == errand
    assert KEEPER.read(value, "call", 3, 1031.0) is None
    assert KEEPER.read(value, "other", 3, 1000.0) is None
    assert KEEPER.read(value, "call", 4, 1000.0) is None
    assert ErrandKeeper(Secret("cd" * 32)).read(value, "call", 3, 1000.0) is None
    elsewhere = Hop("192.0.2.2", 5061, "tls")
    assert KEEPER.read(value.replace(HOP.text, elsewhere.text), "call", 3, 1000.0) is None


@given(st.text(max_size=120))
def test_any_other_text_is_no_errand(text: str) -> None:
    assert KEEPER.read(text, "call", 1, 1000.0) is None
