"""What the relay takes of offers and answers, and what is left of them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sipedge.routing.decision import Direction
from sipedge.routing.media.judge import LONGEST, Judged, judge_answer, judge_offer, media_refused
from sipedge.routing.media.sides import MediaPlan, MediaSide
from sipedge.routing.reasons import Reason
from support.descriptions import KEY, audio, description, offer, secure_offer, suite

PLAIN = MediaPlan(Direction.TERMINATION, MediaSide(), MediaSide())
SECURE = MediaPlan(Direction.TERMINATION, MediaSide(secure=True), MediaSide())
"""The customer's side is the caller's."""


def judged(
    sdp: str, plan: MediaPlan = PLAIN, *, by_caller: bool = True, answer: bool = False, source: str = ""
) -> Judged:
    judge = judge_answer if answer else judge_offer
    return judge(
        sdp, plan, by_caller=by_caller, may_be_sent_to=lambda address: address[:3] != "10.", source=source
    )


def attributes(sdp: str) -> list[str]:
    return [line[2:] for line in sdp.splitlines() if line.startswith("a=")]


def formats(sdp: str) -> list[str]:
    return [line.split(" ", 3)[3] for line in sdp.splitlines() if line.startswith("m=audio")]


# --- security


@pytest.mark.parametrize(
    ("lines", "tags"),
    (
        ([suite(80)], "1"),
        ([suite(32)], "1"),
        ([suite(80), suite(32)], "1 2"),
        ([suite(32), suite(80)], "1 2"),
        ([suite(80, behind="|2^20")], "1"),
        ([suite(80, behind="|1048576")], "1"),
        ([suite(80, behind="|2^20|1:4"), suite(80)], "2"),
        ([suite(80, behind="|1:4"), suite(32)], "2"),
        ([suite(80, behind=" KDR=1"), suite(32)], "2"),
        ([f"AES_256_CM_HMAC_SHA1_80 inline:{KEY}", suite(80, behind="|2^20|1:4"), suite(80)], "3"),
        ([suite(80, key=KEY[:-4]), suite(32)], "2"),
        ([suite(80, key=KEY[:-1] + "="), suite(32)], "2"),
        ([suite(80) + ";inline:" + KEY, suite(32)], "2"),
        (["F8_128_HMAC_SHA1_80 inline:" + KEY, suite(80)], "2"),
    ),
)
def test_crypto_lines_that_cannot_be_used_are_taken_out_and_the_tags_of_others_stay(
    lines: list[str], tags: str
) -> None:
    """S18, S19: the suites of the platform, in any order, without MKI."""
    found = judged(secure_offer(*lines), SECURE)
    assert found.finding.reason is None
    left = [each for each in attributes(found.sdp) if each.startswith("crypto:")]
    assert " ".join(each.split(":")[1].split()[0] for each in left) == tags


@pytest.mark.parametrize(
    ("sdp", "reason"),
    (
        (offer(), Reason.MediaNotSecure),
        (secure_offer(suite(80, behind="|2^20|1:4")), Reason.MediaNotSecure),
        (secure_offer(suite(80, key="x")), Reason.MediaNotSecure),
        (description(*audio("0", "RTP/SAVP")), Reason.MediaNotSecure),
        (description(*audio("0", "UDP/TLS/RTP/SAVPF"), "a=setup:actpass"), Reason.MediaNotSecure),
        (description(*audio("0", "RTP/SAVP", crypto=[suite()]), *audio("8", port=4)), Reason.MediaNotSecure),
        (description(*audio("0", crypto=[suite()])), Reason.MediaNotSecure),
    ),
)
def test_a_secure_side_takes_srtp_by_sdes_alone(sdp: str, reason: Reason) -> None:
    assert judged(sdp, SECURE).finding.reason is reason
    assert judged(sdp, SECURE, answer=True).finding.reason is reason
    assert judged(sdp, SECURE).sdp == ""


@pytest.mark.parametrize("profile", ("RTP/SAVP", "RTP/SAVPF", "UDP/TLS/RTP/SAVP", "rtp/savp"))
def test_a_plain_side_takes_no_srtp(profile: str) -> None:
    found = judged(description(*audio("0", profile, crypto=[suite()])))
    assert found.finding.reason is Reason.MediaSecureRefused


def test_each_side_is_judged_by_its_own_security() -> None:
    """A plain carrier on a secure trunk is bridged; so is a secure carrier on a plain one."""
    assert judged(offer(), SECURE, by_caller=False).finding.reason is None
    assert judged(secure_offer(), SECURE, by_caller=False).finding.reason is Reason.MediaSecureRefused
    carriers = replace(SECURE, caller=MediaSide(), callee=MediaSide(secure=True))
    assert judged(secure_offer(), carriers, by_caller=False, answer=True).finding.reason is None


def test_keys_on_plain_rtp_do_not_pass() -> None:
    found = judged(description(*audio("0", crypto=[suite()])))
    assert found.finding.reason is None
    assert "crypto" not in found.sdp


def test_no_key_is_told_to_people() -> None:
    found = judged(secure_offer(), SECURE)
    assert KEY in found.sdp
    assert KEY not in repr(found) + found.finding.detail


# --- what passes


def test_attributes_that_the_relay_has_nothing_to_do_with_do_not_pass() -> None:
    sdp = description(
        "b=AS:80",
        *audio("0 101"),
        "a=fmtp:101 0-16",
        "a=ptime:20",
        "a=maxptime:40",
        "a=sendonly",
        "a=rtcp:10001 IN IP4 169.254.169.254",
        "a=candidate:1 1 udp 1 10.0.0.7 4 typ host",
        "a=ice-ufrag:x",
        "a=fingerprint:sha-256 00",
        "a=ssrc:1 cname:x",
        "a=mid:0",
        "a=rtcp-mux",
        "a=X-own:1",
    )
    assert attributes(judged(sdp).sdp) == [
        "rtpmap:0 PCMU/8000",
        "rtpmap:101 telephone-event/8000",
        "fmtp:101 0-16",
        "ptime:20",
        "maxptime:40",
        "rtcp:10001",
        "sendonly",
    ]


def test_a_direction_of_the_whole_session_counts_for_its_media() -> None:
    sdp = description("a=inactive", *audio("0"))
    assert attributes(judged(sdp).sdp)[-1] == "inactive"
    assert attributes(judged(sdp + "a=sendrecv\r\n").sdp)[-1] == "sendrecv"


def test_other_media_lines_are_refused_beside_audio() -> None:
    """The answer must have as many (RFC 3264 section 6)."""
    sdp = description(
        "m=video 4 RTP/AVP 31", *audio("0"), "m=image 6 udptl t38", *audio("8", port=8), "m=text 0 RTP/AVP 98"
    )
    lines = [line for line in judged(sdp).sdp.splitlines() if line.startswith("m=")]
    assert lines == [
        "m=video 0 RTP/AVP 31",
        "m=audio 10000 RTP/AVP 0",
        "m=image 0 udptl t38",
        "m=audio 0 RTP/AVP 8",
        "m=text 0 RTP/AVP 98",
    ]


def test_plain_video_beside_secure_audio_is_refused_alone() -> None:
    sdp = secure_offer() + "m=video 4 RTP/AVP 31\r\n"
    assert "m=video 0 " in judged(sdp, SECURE).sdp


@pytest.mark.parametrize(
    "sdp",
    (
        "not a description",
        "v=1\r\no=- 1 1 IN IP4 192.0.2.9\r\ns=-\r\nt=0 0\r\n",
        "v=0\r\ns=-\r\nc=IN IP4 192.0.2.9\r\nm=audio 4 RTP/AVP 0\r\n",
        description(),
        description("m=image 6 udptl t38"),
        description(*audio("0", port=0), "m=image 6 udptl t38"),
        description("m=audio 4 RTP/AVP"),
        description("m=audio 99999 RTP/AVP 0"),
        description("m=audio 4 TCP/MSRP 0"),
        description(*audio("0"), "a=x\x00y"),
        description(*audio("0"), address="pbx.acme.example"),
        description(*audio("0"), address="2001:db8::9"),
        description(*audio("0"), address="10.0.0.7"),
        description(*audio("0"), address="192.0.2.9/127"),
        description(*audio("0"), "c=IN IP6 2001:db8::9"),
        offer().replace("c=IN IP4 192.0.2.9\r\n", ""),
        description(*(["m=audio 4 RTP/AVP 0"] * 13)),
        description("m=audio 4 RTP/AVP " + " ".join(map(str, range(65)))),
        description(*audio("0"), *(f"a=fmtp:0 {'x' * 250}" for _ in range(400))),
        description(*audio("0"), "a=fmtp:0 " + "x" * 20_000),
    ),
)
def test_what_no_relay_can_take_is_not_served(sdp: str) -> None:
    found = judged(sdp)
    assert found.finding.reason in (None, Reason.MediaNotServed)
    assert (found.finding.reason is None) is (sdp == description())
    assert found.sdp == ""


def test_what_is_taken_can_be_remembered() -> None:
    long = [f"a=fmtp:{kind} {'x' * 250}" for kind in range(96, 110)]
    lines = [f"a=rtpmap:{kind} AMR/8000" for kind in range(96, 110)]
    plan = replace(PLAIN, caller=MediaSide(codecs=("AMR-NB",)), callee=MediaSide(codecs=("AMR-NB",)))
    sdp = description("m=audio 4 RTP/AVP " + " ".join(map(str, range(96, 110))), *lines, *long)
    assert len(judged(sdp, plan).sdp) <= LONGEST
    more = sdp + "".join(f"a=crypto:{tag} {suite(32)}\r\n" for tag in range(1, 33))
    secure = replace(plan, caller=replace(plan.caller, secure=True))
    assert judged(more.replace("RTP/AVP", "RTP/SAVP"), secure).finding.reason is Reason.MediaNotServed


def test_without_media_in_use_the_relay_is_not_asked() -> None:
    found = judged(description(*audio("0", port=0)))
    assert (found.finding.reason, found.sdp) == (None, "")
    assert found.body is not None
    assert "192.0.2.9" not in found.body
    assert judged("").body is None


@pytest.mark.parametrize("ending", ("\n", "\r"))
def test_lines_may_end_otherwise(ending: str) -> None:
    assert judged(offer().replace("\r\n", ending)).sdp == judged(offer()).sdp


# --- addresses


def test_a_side_on_hold_may_have_no_address() -> None:
    """RFC 3264 section 8.4."""
    assert "c=IN IP4 0.0.0.0" in judged(description(*audio("0"), address="0.0.0.0")).sdp


def test_a_symmetric_side_is_where_its_message_came_from() -> None:
    """S25: behind NAT it writes an address that only its own network knows."""
    symmetric = replace(PLAIN, caller=MediaSide(symmetric=True))
    inside = offer(address="10.0.0.7")
    assert "c=IN IP4 198.51.100.7" in judged(inside, symmetric, source="198.51.100.7").sdp
    assert judged(inside, PLAIN, source="198.51.100.7").finding.reason is Reason.MediaNotServed
    assert judged(inside, symmetric, by_caller=False, source="198.51.100.7").sdp == ""
    assert "c=IN IP4 192.0.2.9" in judged(offer(), symmetric, source="198.51.100.7").sdp
    private = offer(address="192.168.0.7")
    assert "c=IN IP4 198.51.100.7" in judged(private, symmetric, source="198.51.100.7").sdp
    assert "c=IN IP4 192.168.0.7" in judged(private, symmetric, source="192.168.0.1").sdp
    assert "c=IN IP4 192.168.0.7" in judged(private, PLAIN, source="198.51.100.7").sdp


def test_who_cannot_be_refused_is_shown_no_media() -> None:
    assert media_refused("no description") == ""
    sdp = media_refused(secure_offer() + "m=video 4 RTP/AVP 31\r\n")
    assert [line for line in sdp.splitlines() if line.startswith("m=")] == [
        "m=audio 0 RTP/SAVP 0 8",
        "m=video 0 RTP/AVP 31",
    ]
    assert "crypto" not in sdp
    assert "192.0.2.9" not in sdp


# --- codecs


@pytest.mark.parametrize(
    ("offered", "codecs", "by_caller", "left"),
    (
        ("0 8 101", ("PCMU", "PCMA"), True, "0 8 101"),
        ("8 0 101", ("PCMU", "PCMA"), True, "8 0 101"),
        ("101 18 9 8", ("PCMU", "PCMA"), True, "8 101"),
        ("96 0 18 97", ("PCMU", "OPUS", "AMR-NB"), True, "96 0 97"),
        ("8 0 101", ("PCMU", "PCMA"), False, "0 8 101"),
        ("0 8 96 101", ("OPUS", "PCMA"), False, "96 8 101"),
        ("18", ("G729",), True, "18"),
    ),
)
def test_codecs_are_those_of_the_trunk_in_the_customer_s_order_or_towards_it_in_the_trunk_s(
    offered: str, codecs: tuple[str, ...], by_caller: bool, left: str
) -> None:
    """Termination takes the first codec of the offer that the trunk has; origination offers the trunk's."""
    plan = MediaPlan(Direction.TERMINATION, MediaSide(codecs=codecs), MediaSide(codecs=codecs))
    assert formats(judged(offer(offered), plan, by_caller=by_caller).sdp) == [left]


