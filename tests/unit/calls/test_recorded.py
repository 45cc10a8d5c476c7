"""What the events of a recorded call come to: one job and one `recording`, however many sessions it had."""

from __future__ import annotations

import pytest

from sipedge.calls.book import CallBook
from sipedge.calls.events import (
    Answered,
    AttemptFailed,
    Begun,
    Ended,
    EndedBy,
    Event,
    Recorded,
    Ringing,
    event_line,
)
from sipedge.calls.record import EndReason, Record, RecordingMade
from sipedge.calls.recorded import MOST_RECORDED
from sipedge.recording.job import job_of_text
from sipedge.recording.legs import Leg, leg_of, leg_text
from sipedge.recording.modes import Mode

SID = "CA" + "1" * 32
BEGUN = Begun(
    "origination", "acme/hq", "TK1", "acme", "AC1", "+14155550100", "+12125550199", "ashburn", "192.0.2.1",
    "203.0.113.5", "udp", "abc@telco", carrier="telco",
)  # fmt: skip
RINGS, UP = Ringing("pbx", "udp:192.0.2.9:5060"), Answered("pbx", "udp:192.0.2.9:5060")
FAILED = AttemptFailed("pbx", "sip:1@192.0.2.8", "udp:192.0.2.8:5060", "response", 10, 503)
OVER = Ended(EndedBy.CALLER, "normal")


def recorded(attempt: int = 0, mode: str = "RecordFromAnswerDual", codec: str = "0=PCMU/8000") -> Recorded:
    port = 30_000 + 4 * attempt
    return Recorded(mode, True, f"{SID}.{attempt}", f"{port} {codec}", f"{port + 2} 0=PCMU/8000")


def told(*events: Event) -> tuple[CallBook, list[Record]]:
    """The book of events that are a second apart."""
    book, records = CallBook(), []
    for place, event in enumerate(events):
        records += book.note(event_line(event, SID, 1_700_000_000.0 + place))
    return book, records


@pytest.mark.parametrize(
    ("mode", "channels", "start"),
    (
        ("RecordFromRinging", 1, "2023-11-14T22:13:21.000Z"),
        ("RecordFromRingingDual", 2, "2023-11-14T22:13:21.000Z"),
        ("RecordFromAnswer", 1, "2023-11-14T22:13:22.000Z"),
        ("RecordFromAnswerDual", 2, "2023-11-14T22:13:22.000Z"),
    ),
)
def test_the_four_modes(mode: str, channels: int, start: str) -> None:
    """S8, S9."""
    book, (record,) = told(BEGUN, RINGS, UP, recorded(mode=mode), OVER)
    (job,) = book.jobs
    assert (job.mode, job.starts_at, job.ends_at, job.trim) == (mode, start, "2023-11-14T22:13:24.000Z", True)
    seconds = 3.0 if "Ringing" in mode else 2.0
    assert record.recording == RecordingMade(f"RE{SID[2:]}", channels, seconds)
    assert job_of_text(job.to_text()) == job


def test_a_call_that_nobody_records_has_no_job() -> None:
    """S6."""
    book, (record,) = told(BEGUN, RINGS, UP, OVER)
    assert (book.jobs, record.recording) == ([], None)


def test_sessions_and_changed_legs_of_one_call() -> None:
    """S80: a target that failed and one that answered; a re-INVITE that changed a codec."""
    changed = recorded(1, codec="8=PCMA/8000")
    book, _ = told(BEGUN, RINGS, recorded(0), FAILED, recorded(1), UP, changed, OVER)
    (job,) = book.jobs
    first, second = job.parts
    assert first.ng_id == f"{SID}.0"
    assert second.callers == (Leg(30_004, {0: "PCMU/8000", 8: "PCMA/8000"}),)
    assert second.callees == (Leg(30_006, {0: "PCMU/8000"}),)


def test_a_call_that_was_lost_has_a_job_without_an_end() -> None:
    book, _ = told(BEGUN, UP, recorded())
    (record,) = book.lose(EndReason.CRASH)
    (job,) = book.jobs
    assert job.ends_at is None
    assert record.recording == RecordingMade(f"RE{SID[2:]}", 2, None)


def test_a_book_that_was_put_down_knows_them_still() -> None:
    book, _ = told(BEGUN, UP, recorded())
    again = CallBook.of_lines(list(book.to_lines()))
    again.note(event_line(OVER, SID, 1_700_000_009.0))
    assert [job.mode for job in again.jobs] == [Mode.FROM_ANSWER_DUAL]


def test_one_that_changes_all_the_time_is_bounded() -> None:
    book, _ = told(BEGUN, UP, *(recorded(n) for n in range(MOST_RECORDED + 20)), OVER)
    assert len(book.jobs[0].parts) == MOST_RECORDED


def test_a_word_that_is_no_mode_records_nothing() -> None:
    book, (record,) = told(BEGUN, UP, recorded(mode="Always"), OVER)
    assert (book.jobs, record.recording) == ([], None)


@pytest.mark.parametrize(
    ("sdp", "text"),
    (
        ("m=audio 30000 RTP/AVP 0\r\n", "30000 0=PCMU/8000"),
        ("m=audio 30000 RTP/SAVP 96 101\r\na=rtpmap:96 opus/48000/2\r\na=rtpmap:101 telephone-event/8000\r\n",
         "30000 96=opus/48000 101=telephone-event/8000"),
        ("m=audio 0 RTP/AVP 0\r\n", ""),
        ("m=video 30000 RTP/AVP 0\r\n", ""),
        ("m=audio 99999 RTP/AVP 0\r\n", ""),
        ("", ""),
    ),
)  # fmt: skip
def test_a_leg_of_a_description(sdp: str, text: str) -> None:
    assert leg_text(sdp) == text
    assert (leg_of(text) is None) == (text == "")
