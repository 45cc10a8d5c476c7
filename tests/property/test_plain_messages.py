"""What Kamailio takes for plain by one expression is what each rule alone would take for plain."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sipedge.routing.dialog.hops import Hop
from sipedge.routing.dialog.memory import PLAIN_TAG, SideKind, SideMemory
from sipedge.routing.dialog.native_expressions import (
    JUDGED_IN_ANSWERS,
    JUDGED_IN_REQUESTS,
    LONGEST_LINE,
    by_udp,
    expression_file,
    plain_head,
    plain_sdp,
    secure_sdp,
    whole_invite,
)
from sipedge.routing.message.bounds import LONGEST_IDENTIFIER
from sipedge.routing.message.headers import long_name, passes
from sipedge.routing.message.messages import SipAnswer
from sipedge.routing.message.privacy import is_anonymous
from sipedge.routing.message.sdp import media_fault
from support import pcre, posix
from support.edge import ROOT
from support.strategies import FRAGMENTS

EITHER = (*plain_head(), whole_invite())
_CONFIG = (ROOT / "edge" / "kamailio" / "kamailio.cfg").read_text()


def defined(name: str) -> str:
    """An expression of kamailio.cfg."""
    found = re.search(rf'^#!define {name} "(.*)"$', _CONFIG, re.MULTILINE)
    assert found is not None
    return found[1].encode("ascii").decode("unicode_escape")


COMMON = (
    "From: <sip:+14155550100@192.0.2.1>;tag=abc", 'To: "Ann" <sip:+442079460000@acme.example>;tag=x.1',
    "Call-ID: 1@192.0.2.1", "Contact: <sip:x@192.0.2.1:5060>", "Supported: timer", "User-Agent: Phone 1",
    "Allow: INVITE, ACK, BYE", "X-Mine: a value",
)  # fmt: skip
FAR_VIA = "Via: SIP/2.0/UDP 192.0.2.9;branch=z9hG4bKfar;rport=5060"
ANSWER = (
    "SIP/2.0 200 OK", "Via: SIP/2.0/TLS 192.0.2.1:5061;branch=z9hG4bKa.b.0;received=192.0.2.7;rport=5061",
    FAR_VIA, *COMMON, "Record-Route: <sip:192.0.2.1;lr=on;tk=ab>", "CSeq: 1 INVITE", "Server: Far end",
    "Content-Type: application/sdp", "Content-Length: 114", "Warning: 399 a \"b\"", "Date: now and then",
)  # fmt: skip
JOINED = (
    ANSWER[0], f"{ANSWER[1]}, SIP/2.0/UDP 192.0.2.9;rport=5060;branch=z9hG4bKa,SIP/2.0/UDP a;branch=z9hG4bK1",
    *(each for each in ANSWER[2:] if not each.startswith("Via")),
)  # fmt: skip
"""As those answer who write all places of a call's way on one line."""
INVITE = (
    "INVITE sip:+442079460000@acme.example SIP/2.0", *COMMON, "P-Asserted-Identity: <sip:a@b>", "Privacy: id",
    "CSeq: 1 INVITE", "Max-Forwards: 70", "Content-Length: 114", "X-Trunkline-CallSid: CA1", "v : x",
)  # fmt: skip
ACK, BYE = (
    (
        f"{method} sip:x@192.0.2.1:5060;transport=udp SIP/2.0", FAR_VIA, *COMMON,
        "Route: <sip:192.0.2.1;lr=on;tk=ab>", "Max-Forwards: 70", f"CSeq: 2 {method}", "Content-Length: 0",
    )
    for method in ("ACK", "BYE")
)  # fmt: skip
ALL = (ANSWER, JOINED, ACK, BYE, INVITE)
ODD_LINES = (
    "P-Asserted-Identity: <sip:+19998887777@x>",
    "Privacy: id",
    "Require: 100rel",
    "Session-Expires: 1800",
    "X-Trunkline-CallSid: CA1",
    "x-trunkline-a: 12345",
    "X-Tr: 123456",
    "WWW-Authenticate: Digest x",
    'From: "Anonymous" <sip:anonymous@anonymous.invalid>;tag=1',
    "To: <sip:a@b>;tag=1;tag=2",
    "k: timer",
    "To: <sip:a;tag=1@b>",
    "f: <sip:a@b>",
    "Content-Length: 12345",
    "Content-Length : 1",
    " folded",
    "\tfolded",
    f"Via: SIP/2.0/UDP a;branch=z9hG4bK{'b' * 300}",
    f"Call-ID: {'c' * 256}",
    f"To: <sip:a@b>;tag={'t' * 256}",
    "Via: SIP/2.0/UDP a;branch=0",
    "v: SIP/2.0/UDP a;branch=0",
    "Via: SIP/2.0/UDP a;branch=z9hG4bKa, SIP/2.0/UDP b",
    "Via: SIP/2.0/UDP a;branch=z9hG4bKa;branch=0",
    "CSeq: 1 INFO",
    "CSeq: 1 ACK",
    "Max-Forwards: 0",
    "Max-Forwards: 200",
    "",
    "\0",
    "a",
    "\r",
    "X-\u00e4: 123456",
    "Content-Encoding: gzip",
    "Identity: abcdefg",
    "SIP/2.0 200 OK",
    "INVITE sip:a@b SIP/2.0",
    "BYE sip:a@b?c SIP/2.0",
    "ACK sip:a@b SIP/2.0",
    "SIP/2.0 404 No one",
    "SIP/2.0 302 Elsewhere",
    "SIP/2.0 20 x",
    "cseq: 2 bye",
    "Content-Length: 0",
)


