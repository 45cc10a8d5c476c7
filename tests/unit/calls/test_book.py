"""One true record per attempt to set up a call, whatever its events are and however they are read."""

from __future__ import annotations

import json
from typing import Any

import pytest

from sipedge.calls.book import CallBook
from sipedge.calls.events import (
    Answered,
    AttemptFailed,
    Begun,
    Ended,
    EndedBy,
    Event,
    Left,
    Measured,
    Refused,
    Ringing,
    Started,
    event_line,
)
from sipedge.calls.record import EndReason, MediaOfParty, Record, Result, Tag

SID = "CA" + "1" * 32
BEGUN = Begun(
    "termination", "acme/hq", "TK1", "acme", "AC1", "+14155550100", "+12125550199", "ashburn", "192.0.2.1",
    "203.0.113.5", "tls", "abc@pbx", secure=True, table_sequence=7, max_duration_seconds=3600,
)  # fmt: skip
RINGS = Ringing("telco", "udp:192.0.2.9:5060")
UP = Answered("telco", "udp:192.0.2.9:5060")
SILENT = AttemptFailed("telco", "sip:+12125550199@192.0.2.8", "udp:192.0.2.8:5060", "no_response", 4000)


def records(book: CallBook, *events: Event, sid: str = SID, start: float = 1_700_000_000.0) -> list[Record]:
    """What comes of events, a second apart."""
    return [
        each
        for place, event in enumerate(events)
        for each in book.note(
            event_line(event, "" if isinstance(event, Started | Left) else sid, start + place)
        )
    ]


def test_what_the_relay_counted_is_told_of_both_parties() -> None:
    """Told twice, it counts once; and it is in the line of the record."""
    text = "codec=PCMU from={} to=100 lost=9.0 jitter=1.0 top=2.0 mos=3.1 rtt=20.0"
    counted = Measured(text.format(100), text.format(0))
    (record,) = records(CallBook(), BEGUN, UP, counted, counted, Ended(EndedBy.CALLEE, "normal"), start=6e8)
    assert record.media is not None
    assert (record.media.caller, record.media.callee) == (
        MediaOfParty("PCMU", 100, 100, 9.0, 1.0, 3.1, 2.0, 20.0),
        MediaOfParty("PCMU", 100, 0, 9.0, 1.0, 3.1, 2.0, 20.0),
    )
    assert record.tags == (Tag.HIGH_PACKET_LOSS,)
    assert Record.from_line(record.to_line()) == record


def test_a_call_that_was_up() -> None:
    """Times, duration, who took it, and every address that was tried."""
    (record,) = records(CallBook("edge-0"), BEGUN, SILENT, RINGS, UP, Ended(EndedBy.CALLEE, "normal"))
    said = record.to_json()
    assert said == {
        "schema": 1,
        "callSid": SID,
        "account": "acme",
        "accountSid": "AC1",
        "trunkSid": "TK1",
        "trunk": "acme/hq",
        "direction": "termination",
        "origin": "dialled",
        "from": "+14155550100",
        "to": "+12125550199",
        "startedAt": "2023-11-14T22:13:20.000Z",
        "ringingAt": "2023-11-14T22:13:22.000Z",
        "answeredAt": "2023-11-14T22:13:23.000Z",
        "endedAt": "2023-11-14T22:13:24.000Z",
        "durationSeconds": 1.0,
        "postDialDelayMilliseconds": 2000,
        "result": "answered",
        "sipStatus": 200,
        "endedBy": "callee",
        "endReason": "normal",
        "edge": "ashburn",
        "address": "192.0.2.1",
        "pod": "edge-0",
        "tableSequence": 7,
        "sourceAddress": "203.0.113.5",
        "transport": "tls",
        "sipCallId": "abc@pbx",
        "carrier": "telco",
        "target": "telco",
        "attempts": [
            {
                "target": "telco",
                "uri": "sip:+12125550199@192.0.2.8",
                "address": "udp:192.0.2.8:5060",
                "milliseconds": 4000,
                "kind": "no_response",
            },
            {"target": "telco", "address": "udp:192.0.2.9:5060", "status": 200, "milliseconds": 3000},
        ],
        "secure": {"signalling": True, "media": True},
    }
    assert Record.from_line(record.to_line()) == record


INSTRUCTED = "disasterRecovery"


@pytest.mark.parametrize(
    ("events", "expected"),
    (
        (
            (RINGS, Answered(INSTRUCTED, "udp:192.0.2.1:5090"), Ended(EndedBy.CALLEE, "normal")),
            ("edge", "normal"),
        ),
        ((Answered(INSTRUCTED, "udp:192.0.2.1:5090"), Ended(EndedBy.CALLER, "normal")), ("caller", "normal")),
        (
            (Ringing(INSTRUCTED, "udp:192.0.2.1:5090"), Ended(EndedBy.CALLER, sip_status=487)),
            ("caller", None),
        ),
        (
            (
                AttemptFailed(INSTRUCTED, "sip:1", "udp:192.0.2.1:5090", "response", 10, 603),
                Ended(EndedBy.CALLEE, sip_status=603),
            ),
            ("edge", None),
        ),
    ),
    ids=("hung-up", "caller-hung-up", "given-up", "rejected"),
)
def test_a_call_that_followed_instructions(
    events: tuple[Event, ...], expected: tuple[str, str | None]
) -> None:
    """S67: it is told apart, and who ended it on their behalf is the edge."""
    (record,) = records(CallBook(), BEGUN, *events)
    assert (record.origin, record.ended_by, record.end_reason) == (INSTRUCTED, *expected)


