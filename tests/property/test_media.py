"""However a session description is written: what the relay is given of it has one reading, and is bounded."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from sipedge.recording.modes import Mode
from sipedge.routing.decision import Direction
from sipedge.routing.media.commands import MediaEvent, commands, reason_of_error
from sipedge.routing.media.judge import LONGEST, Judged, judge_answer, judge_offer, media_refused
from sipedge.routing.media.sdp import parse, render
from sipedge.routing.media.sides import (
    CODECS,
    AgreedPair,
    MediaMemory,
    MediaPlan,
    MediaSide,
    RecordingPlan,
)
from sipedge.routing.message.messages import Message
from sipedge.routing.message.sdp import body_with_sdp, only_sdp
from support.descriptions import KEY, RTPMAPS, audio, description, suite
from support.strategies import hostile_text

LINES = (
    "v=0", "o=- 1 1 IN IP4 192.0.2.9", "o=- 1 1 IN IP4 pbx.example", "s=-", "t=0 0",
    "m=audio 4 RTP/AVP 0 8 101", "m=audio 4 RTP/SAVP 0 96", "m=audio 0 RTP/AVP 0",
    "m=audio 4/2 RTP/SAVPF  8 ", "m=video 6 RTP/AVP 31", "m=image 8 udptl t38", "m=audio 99999 RTP/AVP 0",
    "c=IN IP4 192.0.2.9", "c=IN IP4 10.0.0.1", "c=IN IP4 x.example", "c=IN IP6 2001:db8::1",
    "c=IN IP4 0.0.0.0", "a=rtpmap:0 PCMU/8000", "a=rtpmap:96 opus/48000/2", "a=fmtp:101 0-16",
    "a=rtcp:5 IN IP4 169.254.169.254", "a=sendonly", "a=ptime:20",
    "a=candidate:1 1 udp 1 10.0.0.7 4 typ host", "a=setup:actpass", "a=ssrc:1 cname:x",
    f"a=crypto:1 {suite()}", f"a=crypto:2 {suite(behind='|2^20|1:4')}", "m=", "a=", "", " ",
    "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:x",
)  # fmt: skip
HEAD = "v=0\r\no=- 1 1 IN IP4 192.0.2.9\r\nc=IN IP4 192.0.2.9\r\n"
texts = st.one_of(
    hostile_text,
    st.text(max_size=200),
    st.builds(
        lambda *lines: HEAD + "".join(f"{line}\r\n" for line in lines if line),
        st.sampled_from([each for each in LINES if each.startswith("m=audio")]),
        *(
            st.sampled_from(["", *(each for each in LINES if each[:2] in ("a=", "c=", "m="))])
            for _ in range(5)
        ),
    ),
    st.builds(
        lambda head, lines, ending: head + ending.join(lines),
        st.sampled_from(("", HEAD, HEAD + "m=audio 4 RTP/AVP 0\r\n", HEAD + "m=audio 4 RTP/SAVP 0\r\n")),
        st.lists(st.one_of(st.sampled_from(LINES), hostile_text), max_size=12),
        st.sampled_from(("\r\n", "\n", "\r")),
    ),
)
codecs = st.lists(st.sampled_from(CODECS), unique=True, max_size=5).map(tuple)
media_sides = st.builds(MediaSide, st.booleans(), st.booleans(), codecs, st.booleans())
recordings = st.one_of(st.none(), st.builds(RecordingPlan, st.sampled_from(Mode), st.booleans()))
plans = st.builds(MediaPlan, st.sampled_from(Direction), media_sides, media_sides, recordings)

ALLOWED_LINE = re.compile(
    r"v=0|o=[!-~]+ \d+ \d+ IN IP4 [\d.]+|s=-|c=IN IP4 [\d.]+|t=0 0"
    r"|m=[a-z]+ \d+ [A-Za-z0-9/]+(?: [!-~]+)+"
    r"|a=(?:rtpmap|fmtp|crypto|ptime|maxptime|rtcp):[\x20-\x7e]+|a=(?:sendrecv|sendonly|recvonly|inactive)"
)


def judged(sdp: str, plan: MediaPlan, *, by_caller: bool, is_answer: bool) -> Judged:
    judge = judge_answer if is_answer else judge_offer
    return judge(
        sdp, plan, by_caller=by_caller, may_be_sent_to=lambda each: each[:3] != "10.", source="192.0.2.7"
    )


@given(texts, plans, st.booleans(), st.booleans())
def test_whatever_is_written_the_relay_is_given_one_reading_of_it(
    sdp: str, plan: MediaPlan, by_caller: bool, is_answer: bool
) -> None:
    found = judged(sdp, plan, by_caller=by_caller, is_answer=is_answer)
    if not found.sdp:
        assert found.body is None or found.finding.reason is None
        return
    side = plan.side(caller=by_caller)
    lines = found.sdp.split("\r\n")
    assert lines[-1] == ""
    assert all(ALLOWED_LINE.fullmatch(line) for line in lines[:-1]), lines
    assert len(found.sdp) <= LONGEST
    active = [line.split() for line in lines if line.startswith("m=") and line.split()[1] != "0"]
    assert [line[0] for line in active] == ["m=audio"]
    assert ("SAVP" in active[0][2].upper()) is side.secure
    assert any(line.startswith("a=crypto") for line in lines) is side.secure
    assert set(found.codecs) <= set(side.codecs)
    assert found.codecs
    assert "10.0.0" not in found.sdp
    assert "169.254" not in found.sdp


@given(texts, plans, st.booleans())
def test_what_was_taken_is_taken_again_unchanged(sdp: str, plan: MediaPlan, by_caller: bool) -> None:
    """What is told to the relay once more after a refusal is what was judged."""
    found = judged(sdp, plan, by_caller=by_caller, is_answer=False)
    if found.sdp:
        again = judged(found.sdp, plan, by_caller=by_caller, is_answer=False)
        assert again.sdp == found.sdp
        assert again.transcoding == found.transcoding


@given(texts)
def test_a_description_with_its_media_refused_offers_none(sdp: str) -> None:
    refused = media_refused(sdp)
    description = parse(refused)
    assert (description is None) is (refused == "")
    assert description is None or not any(line.is_active for line in description.media)
    original = parse(sdp)
    assert original is None or description is None or len(original.media) == len(description.media)


@given(texts)
def test_what_is_read_is_written_and_read_again(sdp: str) -> None:
    description = parse(sdp)
    if description is not None:
        assert parse(render(description)) is not None


@given(texts, st.sampled_from(("application/sdp", "multipart/mixed;boundary=b", "text/plain", "")))
def test_a_body_has_one_description_or_none_is_believed(sdp: str, kind: str) -> None:
    body = f"--b\r\nContent-Type: application/sdp\r\n\r\n{sdp}\r\n--b--" if "multipart" in kind else sdp
    message = Message(
        source="192.0.2.1", source_port=1, transport="udp", headers={"content-type": (kind,)}, body=body
    )
    found = only_sdp(message)
    changed = body_with_sdp(message, "v=0\r\n")
    assert (changed == "") is (not found)
    assert not found or found not in changed or found in "v=0\r\n"


@given(plans, st.text(max_size=60))
def test_a_plan_comes_back_from_its_text_and_any_text_gives_one_or_none(plan: MediaPlan, text: str) -> None:
    assert MediaPlan.from_text(plan.to_text()) == plan
    found = MediaPlan.from_text(text)
    assert found is None or MediaPlan.from_text(found.to_text()) == found


@given(
    plans,
    st.builds(
        MediaEvent,
        st.sampled_from(("INVITE", "UPDATE", "ACK", "PRACK", "BYE", "")),
        st.integers(0, 700),
        st.booleans(),
        texts,
        is_reply=st.booleans(),
        asked_with_sdp=st.booleans(),
        sets_up=st.booleans(),
    ),
    st.builds(AgreedPair, texts, texts),
)
def test_commands_name_their_session_and_one_of_them_gives_the_body(
    plan: MediaPlan, event: MediaEvent, agreed: AgreedPair
) -> None:
    told = commands(event, MediaMemory(plan, "CA1.0", agreed))
    assert len(told) <= 2
    assert [each.gives_body for each in told].count(True) == (1 if event.sdp else 0)
    for each in told:
        fields = each.fields()
        assert fields["call-id"] == "CA1.0"
        assert {fields["from-tag"], fields["to-tag"]} == {"caller", "callee"}


@given(st.text(max_size=80))
def test_any_error_of_the_relay_is_a_reason_of_which_the_status_is_known(error: str) -> None:
    assert reason_of_error(error).value.status in (488, 503)


@given(st.permutations(sorted(RTPMAPS)), plans)
def test_no_key_and_no_body_is_told_to_people(types: list[str], plan: MediaPlan) -> None:
    sdp = description(*audio(" ".join(types), "RTP/SAVP", crypto=[suite()]))
    for by_caller in (True, False):
        found = judged(sdp, plan, by_caller=by_caller, is_answer=False)
        assert KEY not in repr(found)
