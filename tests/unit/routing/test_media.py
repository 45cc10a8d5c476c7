"""What an SDP offer says of encryption, and what a trunk makes of it."""

from __future__ import annotations

import pytest

from sipedge.routing.decision import Decision, Forward, Reject
from sipedge.routing.media import offered_profiles
from sipedge.routing.reasons import Reason
from support.calls import decide, make_platform, make_pstn_request, make_request

PLAIN = "v=0\r\nm=audio 10000 RTP/AVP 0 8\r\n"
SECURE = "v=0\r\nm=audio 10000 RTP/SAVP 0 8\r\na=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:x\r\n"


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
        (" m=audio 1 RTP/AVP 0\r\na=m=audio 1 RTP/AVP 0\r\n", ()),
        ("m=audio 0 RTP/SAVP 0\r\nm=audio 0/2 RTP/SAVP 0\r\n", ()),
    ),
)
def test_the_profile_of_each_media_line_that_is_offered(body: str, profiles: tuple[str, ...]) -> None:
    assert offered_profiles(body) == profiles


def both_ways(secure: bool, body: str) -> tuple[Decision, Decision]:
    platform = make_platform({"secure": secure})
    return (
        decide(platform, make_request(transport="tls", body=body)),
        decide(platform, make_pstn_request(body=body)),
    )


@pytest.mark.parametrize("body", (PLAIN, "", "m=audio 10000 RTP/AVP 0\r\nm=video 0 RTP/SAVP 31\r\n"))
def test_a_trunk_that_is_not_secure_takes_plain_media(body: str) -> None:
    assert all(isinstance(decision, Forward) for decision in both_ways(False, body))


@pytest.mark.parametrize("body", (SECURE, PLAIN + "m=video 4 RTP/SAVP 31\r\n"))
def test_a_trunk_that_is_not_secure_refuses_srtp(body: str) -> None:
    """32207, in both directions."""
    for decision in both_ways(False, body):
        assert isinstance(decision, Reject)
        assert decision.reason is Reason.MediaSecureRefused
        assert (decision.reason.value.status, decision.reason.value.error_code) == (488, 32207)


@pytest.mark.parametrize("body", (SECURE, "", "m=audio 10000 UDP/TLS/RTP/SAVPF 0\r\n"))
def test_a_secure_trunk_takes_srtp_and_an_invite_without_an_offer(body: str) -> None:
    assert all(isinstance(decision, Forward) for decision in both_ways(True, body))


@pytest.mark.parametrize("body", (PLAIN, SECURE + "m=video 4 RTP/AVP 31\r\n", "m=image 5 udptl t38\r\n"))
def test_a_secure_trunk_refuses_plain_media(body: str) -> None:
    """S20: 32208, in both directions; one plain stream is enough."""
    for decision in both_ways(True, body):
        assert isinstance(decision, Reject)
        assert decision.reason is Reason.MediaNotSecure
        assert (decision.reason.value.status, decision.reason.value.error_code) == (488, 32208)