FAILED = AttemptFailed("telco", "sip:1@192.0.2.8", "udp:192.0.2.8:5060", "response", 10, 486, q850_cause=17)


@pytest.mark.parametrize(
    ("events", "expected"),
    (
        ((FAILED, Ended(EndedBy.CALLEE, sip_status=486)), ("busy", 486, "callee", None, 17)),
        ((Ended(EndedBy.CALLEE, sip_status=600),), ("busy", 600, "callee", None, None)),
        ((Ended(EndedBy.CALLEE, sip_status=480),), ("noAnswer", 480, "callee", None, None)),
        ((Ended(EndedBy.CALLER, sip_status=487),), ("canceled", 487, "caller", None, None)),
        ((Ended(EndedBy.CALLEE, sip_status=487),), ("failed", 487, "callee", None, None)),
        ((Ended(EndedBy.EDGE, None, 480, "RingTimeout"),), ("noAnswer", 480, "edge", None, None)),
        ((Ended(EndedBy.EDGE, None, 408, "NoAnswer"),), ("noAnswer", 408, "edge", None, None)),
        ((Ended(EndedBy.EDGE, None, 480, "NoReachableTarget"),), ("failed", 480, "edge", None, None)),
        ((Ended(EndedBy.CALLEE, sip_status=404),), ("failed", 404, "callee", None, None)),
        ((UP, Ended(EndedBy.EDGE, "requested")), ("answered", 200, "edge", "operator", None)),
        ((UP, Ended(EndedBy.EDGE, "maxDuration")), ("answered", 200, "edge", "maxDuration", None)),
        ((UP, Ended(EndedBy.EDGE, "MediaNotSecure")), ("answered", 200, "edge", "mediaNotSecure", None)),
        ((UP, Ended(EndedBy.EDGE, "probe")), ("answered", 200, "edge", "probe", None)),
        ((UP, Ended(EndedBy.CALLER, "normal", q850_cause=16)), ("answered", 200, "caller", "normal", 16)),
        ((Ended(EndedBy.CALLER, "normal"),), ("answered", 200, "caller", "normal", None)),
    ),
)
def test_each_kind_of_end(events: tuple[Event, ...], expected: tuple[Any, ...]) -> None:
    """Result, status, by whom, why, and Q.850's cause. An answer that was not told leaves no duration."""
    (record,) = records(CallBook(), BEGUN, *events)
    found = (record.result, record.sip_status, record.ended_by, record.end_reason, record.q850_cause)
    assert found == expected
    assert (record.duration_seconds is None) == (UP not in events)


def test_a_refused_call_is_one_line_and_one_record() -> None:
    fields = {name: getattr(BEGUN, name) for name in BEGUN.__dataclass_fields__}
    refused = Refused(**fields, sip_status=403, reason="CallerIdNotAllowed", rule="S40", error_code=32204)
    (record,) = records(CallBook(), refused)
    assert (record.result, record.sip_status, record.reason) == (Result.REFUSED, 403, "CallerIdNotAllowed")
    assert (record.rule, record.error_code, record.ended_by) == ("S40", 32204, "edge")
    assert record.ended_at == record.started_at
    assert record.attempts is None


def test_kamailio_that_begins_anew_ends_what_nobody_saw_end() -> None:
    """No end and no duration are made up; a call that was up is still known until it has left."""
    book = CallBook()
    assert not records(book, BEGUN, UP)
    assert not records(book, BEGUN, RINGS, sid="CA2")
    (up, ringing) = records(book, Started("ashburn", "192.0.2.1"))
    assert (up.ended_by, up.end_reason, up.ended_at, up.duration_seconds) == ("unknown", "crash", None, None)
    assert (up.result, ringing.result, ringing.ended_by) == ("answered", "failed", "unknown")
    assert not records(book, BEGUN, UP), "it has its record"
    assert [(call.record.call_sid, call.is_lost) for call in book.calls()] == [(SID, True)]
    assert not records(book, Left("abc@pbx", EndedBy.CALLER))
    assert not list(book.calls())


def test_calls_in_progress_are_told_so_far() -> None:
    book = CallBook()
    records(book, BEGUN, RINGS, UP)
    (call,) = book.calls()
    assert (call.record.result, call.record.answered_at) == (None, "2023-11-14T22:13:22.000Z")
    assert call.ends == 1_700_000_002 + 3600 + 600
    assert not book.expire(call.ends - 1)
    (record,) = book.expire(call.ends + 1)
    assert record.end_reason == EndReason.CRASH


def test_a_relayed_call_has_its_record_at_the_edge_that_relays_it() -> None:
    relayed = Begun(**{**vars(BEGUN), "origin": "relayed"})
    book = CallBook()
    assert not records(book, relayed, UP)
    assert len(list(book.calls())) == 1
    assert not records(book, Ended(EndedBy.CALLER, "normal"))


def test_what_is_no_event_is_passed_over() -> None:
    book = CallBook()
    lines = ("", "{", "[]", "7", '{"event":"begun"}', json.dumps({"event": "x", "callSid": "a", "at": "b"}))
    assert [book.note(line) for line in lines] == [[]] * len(lines)
    assert book.passed.unreadable == len(lines)
