"""However a session description is written: what is let through, or refused, is so for any reader."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import example, given
from hypothesis import strategies as st

from sipedge.routing.message.messages import Message
from sipedge.routing.message.sdp import (
    SECURE_PROFILES,
    body_with_media_refused,
    media_fault,
    parts_of,
    sdp_of,
)
from support.strategies import hostile_text

PIECES = (
    "v=0", "s=-", "m=audio ", "m=video ", "M=audio ", "m= ", "0", "4", "10000", "4/2", "99999", " ", "  ",
    "RTP/AVP", "RTP/SAVP", "RTP/SAVPF", "UDP/TLS/RTP/SAVP", "udptl", " 0 8", "a=", "\r\n", "\r\n", "\n", "\r",
    "\t", "\x00", "\x0b", "\x0c", "\x1e", "\x85", "\u2028", "\ufffd", "--b", "--b--", "--",
    "Content-Type: application/sdp",
    "Content-Type: multipart/mixed;boundary=c", "Content-Transfer-Encoding: base64", "\r\n\r\n",
    "v=0\r\ns=-\r\nm=audio 4 RTP/SAVP 0\r\n", "v=0\r\ns=-\r\nm=audio 4 RTP/AVP 0\r\n",
)  # fmt: skip
bodies = st.one_of(st.lists(st.sampled_from(PIECES), max_size=16).map("".join), hostile_text)
types = st.one_of(
    st.sampled_from(
        ("application/sdp", "multipart/mixed;boundary=b", 'Multipart/Mixed; boundary="b"', "text/plain")
    ),
    hostile_text,
)
messages = st.builds(
    Message,
    source=st.just("192.0.2.1"),
    source_port=st.just(5060),
    transport=st.just("tls"),
    headers=st.dictionaries(
        st.sampled_from(("content-type", "content-encoding", "content-transfer-encoding")),
        st.lists(types, max_size=2).map(tuple),
    ),
    body=bodies,
)
sdp_messages = bodies.map(
    lambda body: Message(
        source="192.0.2.1",
        source_port=5060,
        transport="tls",
        headers={"content-type": ("application/sdp",)},
        body="v=0\r\n" + body,
    )
)


def live_profiles(lines: list[str]) -> set[str]:
    fields = [line.split() for line in lines if line.lstrip().lower().startswith("m=")]
    return {each[2].upper() for each in fields if len(each) > 2 and each[1].split("/")[0].strip("0")}


def read_by_anybody(body: str) -> set[str]:
    """The live profiles that readers see: those who end lines at LF, at CR, at anything; who stop at NUL."""
    readers = (body.split("\n"), body.split("\r"), body.splitlines(), body.partition("\x00")[0].splitlines())
    return set().union(*(live_profiles(lines) for lines in readers))


@given(messages, st.booleans())
def test_any_message_is_judged(message: Message, secure: bool) -> None:
    assert media_fault(secure, message).detail
    assert sdp_of(message) in ("", *(part.body for part in parts_of(message) or ()))


@given(sdp_messages)
@example(Message(source="x", source_port=0, transport="udp", body="v=0\r\nm=audio 00 RTP/AVP 0"))
def test_what_a_secure_trunk_takes_is_srtp_for_any_reader(message: Message) -> None:
    """S20."""
    if media_fault(True, message).reason is None:
        assert read_by_anybody(message.body) <= SECURE_PROFILES


@given(messages | sdp_messages)
def test_refused_media_is_refused_for_any_trunk_and_reader(message: Message) -> None:
    """Nothing but digits of ports has gone; and to refuse again changes nothing."""
    body = body_with_media_refused(message)
    refused = replace(message, body=body)
    assert media_fault(True, refused).reason is None
    assert media_fault(False, refused).reason is None
    assert body_with_media_refused(refused) == body
    digits = str.maketrans("", "", "0123456789")
    assert body == "" or body.translate(digits) == message.body.translate(digits)
    if sdp_of(refused):
        assert not read_by_anybody(sdp_of(refused))