@pytest.mark.parametrize("offered", ("18", "9 101", "101", "97"))
def test_an_offer_without_a_common_codec_is_refused_by_who_offers(offered: str) -> None:
    assert judged(offer(offered)).finding.reason is Reason.NoCommonCodec
    assert judged(offer(offered), by_caller=False).finding.reason is Reason.NoCommonCodecOfCarrier


def test_a_codec_that_only_one_side_has_is_not_common() -> None:
    plan = MediaPlan(Direction.TERMINATION, MediaSide(codecs=("PCMU", "PCMA")), MediaSide(codecs=("PCMA",)))
    assert formats(judged(offer("0 8"), plan).sdp) == ["8"]
    assert judged(offer("0"), plan).finding.reason is Reason.NoCommonCodec
    assert judged(offer("0"), plan, by_caller=False, answer=True).finding.reason is not None


def test_a_codec_of_another_clock_rate_is_another_codec() -> None:
    assert judged(offer("0").replace("PCMU/8000", "PCMU/16000")).finding.reason is Reason.NoCommonCodec


def test_a_payload_type_is_what_its_rtpmap_says() -> None:
    sdp = description("m=audio 4 RTP/AVP 0 8 18")
    assert attributes(judged(sdp).sdp) == ["rtpmap:0 PCMU/8000", "rtpmap:8 PCMA/8000"]
    assert judged(sdp + "a=rtpmap:0 G722/8000\r\na=rtpmap:8 L16/8000\r\n").finding.reason is not None


