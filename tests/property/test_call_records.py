"""One record per attempt to set up a call, however lines are mixed, cut and repeated, and who is killed."""

from __future__ import annotations

import asyncio
import json
import tempfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from sipedge.agent.book_file import BookFile
from sipedge.agent.call_keeper import CallKeeper
from sipedge.agent.faults import Faults
from sipedge.calls.book import CallBook
from sipedge.calls.events import (
    Answered,
    AttemptFailed,
    Begun,
    Ended,
    EndedBy,
    Event,
    Recorded,
    Refused,
    Ringing,
    Started,
    event_line,
)
from sipedge.calls.record import EndReason, Record
from sipedge.event_file import LineFile
from sipedge.instance import InstanceSettings, Ports

BEGUN = Begun(
    "termination", "acme/hq", None, "acme", None, "+14155550100", "+12125550199", "ashburn", "192.0.2.1",
    "203.0.113.5", "udp", "abc@pbx", max_duration_seconds=3600,
)  # fmt: skip
REFUSED = Refused(**vars(BEGUN), sip_status=403, reason="CallerIdNotAllowed")
FAILED = AttemptFailed("telco", "sip:1@192.0.2.8", "udp:192.0.2.8:5060", "response", 10, 486)
RINGS, UP = Ringing("telco", "udp:192.0.2.9:5060"), Answered("telco", "udp:192.0.2.9:5060")
OVER = Ended(EndedBy.CALLER, "normal")
RECORDED = Recorded("RecordFromAnswer", False, "CA1.0", "30000 0=PCMU/8000", "30002 0=PCMU/8000")

ends: st.SearchStrategy[list[Event]] = st.sampled_from(
    [
        [REFUSED],
        [BEGUN, FAILED, Ended(EndedBy.CALLEE, sip_status=486)],
        [BEGUN, RINGS, Ended(EndedBy.CALLER, sip_status=487)],
        [BEGUN, FAILED, RINGS, UP, OVER],
        [BEGUN, UP, Ended(EndedBy.EDGE, "requested")],
        [BEGUN, UP, RECORDED, OVER],
        [BEGUN, UP, RECORDED],
        [BEGUN, UP],
        [BEGUN],
    ]
)
"""The events of one call in the order in which they happen; of some the end is still to come."""


def line_of(event: Event, sid: str, at: float) -> str:
    return event_line(event, sid, 1_700_000_000 + at)


@st.composite
def files(draw: st.DrawFn) -> list[tuple[str, str]]:
    """Lines of several calls as they may stand in a file: each with its call, each call's in their order."""
    calls = {f"CA{number:032x}": draw(ends) for number in range(draw(st.integers(1, 6)))}
    turns = draw(st.permutations([sid for sid, events in calls.items() for _ in events]))
    left = {sid: iter(events) for sid, events in calls.items()}
    return [(sid, line_of(next(left[sid]), sid, place)) for place, sid in enumerate(turns)]


def alone(sid: str, lines: Sequence[tuple[str, str]]) -> list[Record]:
    """What the lines of one call come to by themselves."""
    book = CallBook()
    found = [record for each, line in lines if each == sid for record in book.note(line)]
    return found + book.lose(EndReason.CRASH)


@given(files(), st.data())
def test_calls_that_are_mixed_and_repeated_leave_what_each_leaves_alone(
    lines: list[tuple[str, str]], data: st.DataObject
) -> None:
    """A line may come again at any later time, also after its call's end."""
    told: list[str] = []
    for _, line in lines:
        told.append(line)
        if data.draw(st.booleans()):
            told.append(data.draw(st.sampled_from(told)))
    book = CallBook()
    found = [record for line in told for record in book.note(line)]
    found += book.lose(EndReason.CRASH)
    expected = [record for sid in {each for each, _ in lines} for record in alone(sid, lines)]
    assert sorted(map(Record.to_line, found)) == sorted(map(Record.to_line, expected))


@given(files(), st.data())
def test_cut_lines_cost_what_they_say_and_no_more(lines: list[tuple[str, str]], data: st.DataObject) -> None:
    """A call whose beginning is whole has one record; nothing raises."""
    book, whole, found = CallBook(), set(), []
    for sid, line in lines:
        is_first = '"begun"' in line or '"refused"' in line
        if data.draw(st.booleans()):
            line = line[: data.draw(st.integers(0, len(line) - 1))]
        elif is_first:
            whole.add(sid)
        found += book.note(line)
    found += book.lose(EndReason.CRASH)
    assert Counter(record.call_sid for record in found) == Counter(whole)


@given(files(), st.data())
def test_in_any_order_no_call_has_two_records(lines: list[tuple[str, str]], data: st.DataObject) -> None:
    """Also where Kamailio begins anew between any of them."""
    mixed = data.draw(st.permutations([line for _, line in lines]))
    started = event_line(Started("ashburn", "192.0.2.1"), "", 0)
    book, found = CallBook(), []
    for line in mixed:
        if data.draw(st.booleans()):
            found += book.note(started)
        found += book.note(line)
    found += book.lose(EndReason.CRASH)
    assert Counter(each.call_sid for each in found) == Counter({sid for sid, _ in lines})


