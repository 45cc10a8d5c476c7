"""What of a message may leave the edge, and what of it a collector is told."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sipedge.capture.correlation import MOST_WAITING, WAIT_SECONDS, Correlation
from sipedge.capture.frame import Captured, frame, read_frame
from sipedge.capture.hep import hep_packet
from sipedge.capture.redaction import call_id_of, is_probe, redacted
from sipedge.registrations import errand
from sipedge.routing import handover, siblings
from sipedge.secret import Secret
from support.hep import parse_hep

START = b"INVITE sip:a@b SIP/2.0\r\nVia: SIP/2.0/UDP c;branch=z9hG4bK1\r\nCall-ID: x@y\r\n"
SDP = b"v=0\r\nm=audio 9 RTP/AVP 0\r\n"
SECRET = b"s3cr3t-value"
LEAKS = (
    b'Authorization: Digest username="u", response="%s"\r\n',
    b"aUTHORIZATION \t: Digest response=%s\r\n",
    b"Proxy-Authorization: Digest username=u,\r\n response=%s\r\n",
    b"Proxy-Authorization: Digest username=u,\n\tresponse=%s\n",
    b'WWW-Authenticate: Digest nonce="%s"\r\n',
    b"Authentication-Info: rspauth=%s\r\n",
    b"X-Other: Digest username=u, response=%s\r\n",
    b"Refer-To: <sip:a@b?Authorization=Digest%%20response=%s>\r\n",
    b"Refer-To: <sip:a@b?%%41uthorization=%s>\r\n",
    b"Contact: <sip:user:%s@192.0.2.1>\r\n",
    b"Authorization: Bearer %s\r\n",
)
BODIES = (
    b"a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:%s\r\n",
    b"a=key-mgmt:mikey %s\r\n",
    b"k=clear:%s\r\n",
    b"a=ice-pwd:%s\r\n",
)


SEALED = (handover.HEADER, siblings.RELAY_HEADER, errand.HEADER)
"""Of the platform for itself; a session with its keys is in the first one."""


@pytest.mark.parametrize("leak", (*LEAKS, *(f"{name}: 1;mac;%s\r\n".encode() for name in SEALED)))
def test_headers_with_digests_and_passwords_are_left_out(leak: bytes) -> None:
    message = START + leak % SECRET + b"Subject: kept\r\nContent-Length: 0\r\n\r\n"
    left = redacted(message)
    assert SECRET not in left
    assert b"Subject: kept" in left
    assert left.startswith(START)


@pytest.mark.parametrize("line", BODIES)
def test_bodies_with_keys_of_media_are_left_out(line: bytes) -> None:
    body = SDP + line % SECRET
    head = b"Content-Type: application/sdp\r\nContent-Length: %d\r\n\r\n" % len(body)
    left = redacted(START + head + body)
    assert SECRET not in left
    assert b"Content-Length: 0\r\n" in left
    assert left.endswith(b"X-Trunkline-Left-Out: body\r\n\r\n")


@pytest.mark.parametrize(
    "head",
    (
        b"Content-Type: application/dtmf-relay\r\n",
        b"c: multipart/mixed;boundary=b\r\n",
        b"Content-Type: application/sdp\r\nContent-Encoding: gzip\r\n",
        b"Content-Type: application/sdp\r\nc: text/plain\r\n",
        b"",
    ),
)
def test_of_bodies_plain_sdp_alone_goes_on(head: bytes) -> None:
    """Dialled digits are PINs; what is packed or of two kinds could hold anything."""
    assert SDP not in redacted(START + head + b"Content-Length: 9\r\n\r\n" + SDP)
    plain = START + b"Content-Type: application/sdp\r\nContent-Length: 28\r\n\r\n" + SDP
    assert redacted(plain) == plain


@given(st.binary(max_size=300), st.binary(max_size=300), st.sampled_from(LEAKS + BODIES))
def test_whatever_is_around_a_secret_it_stays(before: bytes, after: bytes, leak: bytes) -> None:
    """Total, and never generous: also where nothing of it is SIP."""
    redacted(before + after)
    call_id_of(before), is_probe(before), read_frame(before)
    line = leak % SECRET
    assert SECRET not in redacted(START + line + b"\r\n" + after)
    assert SECRET not in redacted(START + b"\r\n" + before + b"\r\n" + line)


@given(
    st.floats(0, 2**32 - 2),
    st.sampled_from(("udp:192.0.2.1:5060", "tls:[2001:db8::1]:5061")),
    st.binary(max_size=2_000),
)
def test_a_packet_says_what_was_captured(at: float, place: str, message: bytes) -> None:
    """From the process of Kamailio to the collector."""
    found = read_frame(frame(at, place, place, message))
    assert found is not None
    packet = hep_packet(found, 2001, "CA1", Secret("key"))
    assert packet is not None
    told = parse_hep(packet)
    assert told.message == message
    assert abs(told.at - at) < 0.001
    assert told.source == told.destination == (found.source, found.source_port)
    assert (told.capture_id, told.correlation, told.auth_key) == (2001, "CA1", "key")


def captured(name: str) -> Captured:
    return Captured(0.0, "udp", "192.0.2.1", 5060, "192.0.2.2", 5060, name.encode())


def test_messages_wait_for_their_call_in_their_order_and_within_bounds() -> None:
    one = Correlation()
    one.add("a", captured("first"), 0.0)
    one.add("b", captured("second"), 0.1)
    one.know("b", "CA2")
    assert list(one.due(0.2)) == []  # the first still may be told
    one.know("a", "CA1")
    assert list(one.due(0.2)) == [(captured("first"), "CA1"), (captured("second"), "CA2")]
    one.add("c", captured("third"), 1.0)
    assert list(one.due(1.0 + WAIT_SECONDS)) == [(captured("third"), "")]
    for number in range(MOST_WAITING + 5):
        one.add("d", captured(str(number)), 2.0)
    assert len(list(one.due(2.0))) == 5
