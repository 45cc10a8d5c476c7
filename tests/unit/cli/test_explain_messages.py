"""A SIP message as `explain` reads it, and the message it makes of options."""

from __future__ import annotations

import pytest

from trunkline.cli.explain.message import SipText, read_message, tag_of
from trunkline.cli.explain.request import Arrival, MessageOptions, message_of, request_of
from trunkline.cli.reading import UsageError

PBX = Arrival("203.0.113.1", 5062, "udp")


def _raw(*lines: str, body: str = "") -> bytes:
    return ("\r\n".join((*lines, "", "")) + body).encode()


@pytest.mark.parametrize(
    ("value", "tag"),
    (
        ("<sip:a@b>;tag=1", "1"),
        ("sip:a@b;tag=1;x=2", "1"),
        ('"x;tag=no" <sip:a;tag=no@b>; TAG = yes', "yes"),
        ("<sip:a@b>", ""),
        ("<sip:a@b;tag=1", ""),
        ('"open <sip:a@b>;tag=1', ""),
        ("<>;tag=1", ""),
        ("", ""),
    ),
)
def test_the_tag_stands_outside_of_name_and_uri(value: str, tag: str) -> None:
    """And there is none where nothing can be read."""
    assert tag_of(value) == tag


def test_a_request_is_read_with_long_names_and_folded_values() -> None:
    """Compact names, white space and the order of equal headers."""
    text = read_message(_raw("INVITE sip:1@x SIP/2.0", "v: a", "X: 1,", "  2", "x:  3 ", body="v=0"))
    assert (text.method, text.request_uri, text.status, text.body) == ("INVITE", "sip:1@x", 0, "v=0")
    assert text.values == {"via": ("a",), "session-expires": ("1, 2", "3")}


def test_an_answer_bears_the_method_of_its_cseq() -> None:
    """Its phrase may be empty."""
    text = read_message(_raw("SIP/2.0 200 All is well", "CSeq: 7 UPDATE"))
    assert (text.status, text.phrase, text.method) == (200, "All is well", "UPDATE")
    assert read_message(_raw("SIP/2.0 200")).method == ""


@pytest.mark.parametrize(
    ("data", "fault"),
    (
        (b"", "first line"),
        (b"GET / HTTP/1.1\r\n\r\n", "first line"),
        (b"INVITE sip:a SIP/2.0\r\nno header\r\n\r\n", "'no header'"),
        (b"INVITE sip:a SIP/2.0\r\nX: a\rb\r\n\r\n", "CR or LF alone"),
        (b"INVITE sip:a SIP/2.0\r\nX: a\0\r\n\r\n", "NUL"),
    ),
)
def test_what_is_no_message_is_refused_with_the_mend(data: bytes, fault: str) -> None:
    with pytest.raises(ValueError, match=fault):
        read_message(data)


def test_line_ends_of_an_editor_are_no_body() -> None:
    """Where Content-Length says how long it is; anything else is kept for the edge's own judgement."""
    head = ("INVITE sip:a SIP/2.0", "Content-Length: 3")
    assert read_message(_raw(*head, body="abc\n\n")).body == "abc"
    assert read_message(_raw(*head, body="abc\n\n")).size > 0
    assert read_message(_raw(*head, body="abcd\n")).body == "abcd\n"
    assert read_message(_raw("INVITE sip:a SIP/2.0", "Content-Length: 5", body="abc\r\n")).body == "abc\r\n"


def test_a_stream_ends_a_message_where_it_says_so() -> None:
    """What follows is the next one; over UDP it is one body of the wrong length."""
    text = SipText("INVITE", "sip:a@b", headers=(("Content-Length", "2"),), body="abcd")
    assert request_of(text, Arrival("203.0.113.1", 1, "tcp"), "").body == "ab"
    assert request_of(text, PBX, "").body == "abcd"


@pytest.mark.parametrize(
    ("headers", "why"),
    (
        ((("f", "y"),), "2 from headers"),
        ((("CSeq", "1 X"),), "2 cseq headers"),
        ((("Max-Forwards", "70"), ("Max-Forwards", "70")), "2 max-forwards headers"),
        ((("Contact", "x"), ("Contact", "y")), ""),
        ((), ""),
    ),
)
def test_what_kamailio_gives_up_is_known(headers: tuple[tuple[str, str], ...], why: str) -> None:
    """Each was tried on a real edge."""
    every = (("v", "a"), ("From", "x"), ("t", "y"), ("Call-ID", "1"), ("CSeq", "1 INVITE"))
    assert SipText("INVITE", "sip:a@b", headers=every[1:]).unreadable == "no Via"
    assert SipText("INVITE", "sip:a@b", headers=every[:-1]).unreadable == "no cseq"
    open_to = (*every[:2], ("To", "<x"), *every[3:])
    assert "never closed" in SipText("INVITE", "sip:a@b", headers=open_to).unreadable
    found = SipText("INVITE", "sip:a@b", headers=(*every, *headers)).unreadable
    assert (why in found) if why else not found


def test_parts_are_completed_to_a_message_that_any_phone_would_send() -> None:
    """Only what no option gave; its Contact is where it comes from."""
    text = message_of(MessageOptions(request_uri="sip:1@x", from_uri="+14155550100"), PBX)
    values = text.values
    assert values["from"] == ("<sip:+14155550100@from.invalid>;tag=explain",)
    assert values["contact"] == ("<sip:203.0.113.1:5062>",)
    assert values["cseq"] == ("1 INVITE",)
    assert not text.unreadable
    given = MessageOptions(request_uri="sip:1@x", headers=("m: <sip:me>", "CSeq: 9 INVITE", "t: <sip:you>"))
    assert message_of(given, PBX).values["contact"] == ("<sip:me>",)
    assert message_of(given, PBX).values["cseq"] == ("9 INVITE",)
    assert message_of(MessageOptions("BYE", "sip:1@x"), PBX).values.get("contact") is None


@pytest.mark.parametrize("uri", ("", "+12125550111", "no uri"))
def test_a_request_needs_a_uri(uri: str) -> None:
    with pytest.raises(UsageError, match="--request-uri"):
        message_of(MessageOptions(request_uri=uri), PBX)
