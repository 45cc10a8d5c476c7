"""What a session description says of encryption, in any message, and what a trunk makes of it."""

from __future__ import annotations

import pytest

from sipedge.routing.decision import Decision, Forward, Reject
from sipedge.routing.findings import Finding
from sipedge.routing.message.messages import Message
from sipedge.routing.message.sdp import body_with_media_refused, media_fault, offered_profiles, sdp_of
from sipedge.routing.reasons import Reason
from support.calls import decide, make_platform, make_pstn_request, make_request

HEAD = "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\n"
PLAIN = HEAD + "m=audio 10000 RTP/AVP 0 8\r\na=sendrecv\r\n"
SECURE = HEAD + "m=audio 10000 RTP/SAVP 0 8\r\na=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:x\r\n"


def message(body: str, *types: str, **headers: str) -> Message:
    written = {"content-type": types or ("application/sdp",)} | {
        name.replace("_", "-"): (value,) for name, value in headers.items()
    }
    return Message(source="192.0.2.1", source_port=5060, transport="tls", headers=written, body=body)


def multipart(*parts: str) -> Message:
    body = "".join(f"--b\r\nContent-Type: application/sdp\r\n\r\n{part}\r\n" for part in parts)
    return message(f"{body}--b--", "multipart/mixed;boundary=b")


@pytest.mark.parametrize(
    ("body", "profiles"),
    (
        ("", ()),
        ("not sdp at all", ()),
        (PLAIN, ("RTP/AVP",)),
        (SECURE, ("RTP/SAVP",)),
        ("m=audio 10000/2 RTP/AVP 0\nm=video 0 RTP/SAVP 31\nm=image 5 udptl t38\n", ("RTP/AVP", "UDPTL")),
        ("m=audio 10000 rtp/savpf 0\r\n", ("RTP/SAVPF",)),
        ("m=audio 10000 UDP/TLS/RTP/SAVPF 0\r\n", ("UDP/TLS/RTP/SAVPF",)),
        ("m=audio 10000\r\nm=\r\nm=audio\r\n", ()),
        ("a=m=audio 1 RTP/AVP 0\r\n", ()),
        ("m=audio 0 RTP/SAVP 0\r\nm=audio 0/2 RTP/SAVP 0\r\n", ()),
    ),
)
def test_the_profile_of_each_media_line_that_is_offered(body: str, profiles: tuple[str, ...]) -> None:
    assert offered_profiles(body) == profiles


@pytest.mark.parametrize(
    ("carrying", "sdp"),
    (
        (message(""), ""),
        (message(PLAIN), PLAIN),
        (message(PLAIN, "Application/SDP ; x=y"), PLAIN),
        (message(PLAIN, "text/plain"), ""),
        (message(PLAIN, "text/plain", "application/sdp"), ""),
        (message(PLAIN, ""), PLAIN),
        (multipart(PLAIN), PLAIN),
        (multipart(PLAIN, SECURE), PLAIN),
        (message(PLAIN, "multipart/mixed"), ""),
    ),
)
def test_the_description_that_a_message_carries(carrying: Message, sdp: str) -> None:
    """Also within a multipart body; what says no type may be one."""
    assert sdp_of(carrying) == sdp


def reasons(carrying: Message) -> tuple[Reason | None, Reason | None]:
    """Of a trunk that is not secure, and of one that is."""
    findings: tuple[Finding, Finding] = (media_fault(False, carrying), media_fault(True, carrying))
    return findings[0].reason, findings[1].reason


@pytest.mark.parametrize(
    "carrying",
    (
        message(PLAIN),
        multipart(PLAIN),
        message(HEAD + "m=audio 10000 RTP/AVP 0\r\nm=video 0 RTP/SAVP 31\r\n"),
        message(HEAD + "m=image 5 udptl t38\r\n"),
    ),
)
def test_a_trunk_takes_plain_media_unless_it_is_secure(carrying: Message) -> None:
    """One plain stream is enough for a secure trunk to refuse, one of SRTP for any other."""
    assert reasons(carrying) == (None, Reason.MediaNotSecure)


@pytest.mark.parametrize(
    "carrying",
    (
        message(SECURE),
        multipart(SECURE),
        message(SECURE.replace("\r\n", "\n")),
        message(SECURE + "\r\n"),
        message(SECURE + "m=video 0 RTP/AVP 31\r\n"),
        message(SECURE.replace("RTP/SAVP", "RTP/SAVPF")),
        message(SECURE.replace("s=-", "s=Caf\u00e9 \ufffd \udce9")),
    ),
)
def test_a_secure_trunk_takes_srtp_alone(carrying: Message) -> None:
    assert reasons(carrying) == (Reason.MediaSecureRefused, None)


