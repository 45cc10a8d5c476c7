"""Which headers, option tags and bodies travel in which method."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sipedge.routing.message.headers import (
    body_fault,
    extension_fault,
    location_changes,
    long_name,
    passes,
    refusal_headers,
    unsupported_extensions,
    without_timer,
)
from sipedge.routing.reasons import Reason
from support.calls import make_request

METHODS = ("INVITE", "ACK", "BYE", "CANCEL", "OPTIONS", "PRACK", "UPDATE", "INFO", "NOTIFY", "FOO")
EVERYWHERE = (
    "Via",
    "f",
    "To",
    "i",
    "CSeq",
    "Max-Forwards",
    "Route",
    "Content-Type",
    "c",
    "l",
    "Reason",
    "X-Foo",
)
NOWHERE = (
    "Proxy-Authorization",
    "Authorization",
    "Proxy-Require",
    "x",
    "Session-Expires",
    "Min-SE",
    "s",
    "Subject",
    "P-Charge-Info",
    "Replaces",
    "Server",
    "RSeq",
    "Geolocation",
    "X-Caf\u00e9",
    "X-a b",
    "",
)


@pytest.mark.parametrize("method", METHODS)
def test_some_headers_travel_in_every_request_and_some_in_none(method: str) -> None:
    """In long and compact forms."""
    for name in EVERYWHERE:
        assert passes(method, long_name(name), is_answer=False), name
    for name in NOWHERE:
        assert not passes(method, long_name(name), is_answer=False), name


@pytest.mark.parametrize(
    ("name", "methods"),
    (
        ("Contact", {"INVITE", "ACK", "OPTIONS", "UPDATE", "NOTIFY", "FOO"}),
        ("k", set(METHODS) - {"ACK"}),
        ("Require", set(METHODS) - {"ACK", "CANCEL"}),
        ("Diversion", {"INVITE"}),
        ("y", {"INVITE", "UPDATE"}),
        ("RAck", {"PRACK"}),
        ("o", {"NOTIFY"}),
        ("Subscription-State", {"NOTIFY"}),
        ("Info-Package", {"INFO"}),
        ("Recv-Info", {"INVITE", "ACK", "PRACK", "UPDATE"}),
        ("User-to-User", {"INVITE", "BYE"}),
        ("P-Asserted-Identity", set(METHODS) - {"ACK", "CANCEL"}),
    ),
)
def test_other_headers_travel_where_their_rfc_has_them(name: str, methods: set[str]) -> None:
    assert {method for method in METHODS if passes(method, long_name(name), is_answer=False)} == methods


@pytest.mark.parametrize(
    ("name", "travels"),
    (
        *((name, True) for name in ("Error-Info", "Warning", "Retry-After", "Allow-Events", "Unsupported")),
        *(
            (name, True)
            for name in ("Contact", "RSeq", "Require", "Accept", "Geolocation-Error", "Foo", "X-A")
        ),
        *((name, False) for name in ("", "Session-Expires", "x", "Min-SE")),
        *((name, False) for name in ("WWW-Authenticate", "Proxy-Authenticate", "Authentication-Info")),
    ),
)
def test_of_an_answer_all_travels_but_session_timers_and_challenges(name: str, travels: bool) -> None:
    """A challenge of the other side would ask a PBX for a digest of its password."""
    assert passes("INVITE", long_name(name), is_answer=True) is travels


@given(st.text(), st.booleans(), st.sampled_from(METHODS))
def test_our_own_prefix_never_travels(rest: str, upper: bool, method: str) -> None:
    """Whatever follows it, in either case, in both directions."""
    name = "X-Trunkline-" + rest
    name = long_name(name.upper() if upper else name)
    assert not passes(method, name, is_answer=False)
    assert not passes(method, name, is_answer=True)


@pytest.mark.parametrize(
    ("value", "left"),
    (
        ("timer", ""),
        ("Timer , 100rel", "100rel"),
        ("100rel,timer,replaces", "100rel, replaces"),
        ("timers", "timers"),
        ("", ""),
    ),
)
def test_timer_is_taken_out_of_a_list(value: str, left: str) -> None:
    """Only the whole option tag."""
    assert without_timer(value) == left


@pytest.mark.parametrize(
    ("method", "headers", "unsupported"),
    (
        ("INVITE", {}, ()),
        ("INVITE", {"Require": "100rel, timer, com.example.foo"}, ()),
        ("INVITE", {"Require": "replaces"}, ("replaces",)),
        ("INVITE", {"Require": ("100rel, Replaces", "join,,tdialog")}, ("Replaces", "join", "tdialog")),
        ("INVITE", {"Supported": "replaces"}, ()),
        ("INVITE", {"Proxy-Require": "privacy"}, ()),
        (
            "INVITE",
            {"Proxy-Require": "Privacy, com.example.foo, sec-agree"},
            ("com.example.foo", "sec-agree"),
        ),
        ("INVITE", {"Proxy-Require": "replaces", "Require": "replaces"}, ("replaces",)),
        ("OPTIONS", {"Proxy-Require": "timer"}, ("timer",)),
        ("UPDATE", {"Require": "histinfo"}, ("histinfo",)),
        ("ACK", {"Require": "replaces", "Proxy-Require": "x"}, ()),
        ("BYE", {"Require": "replaces", "Proxy-Require": "x"}, ()),
    ),
)
def test_what_would_be_lost_on_the_way_is_not_promised(
    method: str, headers: dict[str, str], unsupported: tuple[str, ...]
) -> None:
    """420 names them (RFC 3261 section 8.2.2.3); an extension that is the far end's alone passes."""
    request = make_request(method=method, headers=headers)
    assert unsupported_extensions(request) == unsupported
    reason = extension_fault(request).reason
    assert reason is (Reason.ExtensionNotSupported if unsupported else None)
    if reason is not None:
        assert refusal_headers(reason, request) == (("Unsupported", ", ".join(unsupported)),)


