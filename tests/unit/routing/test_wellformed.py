"""What makes a request malformed, and what does not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sipedge.routing.message.messages import SipAnswer, SipRequest
from sipedge.routing.message.wellformed import LARGEST_CSEQ, answerable, fault_of, length_fault
from sipedge.routing.reasons import Reason
from support.calls import make_request
from support.strategies import hostile_text, requests
from support.whole_request import completed


def whole(method: str = "INVITE", headers: Mapping[str, str | Sequence[str]] | None = None) -> SipRequest:
    """A request with all that it needs; a header of no value is left out."""
    given = headers or {}
    request = completed(make_request(method=method, headers={k: v for k, v in given.items() if v}))
    left_out = {name.lower() for name, value in given.items() if not value}
    return replace(request, headers={k: v for k, v in request.headers.items() if k not in left_out})


@pytest.mark.parametrize("method", ("INVITE", "ACK", "BYE", "OPTIONS", "UPDATE", "INFO", "FOO"))
def test_a_whole_request_has_no_fault(method: str) -> None:
    assert fault_of(whole(method)).reason is None


@pytest.mark.parametrize(
    "headers",
    (
        *({name: ""} for name in ("From", "To", "Call-ID", "CSeq", "Contact")),
        *({name: ("<sip:a@b>", "<sip:a@b>")} for name in ("From", "To", "Call-ID", "Contact")),
        {"CSeq": ("1 INVITE", "1 INVITE")},
        {"CSeq": "1 BYE"},
        {"CSeq": "1 invite"},
        {"CSeq": "INVITE"},
        {"CSeq": "1"},
        {"CSeq": "-1 INVITE"},
        {"CSeq": "\u0661 INVITE"},
        {"CSeq": f"{LARGEST_CSEQ + 1} INVITE"},
        {"CSeq": "4294967296 INVITE"},
        {"CSeq": "9" * 5_000 + " INVITE"},
        {"Max-Forwards": "abc"},
        {"Max-Forwards": " "},
        {"Max-Forwards": "-1"},
        {"Max-Forwards": "256"},
        {"Max-Forwards": "70 x"},
        {"Max-Forwards": "\u0667"},
        {"Max-Forwards": ("70", "70")},
        {"Content-Length": "-999"},
        {"Content-Length": "1"},
        {"Content-Length": "4294967296"},
        {"Content-Length": " "},
        {"Content-Length": ("0", "0")},
        {"Content-Type": ("application/sdp", "application/sdp")},
        {"Contact": "<sip:a@b>, <sip:a@c>"},
        {"Contact": "*"},
        {"Contact": "<tel:+14155550100>"},
        {"Contact": "<sip:a@b"},
        {"Contact": ";;;; <sip:a@b>"},
        {"Record-Route": "junk"},
        {"Record-Route": "<sip:192.0.2.1;lr>, sip:192.0.2.1"},
        {"Contact": "a" + " " * 16_000 + ";<sip:a@b>"},
    ),
)
def test_a_request_that_cannot_be_matched_routed_or_ended_is_malformed(
    headers: Mapping[str, str | Sequence[str]],
) -> None:
    """400."""
    assert fault_of(whole(headers=headers)).reason is Reason.MalformedRequest


@pytest.mark.parametrize(
    "headers",
    (
        {"From": "<sip:+14155550100@my_pbx>;tag=1"},
        {"From": "junk;tag=1", "To": "junk"},
        {"Contact": "<sip:ua@my_pbx:5060>"},
        {"Contact": "Büro 7 <sip:a@b>;q=1"},
        {"Contact": "sip:a@b;q=1"},
        {"Contact": '"a, b" <sip:a@[2001:db8::1]>;expires=1'},
        {"Record-Route": '"p, q" <sip:192.0.2.1;lr>;x=y, <sip:[2001:db8::1];lr>'},
        {"CSeq": f"{LARGEST_CSEQ} INVITE"},
        {"CSeq": "0  INVITE"},
        {"Max-Forwards": ""},
        {"Max-Forwards": "255"},
        {"Content-Length": "0"},
        {"Expires": "soon", "Date": "x", "Unknown": "\x00"},
    ),
)
def test_what_nothing_is_routed_by_decides_nothing(headers: Mapping[str, str]) -> None:
    """Neither hosts of From and To, nor headers that do not travel."""
    assert fault_of(whole(headers=headers)).reason is None


@pytest.mark.parametrize(
    ("changes", "reason"),
    (
        ({"from_tag": ""}, Reason.MalformedRequest),
        ({"call_id": ""}, Reason.MalformedRequest),
        ({"version": "SIP/3.0"}, Reason.VersionNotSupported),
        ({"version": "sip/2.0"}, Reason.VersionNotSupported),
        ({"request_uri": "sip:+1@acme-hq.pstn.trunkline.test?Route=x"}, Reason.MalformedRequest),
        ({"request_uri": "sip:+1@acme-hq.pstn.trunkline.test?"}, Reason.MalformedRequest),
        ({"request_uri": "sip:@"}, Reason.MalformedRequest),
        ({"request_uri": "http://x"}, Reason.MalformedRequest),
        ({"request_uri": "tel:+14155550100"}, None),
        ({"body": "v=0", "body_size": 3}, None),
    ),
)
def test_so_is_one_whose_first_line_or_ids_cannot_be_read(
    changes: Mapping[str, object], reason: Reason | None
) -> None:
    assert fault_of(replace(whole(), **changes)).reason is reason  # type: ignore[arg-type]


def test_the_last_hop_goes_no_further() -> None:
    """483."""
    for method in ("INVITE", "BYE", "OPTIONS"):
        assert fault_of(whole(method, {"Max-Forwards": "0"})).reason is Reason.TooManyHops


def test_only_an_invite_must_say_where_its_sender_is() -> None:
    for method in ("ACK", "BYE", "INFO", "OPTIONS"):
        assert fault_of(whole(method, {"Contact": ""})).reason is None


@pytest.mark.parametrize(
    ("body", "size", "said", "fits"),
    (
        ("", None, "0", True),
        ("v=0\r\n", None, "5", True),
        ("v=0\r\n", None, "4", True),
        ("v=0\r\n\r\n", None, "5", True),
        ("v=0\r\n", None, "2", False),
        ("v=0\r\n x", None, "5", False),
        ("v=0\r\n", None, "6", False),
        ("s=\u00e9", None, "4", True),
        ("s=\ufffd", 3, "3", True),
        ("s=\ufffd", 3, "5", False),
    ),
)
def test_the_body_is_as_long_as_the_message_says(body: str, size: int | None, said: str, fits: bool) -> None:
    """In bytes. What is left over another hop could take for the next message, unless it is empty."""
    request = replace(whole(headers={"Content-Length": said}), body=body, body_size=size)
    assert fault_of(request).reason is (None if fits else Reason.MalformedRequest)
    assert (length_fault(request) == "") is fits


@pytest.mark.parametrize("values", (("-1",), ("x",), ("0", "0"), ("1",), ("",), ("99999999999999999999",)))
def test_an_answer_of_another_length_is_faulty(values: tuple[str, ...]) -> None:
    answer = SipAnswer(
        source="192.0.2.1",
        source_port=5060,
        transport="udp",
        headers={"content-length": values},
        status=200,
        phrase="OK",
        method="INVITE",
    )
    assert length_fault(answer)
    assert length_fault(replace(answer, headers={}, body="v=0")) == ""


UNREADABLE = (
    "INVITE sip:a@b SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1\r\nf: <sip:a@b>;tag=1\r\n"
    "From: x\r\nTo : <sip:a@b>\r\nRoute: <sip:c;lr>\r\nJunk\r\nCall-ID:\r\n 1\r\n"
    "CSeq: 1 INVITE\r\nRoute: <sip:d;lr>\r\n"
    "Content-Length: -1\r\n\r\nCall-ID: 2\r\n"
)


def test_of_what_cannot_be_parsed_the_part_remains_that_an_answer_needs() -> None:
    """Each header once, the Routes as they are; folded lines become one."""
    assert answerable("\r\n" + UNREADABLE.replace("SIP/2.0\r\nVia", "SIP/3.0\r\nVia")) == (
        "INVITE sip:a@b SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1\r\nf: <sip:a@b>;tag=1\r\n"
        "To : <sip:a@b>\r\nCall-ID: 1\r\nCSeq: 1 INVITE\r\nRoute: <sip:c;lr>\r\nRoute: <sip:d;lr>\r\n\r\n"
    )


@pytest.mark.parametrize("missing", ("Via", "From: x\r\n", "To ", "Call-ID", "CSeq", "INVITE "))
def test_without_one_of_its_headers_there_is_nothing_to_answer(missing: str) -> None:
    text = UNREADABLE.replace("f: <sip:a@b>;tag=1\r\n", "").replace(missing, "" if ":" in missing else "X", 1)
    assert answerable(text) == ""
    assert answerable(UNREADABLE.replace("tag=1", "tag=\u00e9")) == ""


@given(
    st.lists(st.sampled_from(UNREADABLE.splitlines(keepends=True)) | hostile_text, max_size=12).map("".join)
)
def test_any_text_is_taken(text: str) -> None:
    """What is made of it is no longer, and one head."""
    made = answerable(text)
    assert len(made.encode()) <= len(text.encode("utf-8", "surrogatepass"))
    assert made == "" or (made.endswith("\r\n\r\n") and made.count("\r\n\r\n") == 1)


@given(requests, hostile_text, hostile_text, st.none() | st.integers(-1, 9), st.booleans())
def test_any_request_is_judged(
    request: SipRequest, value: str, version: str, size: int | None, complete: bool
) -> None:
    """Total; and what is only completed has no fault of a missing header."""
    names = ("cseq", "max-forwards", "content-length", "contact", "call-id")
    hostile = replace(
        request,
        headers={**request.headers, **dict.fromkeys(names, (value,))},
        version=version,
        body_size=size,
    )
    finding = fault_of(completed(hostile) if complete else hostile)
    assert finding.detail
    assert finding.reason in (
        None,
        Reason.MalformedRequest,
        Reason.VersionNotSupported,
        Reason.TooManyHops,
    )
