"""The file of call events of an edge: a line may be half written when it is read, and comes when it comes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from sipedge.calls.book import CallBook
from sipedge.calls.record import Record
from support.edge import Edge
from support.patience import until

Event = dict[str, Any]


def whole_lines(file: Path) -> list[str]:
    """The lines of a file that are whole; none if there is no file yet."""
    return file.read_text().rpartition("\n")[0].splitlines() if file.exists() else []


def events(edge: Edge) -> list[Event]:
    """All that are there."""
    return [json.loads(line) for line in whole_lines(edge.settings.events_file)]


def events_of_sid(edge: Edge, sid: str) -> list[Event]:
    """Those of the call with this id that are there."""
    return [each for each in events(edge) if each.get("callSid") == sid]


def events_of_caller(edge: Edge, call_id: str) -> list[Event]:
    """Those of the calls whose caller has this Call-ID."""
    told = [each for each in events(edge) if "callSid" in each]  # `started` and `left` are of no call
    sids = {each["callSid"] for each in told if each.get("sipCallId") == call_id}
    return [each for each in told if each["callSid"] in sids]


def is_over(told: list[Event]) -> bool:
    """True if these events of a call tell its end."""
    return any(each["event"] in ("ended", "refused") for each in told)


def all_events_of_sid(edge: Edge, sid: str) -> list[Event]:
    """The events of a call, once its end is told."""
    until(lambda: is_over(events_of_sid(edge, sid)), f"the end of {sid} is told")
    return events_of_sid(edge, sid)


def all_events_of_caller(edge: Edge, call_id: str) -> list[Event]:
    """The events of the call whose caller has this Call-ID, once its end is told."""
    until(lambda: is_over(events_of_caller(edge, call_id)), f"the end of {call_id} is told")
    return events_of_caller(edge, call_id)


def records_of_caller(edge: Edge, call_id: str) -> list[Record]:
    """The records that the events come to, as the agent would write them, of the calls with this Call-ID."""
    book = CallBook()
    lines = whole_lines(edge.settings.events_file)
    return [record for line in lines for record in book.note(line) if record.sip_call_id == call_id]
