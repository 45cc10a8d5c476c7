"""The fold from event lines to calls in progress and finished records. Pure: time is what the lines say.

Lines come in the order in which they were written. One that was cut or told twice is passed over, so that a
reader that does not know how far it had come may begin earlier: a call has one record, whatever is repeated.
"""

from __future__ import annotations

import json
from collections import OrderedDict
from collections.abc import Container, Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from sipedge.calls.events import LONGEST_LINE, RELAYED
from sipedge.calls.record import EndReason, Record, seconds_of
from sipedge.calls.recorded import MOST_RECORDED, job_of
from sipedge.calls.told import Line, Told, record_of
from sipedge.recording.job import Job
from sipedge.values import json_writer

REMEMBERED: Final = 20_000
"""Calls that are over whose ids are kept, so that what is told of them once more makes no second record."""
SETUP_SECONDS: Final = 600
"""Longer than any call is being set up."""
DEFAULT_MAX_SECONDS: Final = 86_400
_encode = json_writer(ascii_only=False)


@dataclass(slots=True)
class Passed:
    """How many lines were passed over, since the book was begun."""

    unreadable: int = 0
    """Cut, or of no known event."""
    stray: int = 0
    """Of a call whose beginning was never told: there was no room for it."""
    repeated: int = 0


@dataclass(frozen=True, slots=True)
class OpenCall:
    """A call in progress."""

    record: Record
    """So far: without result and end."""
    ends: float
    """When it is over at the latest, seconds since the epoch."""
    is_lost: bool = False
    """True: it was up when Kamailio was lost, and may go on by its token; its record was written then."""


