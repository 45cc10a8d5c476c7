"""What the relay is told because of a message of a call."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sipedge.recording.modes import Mode
from sipedge.routing.decision import Direction
from sipedge.routing.media.commands import (
    Answer,
    Delete,
    MediaEvent,
    Offer,
    Query,
    StartRecording,
    begin_attempt,
    commands,
    end_session,
    given_up,
    learned_pair,
    reason_of_error,
)
from sipedge.routing.media.sides import (
    CODECS,
    AgreedPair,
    MediaMemory,
    MediaPlan,
    MediaSide,
    RecordingPlan,
    Transcoding,
    ng_id_of,
)
from sipedge.routing.reasons import Reason
from support.descriptions import KEY, offer, secure_offer

PLAN = MediaPlan(Direction.TERMINATION, MediaSide(secure=True, symmetric=True), MediaSide())
MEMORY = MediaMemory(PLAN, "CA1.0")
AGREED = replace(MEMORY, agreed=AgreedPair("the caller's", "the callee's"))
INVITE = MediaEvent("INVITE", 0, True, "an offer", sets_up=True)
OK = MediaEvent("INVITE", 200, False, "an answer", is_reply=True, asked_with_sdp=True, sets_up=True)
LATER = MediaEvent("INVITE", 0, False, "an offer")
REFUSED = MediaEvent("INVITE", 488, True, asked_with_sdp=True)
"""Of the callee's re-INVITE, by the caller."""


def test_an_offer_is_told_of_both_sides() -> None:
    """Where it comes from tells whose packets are taken, where it goes the profile."""
    (told,) = commands(INVITE, MEMORY)
    fields = told.fields()
    assert isinstance(told, Offer)
    assert (fields["command"], fields["call-id"], fields["sdp"]) == ("offer", "CA1.0", "an offer")
    assert (fields["from-tag"], fields["to-tag"]) == ("caller", "callee")
    assert fields["transport-protocol"] == "RTP/AVP"
    assert fields["flags"] == ["trust-address", "strict-source", "endpoint-learning-heuristic"]
    assert (fields["ICE"], fields["DTLS"]) == ("remove", "off")
    assert fields["replace"] == ["origin", "session-connection"]
    assert not {"SDES", "codec", "record-call"} & fields.keys()
    assert told.gives_body


def test_one_suite_is_offered() -> None:
    """S17: all others that rtpengine knows are named, since `only-` is not known to 10.5."""
    (told,) = commands(LATER, MEMORY)
    fields = told.fields()
    assert (fields["from-tag"], fields["to-tag"]) == ("callee", "caller")
    assert fields["transport-protocol"] == "RTP/SAVP"
    assert fields["flags"] == ["trust-address", "strict-source", "endpoint-learning-off"]
    suites = fields["SDES"]
    assert isinstance(suites, list)
    assert all(each.startswith("no-") for each in suites)
    assert "no-AES_CM_128_HMAC_SHA1_80" not in suites
    assert "no-AES_CM_128_HMAC_SHA1_32" in suites


def test_an_answer_names_who_offered_first() -> None:
    """Its profile is the offer's, which the relay knows."""
    (told,) = commands(OK, MEMORY)
    assert isinstance(told, Answer)
    assert "transport-protocol" not in told.fields()
    assert (told.fields()["from-tag"], told.fields()["to-tag"]) == ("caller", "callee")
    late = MediaEvent("ACK", 0, True, "an answer", is_reply=True)
    (told,) = commands(late, MEMORY)
    assert isinstance(told, Answer)
    assert (told.fields()["from-tag"], told.fields()["to-tag"]) == ("callee", "caller")


def test_transcoding_is_asked_for_by_names_of_sdp() -> None:
    event = replace(INVITE, transcoding=Transcoding(("PCMU",), ("opus",)))
    (told,) = commands(event, MEMORY)
    assert told.fields()["codec"] == {"mask": ["opus"], "transcode": ["PCMU"]}


@pytest.mark.parametrize("status", (301, 403, 408, 487, 488, 491, 500, 603))
def test_a_refused_offer_is_made_good_by_the_last_agreement(status: int) -> None:
    """The relay acts on an offer at once."""
    offered, answered = commands(replace(REFUSED, status=status), AGREED)
    assert isinstance(offered, Offer)
    assert isinstance(answered, Answer)
    assert (offered.sdp, answered.sdp) == ("the callee's", "the caller's")
    assert offered.offered_by_caller is answered.offered_by_caller is False
    assert (offered.sender, offered.receiver) == (PLAN.callee, PLAN.caller)
    assert (answered.sender, answered.receiver) == (PLAN.caller, PLAN.callee)
    assert not offered.gives_body
    assert not answered.gives_body


@pytest.mark.parametrize(
    "event",
    (
        replace(REFUSED, asked_with_sdp=False),
        replace(REFUSED, sets_up=True),
        replace(REFUSED, status=0),
        replace(REFUSED, status=200),
        replace(REFUSED, method="BYE", asked_with_sdp=False),
    ),
)
def test_nothing_else_is_made_good(event: MediaEvent) -> None:
    assert commands(event, AGREED) == ()
    assert commands(REFUSED, MEMORY) == ()


def test_what_is_made_good_is_transcoded_as_before() -> None:
    caller, callee = MediaSide(codecs=("OPUS",), transcode=True), MediaSide(transcode=True)
    memory = MediaMemory(
        MediaPlan(Direction.TERMINATION, caller, callee), "CA1.0", AgreedPair(offer("96"), "x")
    )
    offered, answered = commands(replace(REFUSED, by_caller=False), memory)
    assert isinstance(offered, Offer)
    assert isinstance(answered, Answer)
    assert offered.transcoding == Transcoding(("PCMU", "PCMA"), ("opus",))
    assert answered.transcoding is None


