"""The parts of `trunkline call` that need no network: digest, trace, scenario, options."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sipedge.routing.reasons import Reason
from sipedge.secret import Secret
from trunkline.cli.call.digest import Challenge, authorization, read_challenge
from trunkline.cli.call.ladder import reasons_of, verdict
from trunkline.cli.call.place import CallResult
from trunkline.cli.call.request import (
    CallRequest,
    CallUsageError,
    Credentials,
    Transport,
    read_called,
    read_caller,
    read_via,
)
from trunkline.cli.call.scenario import literal
from trunkline.cli.call.sound.srtp import KEY_BYTES, SUITES, Crypto
from trunkline.cli.call.trace import TraceReader, masked

MUFASA = Credentials("Mufasa", Secret("Circle of Life"))


@pytest.mark.parametrize(
    ("algorithm", "response"),
    (
        ("MD5", "8ca523f5e9506fed4657c9700eebdbec"),
        ("SHA-256", "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"),
    ),
)
def test_the_digest_is_that_of_the_rfc(algorithm: str, response: str) -> None:
    """RFC 7616 section 3.9.1."""
    challenge = Challenge(
        realm="http-auth@example.org",
        nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v",
        opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS",
        algorithm=algorithm,
        qop="auth",
    )
    value = authorization(
        challenge, MUFASA, "GET", "/dir/index.html", "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ"
    )
    assert f'response="{response}"' in value
    assert "Circle" not in value


def test_a_challenge_without_qop_is_answered_the_old_way() -> None:
    """RFC 2617 section 3.2.2.1: no nc, no cnonce."""
    challenge = read_challenge('Digest realm="sip.x", nonce="abc"')
    assert challenge is not None
    value = authorization(challenge, MUFASA, "INVITE", "sip:1@x", "unused")
    assert "cnonce" not in value
    assert "nc=" not in value


@pytest.mark.parametrize(
    "value",
    (
        "",
        "Basic realm=x",
        'Digest realm="x"',
        'Digest realm="x", nonce="y", algorithm=AKAv1-MD5',
        'Digest realm="x", nonce="y", qop="auth-int"',
    ),
)
def test_a_challenge_that_cannot_be_answered_is_none(value: str) -> None:
    """Better no answer than a wrong one."""
    assert read_challenge(value) is None


def test_a_username_with_quotes_stays_one_value() -> None:
    """It is escaped as RFC 3261's quoted-string."""
    challenge = read_challenge('Digest realm="a\\"b", nonce="n", qop="auth,auth-int"')
    assert challenge is not None
    assert challenge.realm == 'a"b'
    value = authorization(challenge, Credentials('x"y', Secret("p")), "INVITE", "sip:1@x", "c")
    assert 'username="x\\"y"' in value


def _traced(text: str, sent: bool) -> bytes:
    size = len(text.encode())
    head = f"UDP message sent ({size} bytes):" if sent else f"UDP message received [{size}] bytes :"
    return f"{'-' * 47} 2026-01-02 03:04:05.678901\n{head}\n\n{text}\n".encode()


@given(
    texts=st.lists(st.tuples(st.text(max_size=200), st.booleans()), max_size=4),
    piece=st.integers(min_value=1, max_value=50),
)
def test_the_trace_is_read_whatever_it_holds_and_however_it_comes(
    texts: list[tuple[str, bool]], piece: int
) -> None:
    """Sizes are believed, not looks: a message that looks like the next one stays one message."""
    texts = [(text + _traced("forged", True).decode(), sent) for text, sent in texts]
    data = b"".join(_traced(text, sent) for text, sent in texts)
    reader = TraceReader()
    read = [
        (message.text, message.sent)
        for start in range(0, len(data), piece)
        for message in reader.feed(data[start : start + piece])
    ]
    assert read == texts


def test_a_message_tells_its_method_status_and_headers() -> None:
    """Responses have the method of their CSeq."""
    text = (
        "SIP/2.0 403 Invalid Caller ID\r\nCSeq: 2 INVITE\r\n"
        "Record-Route: <sip:a>\r\nRecord-Route: <sip:b>\r\n"
        "x-trunkline-error:  32204 Invalid Caller ID \r\n\r\nX-Trunkline-Error: in the body"
    )
    (message,) = TraceReader().feed(_traced(text, False))
    assert (message.status, message.reason_phrase, message.method) == (403, "Invalid Caller ID", "INVITE")
    assert message.headers("Record-Route") == ["<sip:a>", "<sip:b>"]
    assert message.headers("X-Trunkline-Error") == ["32204 Invalid Caller ID"]