@st.composite
def heads(draw: st.DrawFn) -> bytes:
    """A plain head, with some lines or letters changed."""
    lines = list(draw(st.sampled_from(ALL)))
    for _ in range(draw(st.integers(0, 3))):
        at = draw(st.integers(0, len(lines) - 1))
        odd = draw(st.sampled_from(ODD_LINES) | st.sampled_from(COMMON) | st.sampled_from(FRAGMENTS))
        match draw(st.integers(0, 3)):
            case 0:
                lines[at] = odd
            case 1:
                lines.insert(at, odd)
            case 2:
                cut = draw(st.integers(0, len(lines[at])))
                lines[at] = lines[at][:cut] + odd + lines[at][cut:]
            case _:
                lines[at] = lines[at].swapcase()
    end = draw(st.sampled_from(("\r\n", "\r\n", "\n", "\r")))
    return (end.join(lines) + end + end + "v=0\r\n").encode("utf-8", "surrogatepass")


@pytest.mark.parametrize("lines", ALL, ids=("answer", "joined", "ACK", "BYE", "INVITE"))
def test_what_telephones_usually_say_is_plain(lines: tuple[str, ...]) -> None:
    assert pcre.matches(EITHER, ("\r\n".join(lines) + "\r\n\r\n").encode())


def test_kamailio_can_read_the_file_of_expressions() -> None:
    """Which takes a line that begins with a bracket for a new group, and leaves out others."""
    lines = expression_file().splitlines()
    groups = [line for line in lines if line.startswith("[")]
    assert groups == [f"[{number}]" for number in range(len(groups))]
    expressions = [line for line in lines if line not in groups]
    assert all(line[0] in "^(" and len(line.encode()) <= LONGEST_LINE for line in expressions)


@pytest.mark.parametrize("char", ("\0", "\r", "\n"))
@pytest.mark.parametrize("lines", ALL, ids=("answer", "joined", "ACK", "BYE", "INVITE"))
def test_no_line_of_a_plain_head_holds_its_end(lines: tuple[str, ...], char: str) -> None:
    """A NUL included, where whoever reads a C string sees the end of the message."""
    whole = "\r\n".join(lines) + "\r\n\r\n"
    for at in range(len(whole) - 1):
        head = (whole[:at] + char + whole[at:]).encode()
        assert not pcre.matches(EITHER, head) or posix.matches(defined("WHOLE_HEAD"), head), head


@given(heads())
def test_a_plain_head_passes_whatever_asks_for_less(head: bytes) -> None:
    if pcre.matches((whole_invite(),), head):
        assert posix.matches(defined("WHOLE_HEAD"), head)
        assert not posix.matches(defined("ANSWER"), head)
    if not pcre.matches(plain_head(), head):
        return
    assert posix.matches(defined("WHOLE_HEAD"), head)
    is_answer = posix.matches(defined("ANSWER"), head)
    if is_answer:
        assert posix.matches(defined("OWN_VIA"), head)
        assert not posix.matches(defined("SHORT_BRANCH"), head)
    first, *lines = head.partition(b"\r\n\r\n")[0].decode("utf-8", "replace").split("\r\n")
    if is_answer:
        assert re.fullmatch("SIP/2.0 [12][0-9]{2} .*", first, re.IGNORECASE)
        assert sum(long_name(line.partition(":")[0]) == "via" for line in lines) <= 2
    else:
        assert re.fullmatch("(ACK|BYE) sip:[^ ?]+ SIP/2.0", first)
    for line in lines:
        name, _, value = line.partition(":")
        _check_header(long_name(name), value, "" if is_answer else first.partition(" ")[0])
        assert name.isascii()
        assert name == name.strip()