@pytest.mark.parametrize(
    ("mode", "recorded"),
    (
        (Mode.FROM_RINGING, [True, True, True]),
        (Mode.FROM_RINGING_DUAL, [True, True, True]),
        (Mode.FROM_ANSWER, [False, False, True]),
        (Mode.FROM_ANSWER_DUAL, [False, False, True]),
        (None, [False, False, False]),
    ),
)
def test_a_recording_begins_with_the_call_or_its_answer(mode: Mode | None, recorded: list[bool]) -> None:
    """S8. It is never begun again: rtpengine 12.5 would delete what it has."""
    plan = replace(PLAN, recording=None if mode is None else RecordingPlan(mode))
    memory = replace(MEMORY, plan=plan)
    told = [commands(event, memory)[0].fields() for event in (INVITE, replace(OK, status=183), OK)]
    assert ["record-call" in each for each in told] == recorded
    assert "record-call" not in commands(LATER, memory)[0].fields()


def test_each_attempt_has_a_session_of_its_own() -> None:
    assert [type(each) for each in begin_attempt(INVITE, MEMORY, "CA1.9")] == [Delete, Offer]
    assert [type(each) for each in begin_attempt(INVITE, MEMORY)] == [Offer]
    assert begin_attempt(None, None, "CA1.9") == (Delete("CA1.9"),)
    assert begin_attempt(None, None) == ()
    assert begin_attempt(replace(INVITE, sdp=""), MEMORY) == ()


def test_an_offer_that_nobody_answered_in_time_may_still_have_made_a_session() -> None:
    assert given_up(MEMORY, Reason.MediaUnavailable) == (Delete(MEMORY.ng_id),)
    assert given_up(MEMORY, Reason.MediaFull) == ()
    assert given_up(None, Reason.MediaUnavailable) == ()


def test_what_ends_a_session_is_told_to_a_relay_that_hangs_and_nothing_else_is() -> None:
    """An offer that is carried out when nobody waits for it any more makes sessions without calls."""
    told = {kind.name for kind in (Offer, Answer, Query, Delete, StartRecording) if kind.is_told_anyway}
    assert told == {"delete"}


def test_a_session_is_asked_what_it_was_like_before_it_ends() -> None:
    assert end_session("CA1.0") == (Query("CA1.0"), Delete("CA1.0"))
    assert Query("CA1.0").fields() == {"command": "query", "call-id": "CA1.0"}
    assert Delete("CA1.0").fields() == {"command": "delete", "call-id": "CA1.0"}


def test_what_is_agreed_is_the_offer_with_its_answer() -> None:
    assert learned_pair(OK, "open") == AgreedPair("open", "an answer")
    assert learned_pair(replace(OK, by_caller=True), "open") == AgreedPair("an answer", "open")
    assert learned_pair(LATER, "open") is None
    assert learned_pair(OK, "") is None
    assert learned_pair(replace(OK, sdp=""), "open") is None


@pytest.mark.parametrize(
    ("error", "reason"),
    (
        ("Ran out of ports", Reason.MediaFull),
        ("Parallel session limit reached", Reason.MediaFull),
        ("Failed to parse SDP", Reason.MediaNotServed),
        ("Incomplete SDP specification", Reason.MediaNotServed),
        ("Unknown call-id", Reason.MediaUnavailable),
        ("", Reason.MediaUnavailable),
    ),
)
def test_errors_of_the_relay_are_reasons(error: str, reason: Reason) -> None:
    assert reason_of_error(error) is reason


@pytest.mark.parametrize(
    "plan",
    (
        PLAN,
        MediaPlan(Direction.ORIGINATION, MediaSide(codecs=CODECS, transcode=True), MediaSide(codecs=())),
        replace(PLAN, recording=RecordingPlan(Mode.FROM_ANSWER_DUAL, trim=True)),
        replace(PLAN, recording=RecordingPlan(Mode.FROM_RINGING)),
    ),
)
def test_a_plan_is_remembered_as_text(plan: MediaPlan) -> None:
    text = plan.to_text()
    assert MediaPlan.from_text(text) == plan
    assert text.isascii()
    assert " " not in text
    memory = MediaMemory(plan, "CA1.0", AgreedPair("a", "b"))
    assert MediaMemory.from_plain(memory.to_plain()) == memory


@pytest.mark.parametrize(
    "text", ("", "t", "t/-/---:PCMU", "t/-/---:PCMU/---:MP3", "t/x/---:/---:", "x/-/---:/---:")
)
def test_text_that_no_plan_wrote_is_none(text: str) -> None:
    assert MediaPlan.from_text(text) is None


@pytest.mark.parametrize("plain", (None, [], {}, {"plan": 1}, {"plan": PLAN.to_text()}, {"ng_id": "CA1.0"}))
def test_no_memory_is_made_of_anything_else(plain: object) -> None:
    assert MediaMemory.from_plain(plain) is None


def test_ids_tell_calls_attempts_and_edges_apart() -> None:
    assert ng_id_of("CA1", 2) == "CA1.2"
    assert ng_id_of("CA1", 2, "dublin") == "CA1.2.dublin"


def test_no_key_is_shown() -> None:
    event = replace(INVITE, sdp=secure_offer())
    told = commands(event, replace(MEMORY, agreed=AgreedPair(secure_offer(), secure_offer())))
    assert KEY in str(told[0].fields())
    assert KEY not in repr((event, told, replace(MEMORY, agreed=AgreedPair(secure_offer(), "x"))))