@given(st.binary(max_size=300) | st.text(max_size=300) | st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: st.dictionaries(
        st.sampled_from(["event", "callSid", "at", "schema", "endReason", "sipStatus", "milliseconds"])
        | st.text(max_size=5),
        inner | st.sampled_from(["begun", "ended", "answered", "refused", "attemptFailed"]),
    ),
).map(json.dumps))  # fmt: skip
def test_any_line_is_taken_and_any_record_can_be_read_again(line: str | bytes) -> None:
    book = CallBook()
    for record in [*book.note(line), *book.lose(EndReason.CRASH)]:
        assert Record.from_line(record.to_line()) == record
    if isinstance(line, str):
        Record.from_line(line)


@given(files())
def test_a_book_that_was_put_down_goes_on_as_if_it_had_not(lines: list[tuple[str, str]]) -> None:
    """At any line."""
    for place in range(len(lines)):
        one, other = CallBook(), CallBook()
        found = [record for _, line in lines[:place] for record in one.note(line)]
        other = CallBook.of_lines(list(one.to_lines()))
        rest = [record for _, line in lines[place:] for record in other.note(line)]
        whole = CallBook()
        assert found + rest == [record for _, line in lines for record in whole.note(line)]


class KilledError(BaseException):
    """The agent is gone at this very moment."""


class KilledFile(LineFile):
    """Ends its process before a write, after it, or in the middle of it."""

    def __init__(self, path: Path, when: str) -> None:
        super().__init__(path)
        self._file, self._when = path, when

    def append(self, lines: Sequence[str]) -> None:
        if self._when == "after":
            super().append(lines)
        if self._when == "within":
            text = "".join(f"{line}\n" for line in lines)
            with self._file.open("a") as file:
                file.write(text[: len(text) * 2 // 3])
        raise KilledError


@settings(max_examples=60)
@given(st.lists(files(), min_size=1, max_size=4), st.data())
def test_an_agent_that_is_killed_anywhere_writes_each_record_once(
    batches: list[list[tuple[str, str]]], data: st.DataObject
) -> None:
    """Before, in, or after the writing of records, with or without its book put down; events are rotated.

    And each recorded call has its job.
    """
    with tempfile.TemporaryDirectory() as directory:
        place = instance(Path(directory))
        events = LineFile(place.events_file, file_bytes=3_000)
        jobs: set[str] = set()
        keeper = fresh(place, jobs)
        sids: set[str] = set()
        for number, batch in enumerate(batches):
            lines = [
                (f"{sid[:-2]}{number:02}", line.replace(sid, f"{sid[:-2]}{number:02}")) for sid, line in batch
            ]
            sids |= {sid for sid, _ in lines}
            events.append([line for _, line in lines])
            when = data.draw(st.sampled_from(["never", "before", "within", "after"]))
            keeper = step(keeper, place, when, jobs, saved=data.draw(st.booleans()))
        asyncio.run(ended(fresh(place, jobs)))
        text = place.records_file.read_text().splitlines() if place.records_file.exists() else []
        records = [record for line in text if (record := Record.from_line(line))]
        assert Counter(record.call_sid for record in records) == Counter(sids)
        assert jobs == {record.call_sid for record in records if record.recording is not None}


def instance(directory: Path) -> InstanceSettings:
    return InstanceSettings(
        edge="ashburn", address="192.0.2.1", ports=Ports(), directory=directory, source=directory,
        edge_secret_file=directory / "x", kamailio_dir=directory, python_path=directory,
    )  # fmt: skip


def fresh(place: InstanceSettings, jobs: set[str] | None = None) -> CallKeeper:
    """An agent's keeper as it begins; `jobs` has the calls that it told the recorder of."""
    kept = set() if jobs is None else jobs
    return CallKeeper(place, Faults(), on_job=lambda job: kept.add(job.call_sid))


def step(
    keeper: CallKeeper, place: InstanceSettings, when: str, jobs: set[str], *, saved: bool
) -> CallKeeper:
    """What goes on: the same, or one that was started after a kill."""
    inside: Any = keeper
    inside._memory._save_at = 0.0 if saved else float("inf")
    if when == "never":
        asyncio.run(keeper.step())
        return keeper
    inside._file = KilledFile(place.records_file, when)
    try:
        asyncio.run(keeper.step())
    except KilledError:
        pass
    return fresh(place, jobs)


async def ended(keeper: CallKeeper) -> None:
    while await keeper.step():
        pass
    keeper._waiting += keeper.book.lose(EndReason.DRAIN)  # as `end` does, after a while
    await keeper.step()


def test_the_file_of_a_book_that_is_not_whole_is_none(tmp_path: Path) -> None:
    """All is read anew then; what was written before is not written again."""
    place = instance(tmp_path)
    LineFile(place.events_file).append([line_of(event, "CA1", 0) for event in (BEGUN, UP, OVER)])
    asyncio.run(ended(fresh(place)))
    for text in ("", "[", '[["a",1],["b",2]]\n', '[["a",1],["b"]]\nwhole\n', "7\nwhole\n"):
        place.call_book_file.write_text(text)
        assert BookFile(place).begin(None)[0].position.file == ""
        asyncio.run(ended(fresh(place)))
    assert len(place.records_file.read_text().splitlines()) == 1
