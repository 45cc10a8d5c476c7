"""What `explain` tells of a call's media: both sides, why they are relayed, and the gist of commands."""

from __future__ import annotations

from dataclasses import replace

from sipedge.recording.modes import Mode
from sipedge.routing.decision import Direction, Limit
from sipedge.routing.media.commands import MediaEvent, begin_attempt
from sipedge.routing.media.new_attempt import AttemptMedia
from sipedge.routing.media.sides import (
    MediaMemory,
    MediaPlan,
    MediaSide,
    RecordingPlan,
    Transcoding,
)
from sipedge.routing.reasons import Reason
from support.descriptions import KEY, secure_offer
from trunkline.cli.explain.media import attempts_text, commands_document, media_document
from trunkline.cli.terminal import Look

LOOK = Look(rich=False)
PLAN = MediaPlan(
    Direction.TERMINATION,
    MediaSide(secure=True, symmetric=True, codecs=("OPUS",), transcode=True),
    MediaSide(),
    RecordingPlan(Mode.FROM_RINGING_DUAL, trim=True),
    ("Trunk.spec.secure",),
)
EVENT = MediaEvent(
    "INVITE", 0, True, secure_offer(payload_types="96 101"), sets_up=True, transcoding=Transcoding(("PCMU",))
)
MEMORY = MediaMemory(PLAN, "CA1.1")
MEDIA = AttemptMedia(MEMORY, begin_attempt(EVENT, MEMORY, "CA1.0"), EVENT.sdp)
SAID = [
    "delete of session CA1.0",
    "offer of the caller with OPUS, TELEPHONE-EVENT; the callee is given RTP/AVP and PCMU, transcoded, "
    "and it is recorded",
]


def test_people_are_told_both_sides_why_and_what_the_relay_is_told() -> None:
    assert attempts_text([MEDIA, MEDIA], LOOK) == [
        "",
        "Media goes through the edge, for Trunk.spec.secure:",
        "  caller  customer: SRTP to where it comes from (rule S25), codecs OPUS, "
        "transcoded where none is common",
        "  callee  carrier: RTP to the address of its SDP (rule S24), codecs PCMU, PCMA",
        "  recorded: RecordFromRingingDual, silence cut off",
        *(f"  the media relay is told: {each}" for each in SAID),
    ]


def test_what_is_transcoded_counts_against_what_the_relay_may_have() -> None:
    media = replace(MEDIA, limits=(Limit("relay:transcoded", 20, False, Reason.MediaFull),))
    assert "  counts against relay:transcoded: at most 20 calls at once" in attempts_text([media], LOOK)
    told = media_document(media)
    assert told is not None
    assert told["limits"] == {"relay:transcoded": 20}


def test_attempts_that_differ_are_told_apart() -> None:
    refused = replace(MEDIA, reason=Reason.NoCommonCodec, commands=())
    lines = attempts_text([MEDIA, AttemptMedia(), refused, MEDIA], LOOK)
    assert [line for line in lines if line.startswith("Media")] == [
        "Media of attempt 1, 4 goes through the edge, for Trunk.spec.secure:",
        "Media of attempt 2 goes between the parties: this edge does not relay it.",
        "Media of attempt 3 goes through the edge, for Trunk.spec.secure:",
    ]
    assert any("this attempt is not made" in line and "NoCommonCodec" in line for line in lines)
    assert attempts_text([], LOOK) == []


def test_scripts_are_told_the_same() -> None:
    told = media_document(MEDIA)
    assert told is not None
    assert told["relayedFor"] == ["Trunk.spec.secure"]
    assert told["caller"] == {
        "secure": True,
        "symmetricRtp": True,
        "codecs": ["OPUS"],
        "transcoding": True,
    }
    assert told["recording"] == {"mode": "RecordFromRingingDual", "trim": True}
    assert told["commands"] == commands_document(MEDIA.commands) == SAID
    assert media_document(AttemptMedia()) is None


def test_no_key_is_shown() -> None:
    assert KEY not in str(media_document(MEDIA)) + str(attempts_text([MEDIA], LOOK))
