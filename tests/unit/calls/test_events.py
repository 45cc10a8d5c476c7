"""The lines of call events: whole, bounded, and of one kind whatever callers write."""

from __future__ import annotations

import json
from dataclasses import fields, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sipedge.calls.events import (
    LONGEST_LINE,
    LONGEST_TEXT,
    SCHEMA,
    Answered,
    AttemptFailed,
    Begun,
    Ended,
    EndedBy,
    Event,
    begun_line,
    event_line,
    frame_of_begun,
    line_of_packed,
    pack,
    pack_event,
    uri_without_password,
)

texts = st.text(st.characters(), max_size=2000) | st.text('\x00\n\r"\\\ud800\u2028𝕏', max_size=2000)
options = st.none() | texts
events: st.SearchStrategy[Event] = st.one_of(
    st.builds(
        Begun,
        direction=texts,
        trunk=texts,
        trunk_sid=options,
        account=texts,
        account_sid=options,
        from_=texts,
        to=texts,
        edge=texts,
        address=texts,
        source_address=texts,
        transport=texts,
        sip_call_id=texts,
        user_agent=options,
        tls_version=options,
        carrier=options,
    ),
    st.builds(AttemptFailed, target=texts, uri=texts, address=texts, kind=texts, carrier=options),
    st.builds(Answered, target=texts, address=texts),
    st.builds(Ended, end_reason=options, reason=options, rule=options),
)
SID = "CA" + "0" * 32


@given(events, st.floats(0, 1e10))
def test_a_line_is_one_bounded_printable_json_object(event: Event, at: float) -> None:
    """Of the schema, with the call's id, and never an error."""
    line = event_line(event, SID, at)
    assert line.isprintable()
    assert len(line.encode()) <= LONGEST_LINE
    said = json.loads(line)
    assert (said["schema"], said["callSid"]) == (SCHEMA, SID)
    assert all(len(value) <= LONGEST_TEXT for value in said.values() if isinstance(value, str))


def test_keys_and_times_are_written_as_in_call_records() -> None:
    """What is not known is not there."""
    begun = Begun(
        direction="termination",
        trunk="acme/hq",
        trunk_sid="TK1",
        account="acme",
        account_sid=None,
        from_="+14155550100",
        to="+442079460000",
        edge="ashburn",
        address="192.0.2.1",
        source_address="203.0.113.5",
        transport="udp",
        sip_call_id="a\nb",
    )
    assert event_line(begun, SID, 1_700_000_000.25) == (
        '{"schema":1,"event":"begun","at":"2023-11-14T22:13:20.250Z","callSid":"' + SID + '",'
        '"direction":"termination","trunk":"acme/hq","trunkSid":"TK1","account":"acme",'
        '"from":"+14155550100","to":"+442079460000","edge":"ashburn","address":"192.0.2.1",'
        '"sourceAddress":"203.0.113.5","transport":"udp","sipCallId":"a?b","origin":"dialled"}'
    )
    ended = json.loads(event_line(Ended(EndedBy.EDGE, None, 480, "RingTimeout", "S65", 32011), SID, 0))
    assert ended["at"] == "1970-01-01T00:00:00.000Z"
    assert ended.keys() - {"schema", "event", "at", "callSid"} == {
        "endedBy",
        "sipStatus",
        "reason",
        "rule",
        "errorCode",
    }


@pytest.mark.parametrize(
    ("uri", "shown"),
    (
        ("sip:desk:secret@pbx.example:5070;user=phone", "sip:desk@pbx.example:5070;user=phone"),
        ("sips:desk:se:cret@pbx.example", "sips:desk@pbx.example"),
        ("SIP:desk:secret@pbx.example", "SIP:desk@pbx.example"),
        ("sip:+14155550100@192.0.2.1:5060", "sip:+14155550100@192.0.2.1:5060"),
        ("sip:[2001:db8::1]:5060", "sip:[2001:db8::1]:5060"),
    ),
)
def test_no_password_of_a_uri_is_told(uri: str, shown: str) -> None:
    """A redirect may bring one."""
    assert uri_without_password(uri) == shown


_OF_BEGUN = len(fields(Begun))


@given(texts, options, st.integers(0, 10**6), options, texts)
def test_a_failed_attempt_that_was_packed_is_the_same_line(
    target: str, carrier: str | None, milliseconds: int, redirected_to: str | None, sid: str
) -> None:
    made = AttemptFailed(
        target, "sip:a@b", "udp:192.0.2.1:5060", "response", milliseconds, 503, carrier, None, redirected_to
    )
    assert line_of_packed(pack_event(made, sid, 1.5)) == event_line(made, sid, 1.5)


@given(st.lists(options, min_size=_OF_BEGUN, max_size=_OF_BEGUN).map(tuple), texts)
def test_a_begun_that_was_packed_is_the_same_line(values: tuple[str | None, ...], sid: str) -> None:
    made = Begun(*values)  # type: ignore[arg-type]
    assert line_of_packed(pack("begun", values, sid, 1.5)) == event_line(made, sid, 1.5)


_NUMBERS = st.from_regex(r"\+[1-9][0-9]{8,14}", fullmatch=True)
_IDS = st.from_regex(r"[ !#-\[\]-~]{1,255}", fullmatch=True) | texts


@given(
    st.lists(options, min_size=_OF_BEGUN, max_size=_OF_BEGUN),
    st.lists(st.tuples(_NUMBERS, _NUMBERS, _IDS, st.integers(0, 2**40)), min_size=2, max_size=2),
)
def test_a_line_from_a_frame_is_that_of_the_same_begun(
    others: list[str | None], calls: list[tuple[str, str, str, int]]
) -> None:
    """Whatever the frame's own call has had in its place."""
    first, second = (_begun_of(others, call) for call in calls)
    frame, (calling, called, call_id, sequence) = frame_of_begun(tuple(vars(first).values())), calls[1]
    if frame is None:
        assert len(event_line(first, SID, 1.5)) > 1_000
        return
    line = begun_line(frame, SID, 1.5, calling, called, call_id, sequence)
    assert line in (None, event_line(second, SID, 1.5))


def _begun_of(others: list[str | None], call: tuple[str, str, str, int]) -> Begun:
    calling, called, call_id, sequence = call
    made = Begun(*others)  # type: ignore[arg-type]
    return replace(made, from_=calling, to=called, sip_call_id=call_id, table_sequence=sequence)