@dataclass(slots=True)
class CallBook:
    """What an instance's events have told. `pod` is written into its records."""

    pod: str | None = None
    passed: Passed = field(default_factory=Passed)
    jobs: list[Job] = field(default_factory=list)
    """Of the recorded calls whose records are finished; who carries them out empties it."""
    _open: dict[str, Told] = field(default_factory=dict)
    _lost: dict[str, Told] = field(default_factory=dict)
    _over: OrderedDict[str, None] = field(default_factory=OrderedDict)
    _most_over: int = REMEMBERED

    def note(self, line: str | bytes) -> list[Record]:
        """Take one event; the records that are finished by it, as a rule none or one."""
        said = _object(line)
        event, sid = said.get("event"), said.get("callSid")
        if event == "started":
            return self.lose(EndReason.CRASH)
        if event == "left":
            self._forget_lost(said)
            return []
        if not isinstance(sid, str) or not isinstance(said.get("at"), str) or event not in _EVENTS:
            self.passed.unreadable += 1
            return []
        if sid in self._over:
            self.passed.repeated += 1
            return []
        if event in ("begun", "refused"):
            return self._begin(sid, said)
        told = self._open.get(sid)
        if told is None:
            self.passed.stray += 1
            return []
        self._add(told, str(event), said)
        return self._finish(sid) if told.ended is not None else []

    def lose(self, reason: EndReason) -> list[Record]:
        """The records of all calls in progress: nobody will see how they end."""
        finished = []
        for sid, told in list(self._open.items()):
            if told.is_up():
                self._lost[sid] = told
            finished += self._finish(sid, reason)
        return finished

    def expire(self, now: float) -> list[Record]:
        """The records of calls that must be over by `now`: their end was told where nobody could hear it."""
        for sid in [sid for sid, told in self._lost.items() if _ends(told) < now]:
            del self._lost[sid]
        finished = []
        for sid in [sid for sid, told in self._open.items() if _ends(told) < now]:
            finished += self._finish(sid, EndReason.CRASH)
        return finished

    def calls(self) -> Iterator[OpenCall]:
        """Calls in progress; those that Kamailio has lost, which may still be up, come last."""
        for told in list(self._open.values()):
            yield OpenCall(record_of(told, self.pod), _ends(told))
        yield from self.lost_calls()

    def call(self, sid: str) -> OpenCall | None:
        """The call in progress with this id; None if there is none that Kamailio still has."""
        told = self._open.get(sid)
        return None if told is None else OpenCall(record_of(told, self.pod), _ends(told))

    def calls_of(self, accounts: Container[str]) -> Iterator[OpenCall]:
        """Those of `calls` that belong to these accounts."""
        for calls, is_lost in ((self._open, False), (self._lost, True)):
            for told in list(calls.values()):
                if told.begun.get("account") in accounts:
                    yield OpenCall(record_of(told, self.pod), _ends(told), is_lost)

    def lost_calls(self) -> Iterator[OpenCall]:
        """Those of `calls` that Kamailio has lost."""
        for told in list(self._lost.values()):
            yield OpenCall(record_of(told, self.pod), _ends(told), is_lost=True)

    def skip(self, sids: Iterator[str] | list[str]) -> None:
        """These calls have their records: an earlier reader of the same lines has written them."""
        for sid in sids:
            self._open.pop(sid, None)
            self._over[sid] = None
        self._most_over = max(REMEMBERED, len(self._over) + REMEMBERED)

    def to_lines(self) -> Iterator[str]:
        """What a book with the same calls is made of by `of_lines`; it knows of none that is over."""
        for calls, name in ((self._open, "open"), (self._lost, "lost")):
            for told in list(calls.values()):
                yield _encode({name: told.lines()})

    @staticmethod
    def of_lines(lines: Iterator[str] | list[str], pod: str | None = None) -> CallBook:
        """The book of `to_lines`; what is no line of it is passed over."""
        book = CallBook(pod)
        for line in lines:
            said = _object(line)
            for name, calls in (("open", book._open), ("lost", book._lost)):
                events = said.get(name)
                if isinstance(events, list) and events and isinstance(events[0], dict):
                    told = Told(events[0])
                    for each in events[1:]:
                        book._add(told, str(each.get("event")), each)
                    calls[str(events[0].get("callSid"))] = told
        return book

    def _begin(self, sid: str, said: Line) -> list[Record]:
        if sid in self._open:
            self.passed.repeated += 1
            return []
        self._open[sid] = Told(said)
        return self._finish(sid) if said["event"] == "refused" else []

    def _add(self, told: Told, event: str, said: Line) -> None:
        if event == "attemptFailed":
            if said in told.failed:
                self.passed.repeated += 1
            else:
                told.failed.append(said)
        elif event == "recorded":
            if said in told.recorded or len(told.recorded) >= MOST_RECORDED:
                self.passed.repeated += 1
            else:
                told.recorded.append(said)
        elif event in ("ringing", "answered", "measured", "ended"):
            if getattr(told, event) is None:
                setattr(told, event, said)
            else:
                self.passed.repeated += 1

    def _finish(self, sid: str, lost: EndReason | None = None) -> list[Record]:
        told = self._open.pop(sid)
        self._remember(sid)
        # The edge that relays a call has its record: one attempt to set up a call has one.
        if told.begun.get("origin") == RELAYED:
            return []
        job = job_of(told)
        if job is not None:
            self.jobs.append(job)
        return [record_of(told, self.pod, lost)]

    def _remember(self, sid: str) -> None:
        self._over[sid] = None
        while len(self._over) > self._most_over:
            self._over.popitem(last=False)

    def _forget_lost(self, said: Line) -> None:
        call_id = said.get("sipCallId")
        for sid in [sid for sid, told in self._lost.items() if told.begun.get("sipCallId") == call_id]:
            del self._lost[sid]


_EVENTS: Final = frozenset(
    {"begun", "refused", "attemptFailed", "ringing", "answered", "recorded", "measured", "ended"}
)


def _object(line: str | bytes) -> dict[str, Any]:
    if len(line) > LONGEST_LINE * 64:
        return {}
    try:
        said = json.loads(line)
    except (ValueError, RecursionError):
        return {}
    return said if isinstance(said, dict) else {}


def _ends(told: Told) -> float:
    since = (told.answered or told.begun).get("at")
    longest = told.begun.get("maxDurationSeconds")
    try:
        start = seconds_of(str(since))
    except ValueError:
        return 0.0
    if told.answered is None:
        return start + SETUP_SECONDS
    # A little more: the end itself takes its time to be told.
    return start + (longest if isinstance(longest, int) else DEFAULT_MAX_SECONDS) + SETUP_SECONDS