@pytest.mark.parametrize(
    ("lines", "reasons"),
    (
        (
            ("503 Service Unavailable", "Retry-After: 30"),
            [Reason.Draining, Reason.Overloaded, Reason.NoTable],
        ),
        (("503 Service Unavailable",), []),
        (("503 No Route to Destination",), [Reason.NoRoute]),
        (("480 Temporarily Unavailable",), [Reason.RingTimeout, Reason.TargetFailed]),
        (("403 Invalid Caller ID", "X-Trunkline-Error: 32206 x"), [Reason.CallerIdMalformed]),
        (("486 Busy Here",), []),
    ),
    ids=lambda value: value[0] if value and isinstance(value[0], str) else None,
)
def test_a_refusal_means_what_its_status_text_number_and_headers_leave_open(
    lines: tuple[str, ...], reasons: list[Reason]
) -> None:
    """A 503 of a PBX has no Retry-After of ours; an edge that drains is likelier than one without a table."""
    text = "\r\n".join((f"SIP/2.0 {lines[0]}", "CSeq: 1 INVITE", *lines[1:], "", ""))
    (message,) = TraceReader().feed(_traced(text, False))
    assert list(reasons_of(message)) == reasons


@pytest.mark.parametrize(
    ("uri", "why"),
    (
        ("sip:+14155550100@127.0.12.1", "127.0.9.8 is in no Carrier's sourceRanges"),
        (
            "sip:+12125550111@acme-hq.pstn.trunkline.test",
            "acme-hq.pstn.trunkline.test is no Trunk's termination domain, and 127.0.9.8 is in no Carrier's",
        ),
    ),
    ids=("as a carrier calls", "as a PBX calls"),
)
def test_silence_is_told_by_the_side_that_the_call_comes_from(uri: str, why: str) -> None:
    request = CallRequest(uri, "+12125550111", "127.0.12.1", 5060, Transport.UDP, None, None, 1, 8, 1)
    assert why in verdict(request, CallResult("id", "127.0.9.8", (), None))


def test_an_edge_that_drains_is_said_to_do_so() -> None:
    """The mend first: the call can go to another address."""
    text = "SIP/2.0 503 Service Unavailable\r\nCSeq: 1 INVITE\r\nRetry-After: 30\r\n\r\n"
    (message,) = TraceReader().feed(_traced(text, False))
    request = CallRequest("sip:1@a", "+1", "127.0.0.1", 5060, Transport.UDP, None, None, 1, 1, 1)
    assert verdict(request, CallResult("id", "127.0.0.1", (message,), message)) == (
        "Refused: 503 Service Unavailable: the edge is draining; try its next address (Draining), "
        "or more new calls in this second than the edge takes, or too little memory for them (Overloaded), "
        "or the edge has no table yet (NoTable)."
    )


def test_the_digest_is_hidden_in_what_is_shown() -> None:
    """A response lets a weak password be guessed offline."""
    value = authorization(Challenge("r", "n", None, None, "auth"), MUFASA, "INVITE", "sip:1@x", "c")
    hidden = masked(f"Proxy-Authorization: {value}")
    assert "(hidden)" in hidden
    assert value.partition('response="')[2].partition('"')[0] not in hidden


def test_keys_of_srtp_are_hidden_in_what_is_shown() -> None:
    """Whoever has them can listen. The message stays as long as it says."""
    key = str(Crypto(1, SUITES[0], bytes(range(KEY_BYTES))))
    hidden = masked(f"INVITE x\r\n\r\n{key}|2^20\r\na=ptime:20")
    assert hidden.endswith("inline:" + 40 * "x" + "|2^20\r\na=ptime:20")


@given(st.text())
def test_no_text_of_the_users_is_a_keyword_of_sipp(text: str) -> None:
    """Neither a bracket, an angle bracket, a line end nor a backslash of the text itself is left."""
    escaped = literal(text)
    assert not set("[]<>&\n\r\0") & set(escaped)
    assert _unescaped(escaped) == text.encode("utf-8", "surrogatepass")


def _unescaped(text: str) -> bytes:
    parts = text.split("\\x")
    return parts[0].encode() + b"".join(bytes.fromhex(part[:2]) + part[2:].encode() for part in parts[1:])


@pytest.mark.parametrize(
    ("text", "expected"), (("127.0.0.1", ("127.0.0.1", 5061)), ("127.0.0.1:5070", ("127.0.0.1", 5070)))
)
def test_the_port_of_an_edge_follows_the_transport(text: str, expected: tuple[str, int]) -> None:
    """TLS has 5061."""
    assert read_via(text, Transport.TLS) == expected


@pytest.mark.parametrize("text", ("edge.example", "127.0.0.1:", "127.0.0.1:0", "127.0.0.1:x", "", "::1"))
def test_an_edge_that_is_no_address_is_refused_with_the_option(text: str) -> None:
    """The message names --via."""
    with pytest.raises(CallUsageError, match="--via"):
        read_via(text, Transport.UDP)


@pytest.mark.parametrize("text", ("127.0.0.1", "sip:", "sip:1@a?X-A=b", "sip:1@a b", "mailto:1@a"))
def test_what_cannot_be_called_is_refused(text: str) -> None:
    """A URI needs a user and a host, and no headers."""
    with pytest.raises(CallUsageError, match="URI"):
        read_called(text)


@pytest.mark.parametrize("text", ("", "a b", "<x>", "1@2", "x\r\nVia: y"))
def test_a_caller_that_is_no_user_part_is_refused(text: str) -> None:
    """Nothing can be smuggled into the From header."""
    with pytest.raises(CallUsageError, match="--from"):
        read_caller(text)
