"""What the media relay is told so that a caller hears the edge, and the edge hears him."""

from __future__ import annotations

from typing import Final

import pytest

from sipedge.b2bua.ear import PlayMedia, StopMedia, answer, events_payload, ng_id_of, offer, sink_session
from sipedge.calls.relayed_sessions import call_sid_of_session

PLAIN: Final = "v=0\r\nm=audio 4000 RTP/AVP 8 96\r\na=rtpmap:96 telephone-event/8000\r\n"
SECURE: Final = "v=0\r\nm=audio 4000 RTP/SAVP 0\r\na=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:x\r\n"


def test_a_session_is_known_by_its_call() -> None:
    """So that one that nobody ends is found by the agent."""
    assert call_sid_of_session(ng_id_of("CA1", 2)) == "CA1"
    assert ng_id_of("CA1", 1) != ng_id_of("CA1", 2)


@pytest.mark.parametrize("sdp", (PLAIN, SECURE), ids=("plain", "secure"))
def test_the_sink_is_offered_plain_pcmu_whatever_the_caller_has(sdp: str) -> None:
    told = offer("CA1.i1", sdp).fields()
    assert told["transport-protocol"] == "RTP/AVP"
    assert told["codec"] == {"mask": [], "transcode": ["PCMU"]}
    assert (told["from-tag"], told["to-tag"]) == ("caller", "callee")
    assert "SDES" not in told


def test_keys_go_to_a_caller_who_has_some_and_to_nobody_else() -> None:
    assert "SDES" in answer("CA1.i1", SECURE, "v=0").fields()
    assert "SDES" not in answer("CA1.i1", PLAIN, "v=0").fields()
    assert "crypto" not in repr(offer("CA1.i1", SECURE))


def test_a_file_is_played_to_the_caller() -> None:
    assert PlayMedia("CA1.i1", file="/x.wav").fields() == {
        "command": "play media", "call-id": "CA1.i1", "from-tag": "caller", "file": "/x.wav",
    }  # fmt: skip
    assert StopMedia("CA1.i1").fields()["command"] == "stop media"


def test_keys_are_heard_as_the_caller_numbers_them() -> None:
    assert events_payload(PLAIN) == 96
    assert events_payload(SECURE) is None
    assert "m=audio 9 RTP/AVP 0 96\r\n" in sink_session("192.0.2.1", 9, 96)
    assert "telephone-event" not in sink_session("192.0.2.1", 9, None)
    assert "c=IN IP6 2001:db8::1\r\n" in sink_session("2001:db8::1", 9, None)