def _check_header(name: str, value: str, method: str) -> None:
    """`method` of a request; "" = of an answer."""
    is_answer = not method
    assert name not in (JUDGED_IN_ANSWERS if is_answer else JUDGED_IN_REQUESTS)
    assert not is_answer or passes("INVITE", name, is_answer=True)
    if name in ("from", "to"):
        assert not is_anonymous(value)
        tags = re.findall(";tag=(.*)", value, re.IGNORECASE)
        assert len(tags) < 2
        assert all(PLAIN_TAG.fullmatch(tag) and len(tag) <= LONGEST_IDENTIFIER for tag in tags)
    if name in ("via", "call-id"):
        assert len(value) <= LONGEST_IDENTIFIER
    if name == "content-length" and not is_answer:
        assert value.strip() == "0"
    if name == "cseq" and not is_answer:
        assert value.rpartition(" ")[2] == method
    if name == "max-forwards" and not is_answer:
        assert 0 < int(value) < 100


SDP = (
    "v=0",
    "o=- 1 1 IN IP4 192.0.2.1",
    "s=-",
    "c=IN IP4 192.0.2.1",
    "t=0 0",
    "m=audio 40000 RTP/SAVP 0 8 101",
    "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:PS1uQCVeeCFCanVmcjkpPywjNWhcYD0mXXtxaVBR|2^20|1:32",
    "a=sendrecv",
)
ODD_SDP_LINES = (
    "m=audio 4 RTP/AVP 0",
    "M=audio 4 RTP/SAVP 0",
    "m=audio 0 RTP/AVP 0",
    "m=audio 4 UDP/TLS/RTP/SAVP 0",
    "m=audio 4 RTP/SAVPF 0",
    "m=audio 123456 RTP/SAVP 0",
    "m=audio 4/2 RTP/SAVP 0",
    "m=audio  4 RTP/SAVP 0",
    " m=a",
    "A=x",
    'a="x"',
    "a=\\",
    "a='",
    "a=\u00e4",
    "a=\u2028m=audio 4 RTP/AVP 0",
    "",
    "\0",
    "a=\rm=audio 4 RTP/AVP 0",
    "m=audio 4 RTP/SAVP",
    "a=\x0bm=audio 4 RTP/AVP 0",
    "v=1",
)


@st.composite
def descriptions(draw: st.DrawFn) -> str:
    lines = list(SDP)
    for _ in range(draw(st.integers(0, 2))):
        at = draw(st.integers(0, len(lines) - 1))
        odd = draw(st.sampled_from(ODD_SDP_LINES))
        lines[at : at + draw(st.integers(0, 1))] = [odd]
    return "".join(line + draw(st.sampled_from(("\r\n",) * 20 + ("\n", ""))) for line in lines)


def test_srtp_is_plain_on_a_secure_trunk() -> None:
    assert pcre.matches((secure_sdp(),), "".join(f"{line}\r\n" for line in SDP).encode())


def test_rtp_is_plain_on_any_other_trunk() -> None:
    sdp = "".join(f"{line}\r\n" for line in SDP if not line.startswith("a=crypto"))
    assert pcre.matches((plain_sdp(),), sdp.replace("/SAVP", "/AVP").encode())


@given(descriptions(), st.booleans())
def test_what_is_plain_on_a_secure_trunk_is_srtp_and_on_any_other_is_not(sdp: str, secure: bool) -> None:
    """And is remembered as it is: nothing of it would be escaped."""
    if not secure:
        sdp = sdp.replace("/SAVP", "/AVP")
    if not pcre.matches((secure_sdp() if secure else plain_sdp(),), sdp.encode()):
        return
    answer = SipAnswer(
        source="192.0.2.1", source_port=5061, transport="tls", status=200, phrase="OK", method="INVITE",
        headers={"content-type": ("application/sdp",)}, body=sdp,
    )  # fmt: skip
    assert media_fault(secure, answer).reason is None
    assert not set(sdp) & set("\"'\\\0")


_transports = st.sampled_from(("udp", "tcp", "tls"))


@given(
    hop=st.builds(Hop, st.sampled_from(("192.0.2.1", "2001:db8::1")), st.just(5060), _transports),
    seen=_transports,
)
def test_a_side_by_udp_is_told_by_its_text(hop: Hop, seen: str) -> None:
    """Its hop, and where it was seen; over IPv6 it is Python that sends."""
    number = None if seen == "udp" else 7
    source = Hop("192.0.2.1", 5061, seen)
    side = SideMemory(SideKind.CARRIER, hop, source=source, connection=number, contact="sip:a@b")
    wanted = hop.transport == seen == "udp" and ":" not in hop.address
    assert pcre.matches((by_udp(),), side.to_text().encode()) == wanted