# --- transcoding


def transcoding(codecs: tuple[str, ...], others: tuple[str, ...]) -> MediaPlan:
    caller, callee = (MediaSide(codecs=each, transcode=True) for each in (codecs, others))
    return MediaPlan(Direction.TERMINATION, caller, callee)


@pytest.mark.parametrize(
    ("offered", "codecs", "others", "left", "to", "hidden"),
    (
        ("96 101", ("OPUS",), ("PCMU", "PCMA"), "96 101", ("PCMU", "PCMA"), ("opus",)),
        ("18 96", ("OPUS", "G729"), ("PCMA",), "18 96", ("PCMA",), ("G729", "opus")),
        ("96 18", ("OPUS", "G729"), ("G729", "PCMU"), "18 96", ("PCMU",), ("opus",)),
        ("0 101", ("PCMU",), ("OPUS", "G729"), "0 101", ("opus", "G729"), ("PCMU",)),
    ),
)
def test_where_no_codec_is_common_the_relay_transcodes(
    offered: str,
    codecs: tuple[str, ...],
    others: tuple[str, ...],
    left: str,
    to: tuple[str, ...],
    hidden: tuple[str, ...],
) -> None:
    found = judged(offer(offered), transcoding(codecs, others))
    assert formats(found.sdp) == [left]
    assert found.transcoding is not None
    assert (found.transcoding.to, found.transcoding.hidden) == (to, hidden)


def test_nothing_is_transcoded_where_g711_is_common_or_nothing_can_be() -> None:
    assert judged(offer("96 0"), transcoding(("OPUS", "PCMU"), ("PCMU", "G729"))).transcoding is None
    found = judged(offer("97"), transcoding(("AMR-NB",), ("PCMU",)))
    assert (found.finding.reason, found.transcoding) == (Reason.NoCommonCodec, None)
    found = judged(offer("96"), transcoding(("OPUS",), ("AMR-NB",)))
    assert found.finding.reason is Reason.NoCommonCodec


def test_an_answer_to_what_was_transcoded_has_the_answerer_s_codec() -> None:
    plan = transcoding(("OPUS",), ("PCMU",))
    found = judged(offer("0 101"), plan, by_caller=False, answer=True)
    assert (found.finding.reason, formats(found.sdp), found.transcoding) == (None, ["0 101"], None)
    assert judged(offer("18"), plan, by_caller=False, answer=True).finding.reason is not None