@pytest.mark.parametrize(
    "carrying",
    (
        message(SECURE + "m=video 4 RTP/AVP 31\r\n"),
        message(SECURE.replace("RTP/SAVP", "UDP/TLS/RTP/SAVP")),
        message(SECURE.replace("RTP/SAVP", "UDP/TLS/RTP/SAVPF")),
        multipart(SECURE, PLAIN),
    ),
)
def test_some_media_no_trunk_takes(carrying: Message) -> None:
    """Of both kinds at once, and SRTP whose keys come by DTLS: S17 to S19 know those of `a=crypto` alone."""
    assert reasons(carrying) == (Reason.MediaSecureRefused, Reason.MediaNotSecure)


UNREADABLE = (
    SECURE.removeprefix("v=0\r\n"),
    "\r\n" + SECURE,
    SECURE + " m=video 4 RTP/AVP 31\r\n",
    SECURE + "M=video 4 RTP/AVP 31\r\n",
    SECURE + "\r\n\r\nm=video 4 RTP/SAVP 31\r\n",
    SECURE + "m=video  4 RTP/SAVP 31\r\n",
    SECURE + "m=video\t4 RTP/SAVP 31\r\n",
    SECURE + "m=video 4 RTP/SAVP \u00e9\r\n",
    SECURE + "m=video x RTP/SAVP 31\r\n",
    SECURE + "m=video\r\n",
    *(
        SECURE + f"a=x{hidden}m=video 4 RTP/AVP 31\r\n"
        for hidden in ("\r", "\x00", "\x0b", "\x0c", "\x1e", "\x85", "\u2028")
    ),
)


@pytest.mark.parametrize("body", UNREADABLE)
def test_a_secure_trunk_takes_no_description_that_could_be_read_in_two_ways(body: str) -> None:
    """Where one reader sees an attribute, another sees a media line."""
    assert media_fault(True, message(body)).reason is Reason.MediaNotSecure


@pytest.mark.parametrize(
    "carrying",
    (
        message(SECURE, "application/sdp", "application/sdp"),
        message(SECURE, "text/plain", "application/sdp"),
        message(SECURE, content_encoding="gzip"),
        message(SECURE, content_transfer_encoding="base64"),
        message(SECURE, "multipart/mixed"),
        message(PLAIN, ""),
        message(PLAIN, "application/sdpx"),
        message("--b\r\n\r\n" + PLAIN + "\r\n--b--", "multipart/mixed;boundary=b"),
    ),
)
def test_nor_one_whose_message_could(carrying: Message) -> None:
    assert media_fault(True, carrying).reason is Reason.MediaNotSecure


@pytest.mark.parametrize(
    ("body", "refused"),
    (
        ("", ""),
        (PLAIN, PLAIN.replace(" 10000 ", " 0 ")),
        (SECURE + "m=video 4/2 RTP/AVP 31\n", SECURE.replace(" 10000 ", " 0 ") + "m=video 0/2 RTP/AVP 31\n"),
        (HEAD, HEAD),
        (HEAD + "a=m=audio 1 RTP/AVP 0\r\n", HEAD + "a=m=audio 1 RTP/AVP 0\r\n"),
    ),
)
def test_media_is_refused_by_port_zero_and_nothing_else_changed(body: str, refused: str) -> None:
    assert body_with_media_refused(message(body)) == refused


def test_media_of_each_part_is_refused() -> None:
    whole = multipart(SECURE, PLAIN)
    assert body_with_media_refused(whole) == whole.body.replace(" 10000 ", " 0 ")


@pytest.mark.parametrize("body", (*UNREADABLE, "m=audio 1"))
def test_what_cannot_be_refused_for_sure_goes_without_a_body(body: str) -> None:
    assert body_with_media_refused(message(body)) == ""


# ------------------------------------------------------------------------------------ the first INVITE


def both_ways(secure: bool, body: str) -> tuple[Decision, Decision]:
    platform = make_platform({"secure": secure})
    return (
        decide(platform, make_request(transport="tls", body=body)),
        decide(platform, make_pstn_request(body=body)),
    )


@pytest.mark.parametrize(("secure", "body"), ((False, PLAIN), (False, ""), (True, SECURE), (True, "")))
def test_a_call_whose_media_fits_its_trunk_goes_on(secure: bool, body: str) -> None:
    """In both directions; so does one without an offer yet."""
    assert all(isinstance(decision, Forward) for decision in both_ways(secure, body))


@pytest.mark.parametrize(
    ("secure", "body", "reason", "number"),
    (
        (False, SECURE, Reason.MediaSecureRefused, 32207),
        (True, PLAIN, Reason.MediaNotSecure, 32208),
    ),
)
def test_any_other_is_refused(secure: bool, body: str, reason: Reason, number: int) -> None:
    """S20 and its mirror, in both directions."""
    for decision in both_ways(secure, body):
        assert isinstance(decision, Reject)
        assert decision.reason is reason
        assert (decision.reason.value.status, decision.reason.value.error_code) == (488, number)
