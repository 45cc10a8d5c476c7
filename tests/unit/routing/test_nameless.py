"""What a session description says of its sender, and a description that says nothing of him."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sipedge.routing.message.nameless import nameless, nameless_sdp
from support.calls import make_request

NUMBER = "442079460123"
TOLD = (
    f"v=0\r\no={NUMBER} 7 8 IN IP4 192.0.2.1\r\ns=Line {NUMBER}\r\ni=of {NUMBER}\r\nu=tel:{NUMBER}\r\n"
    f"e={NUMBER}@x\r\np=+{NUMBER}\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\nm=audio 4 RTP/AVP 0\r\ni=+{NUMBER}\r\n"
    "a=sendrecv\r\n"
)
NAMELESS = (
    "v=0\r\no=- 7 8 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\nm=audio 4 RTP/AVP 0\r\n"
    "a=sendrecv\r\n"
)
NEEDED = (
    "rtcp:5001 IN IP4 192.0.2.1", "candidate:1 1 UDP 1 192.0.2.1 4 typ srflx raddr 10.0.0.1 rport 4", "mid:a",
    "fingerprint:sha-256 AA", "crypto:1 AES_CM_128_HMAC_SHA1_80 inline:cat:tool:", "toolbox:1", "identity",
)  # fmt: skip
"""Attributes that sound, keys and paths need, or that are others than they look like."""
PARTS = (
    "--b\r\nContent-Type: application/sdp\r\n\r\n{}\r\n"
    "--b\r\nContent-Type: text/plain\r\n\r\no=x\r\n--b--\r\n"
)


@pytest.mark.parametrize(
    ("told", "left"),
    (
        (TOLD, NAMELESS),
        (TOLD.replace("\r\n", "\n"), NAMELESS.replace("\r\n", "\n")),
        (NAMELESS, NAMELESS),
        ("v=0\r\np=+1", "v=0\r\n"),
        ("o=", "o=-"),
        ("s=\r\no= 1 2", "s=-\r\no=- 2"),
        (TOLD.replace("\r\n", "\r"), NAMELESS.replace("\r\n", "\r")),
        (f"v=0\r\n o={NUMBER} 1\r\n\ts = {NUMBER}\r\n I ={NUMBER}\r\nt=0 0", "v=0\r\no=- 1\r\ns=-\r\nt=0 0"),
        (f"v=0\x0bo= {NUMBER} 1\x85e={NUMBER}\u2028s={NUMBER}\u2028", "v=0\x0bo=- 1\x85s=-\u2028"),
        ("a=o=x\r\nb=s=y\r\n", "a=o=x\r\nb=s=y\r\n"),
        (
            f"a=ssrc:7 cname:{NUMBER}@pbx\r\na=ssrc:7 msid:x y\r\na=ssrc-group:FID 7 8\r\n",
            "a=ssrc:7 msid:x y\r\na=ssrc-group:FID 7 8\r\n",
        ),
        (f" A = SSRC : 7\tCNAME : {NUMBER}\na=ssrc:7 cname\n", "a=ssrc:7 cname\n"),
        (f"a=identity:eyJ9\r\na=tool:PBX of {NUMBER}\ra=cat:{NUMBER}\u2028a=keywds:{NUMBER}", ""),
        *((f"a={each}\r\n", f"a={each}\r\n") for each in NEEDED),
    ),
)
def test_lines_that_tell_go_and_all_others_stay(told: str, left: str) -> None:
    assert nameless_sdp(told) == left


def test_of_several_parts_the_description_alone_is_changed() -> None:
    headers = {"content-type": ("multipart/mixed;boundary=b",)}
    made = make_request()
    message = replace(made, body=PARTS.format(TOLD), headers={**made.headers, **headers})
    assert nameless(message).body == PARTS.format(NAMELESS)


def test_a_message_that_tells_nothing_is_the_very_same() -> None:
    for body, kind in ((NAMELESS, "application/sdp"), ("", ""), (TOLD, "text/plain")):
        made = make_request(headers={"content-type": kind} if kind else {}, body=body)
        assert nameless(made) is made


@given(
    st.lists(
        st.sampled_from(("a", "=", "tool", "cat", ":", "ssrc", "7", "cname"))
        | st.text("oisuep=-+09 \r\n\x0b\u2028\tm", max_size=6)
    ).map("".join)
)
def test_any_text_is_mended_once_for_all(text: str) -> None:
    once = nameless_sdp(text)
    assert nameless_sdp(once) == once
    lines = re.split("[\r\n\x0b\u2028]", once)
    assert not [each for each in lines if each.lstrip(" \t")[:2] in ("i=", "u=", "e=", "p=")]
    assert not [each for each in lines if re.match("a=(tool|cat|ssrc:7+ cname):", each.lstrip(" \t"))]