SDP = "v=0\r\n"
PIDF = "<presence/>"


def multipart(*parts: tuple[str, str], boundary: str = "b1") -> str:
    written = "".join(f"--{boundary}\r\nContent-Type: {kind}\r\n\r\n{body}\r\n" for kind, body in parts)
    return f"{written}--{boundary}--\r\n"


@pytest.mark.parametrize(
    ("kind", "methods"),
    (
        ("application/sdp", {"INVITE", "ACK", "PRACK", "UPDATE"}),
        ("Application / SDP;charset=utf-8", {"INVITE", "ACK", "PRACK", "UPDATE"}),
        ("application/dtmf-relay", {"INFO", "NOTIFY"}),
        ("application/media_control+xml", {"INFO", "NOTIFY"}),
        ("text/plain", {"INFO", "NOTIFY"}),
        ("message/sipfrag;version=2.0", {"NOTIFY"}),
        ("message/sip", set()),
        ("multipart/mixed;boundary=b1", set()),
        ("", set()),
    ),
)
def test_a_body_travels_where_the_method_may_carry_it(kind: str, methods: set[str]) -> None:
    headers = {"Content-Type": kind}
    body = multipart(("application/sdp", SDP)) if kind.startswith("multipart") else SDP
    allowed = set()
    for method in METHODS:
        finding = body_fault(make_request(method=method, headers=headers, body=body), emergency=False)
        assert finding.reason in (None, Reason.BodyNotSupported)
        allowed |= {method} if finding.reason is None else set()
    assert allowed == methods


def test_without_a_body_any_method_goes_on() -> None:
    """Whatever Content-Type says of nothing."""
    for method in METHODS:
        request = make_request(method=method, headers={"Content-Type": "multipart/mixed"})
        assert body_fault(request, emergency=False).reason is None


LOCATED = multipart(("application/sdp", SDP), ("application/pidf+xml", PIDF))


@pytest.mark.parametrize(
    ("kind", "body", "taken"),
    (
        ("multipart/mixed;boundary=b1", LOCATED, True),
        ('multipart/mixed; x=y; boundary="b1"', LOCATED, True),
        ("application/pidf+xml", PIDF, True),
        (
            "multipart/mixed;boundary=b1",
            multipart(("application/isup", "x"), ("application/sdp", SDP)),
            False,
        ),
        ("multipart/mixed;boundary=b1", multipart(("application/sdp", SDP), ("application/sdp", SDP)), False),
        ("multipart/mixed;boundary=b1", multipart(*[("application/pidf+xml", PIDF)] * 9), False),
        ("multipart/mixed;boundary=b2", LOCATED, False),
        ("multipart/mixed", LOCATED, False),
        ("multipart/mixed;boundary=b1", LOCATED + "more", False),
        ("multipart/mixed;boundary=b1", "preamble" + LOCATED, False),
        ("multipart/mixed;boundary=b1", multipart(("multipart/mixed;boundary=b2", LOCATED)), False),
    ),
)
def test_an_emergency_call_may_bring_its_location(kind: str, body: str, taken: bool) -> None:
    """RFC 6442; no other call may, and no other method."""
    headers = {"Content-Type": kind, "Geolocation": "<cid:x>", "Geolocation-Routing": "yes"}
    request = make_request(headers=headers, body=body)
    assert (body_fault(request, emergency=True).reason is None) is taken
    assert body_fault(request, emergency=False).reason is Reason.BodyNotSupported
    update = make_request(method="UPDATE", headers=headers, body=body)
    assert body_fault(update, emergency=True).reason is Reason.BodyNotSupported
    assert location_changes(request).append == (
        ("Geolocation", "<cid:x>"),
        ("Geolocation-Routing", "yes"),
    )


def test_an_encoded_body_is_not_taken() -> None:
    """Nobody here could say what is in it."""
    for name, value in (("Content-Encoding", "gzip"), ("Content-Transfer-Encoding", "base64")):
        headers = {"Content-Type": "application/sdp", name: value}
        assert body_fault(make_request(headers=headers, body=SDP), emergency=False).reason is not None
    headers["Content-Transfer-Encoding"] = "binary"
    assert body_fault(make_request(headers=headers, body=SDP), emergency=False).reason is None
