"""Tells a person what goes on, each thing once."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from trunkline.api import ObjectRef, Trunk
from trunkline.compiler import Verdict
from trunkline.standalone.announce import (
    Changes,
    Readiness,
    describe_transitions,
    describe_warnings,
    limited,
    took_effect,
)
from trunkline.standalone.load import Loaded
from trunkline.standalone.statuses import Transition
from trunkline.status.programmed import AddressReport, EdgeReport

PATIENCE_SECONDS: Final = 10.0
"""An address that never served may take so long to start before that is news."""

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class _Pending:
    changes: Changes
    began: float
    sequences: Mapping[str, int]
    published: bool


class Narrator:
    """Remembers what it has said, so that only news is told."""

    def __init__(self, say: Say) -> None:
        self._say = say
        self._problems: frozenset[str] = frozenset()
        self._warnings: frozenset[str] = frozenset()
        self._faults: dict[str, str] = {}
        self._down_since: dict[tuple[str, str], float] = {}
        self._told_down: dict[tuple[str, str], str] = {}
        self._told_ready: dict[ObjectRef, Readiness] = {}
        self._served: set[tuple[str, str]] = set()
        self._pending: list[_Pending] = []

    @property
    def waits(self) -> bool:
        """True while an edit is under way."""
        return bool(self._pending)

    @property
    def unready_trunks(self) -> int:
        """Of how many trunks it was said last that they are not ready."""
        return sum(ref.kind == Trunk.kind and told[0] == "False" for ref, told in self._told_ready.items())

    def say(self, line: str) -> None:
        self._say(line)

    def problems(self, loaded: Loaded) -> None:
        """The problems of the files that were not there before, and whether all are gone now."""
        now = {str(problem): problem.severity for problem in loaded.problems}
        for text, severity in now.items():
            if text not in self._problems:
                self._say(text if severity == "error" else f"{text} ({severity})")
        if self._problems and not now:
            self._say("the files have no problems any more")
        self._problems = frozenset(now)

    def warnings(self, verdicts: Iterable[Verdict], loaded: Loaded) -> None:
        """The compiler's warnings that were not there before."""
        now = describe_warnings(verdicts, loaded)
        for line in limited(line for line in now if line not in self._warnings):
            self._say(line)
        self._warnings = frozenset(now)

    def fault(self, topic: str, text: str) -> None:
        """What is wrong with `topic`; "" when it is well again."""
        if self._faults.get(topic, "") == text:
            return
        self._say(text or f"{topic}: well again")
        self._faults[topic] = text

    def edit(self, changes: Changes, began: float, sequences: Mapping[str, int], published: bool) -> None:
        """An edit was published; `arrived` tells when it is in force."""
        if changes:
            self._pending.append(_Pending(changes, began, sequences, published))

    def arrived(self, reports: Sequence[EdgeReport]) -> None:
        """Tell the edits that every address has acknowledged, but for those that are known to be down."""
        places = [(report.edge, address) for report in reports for address in report.addresses]
        serving = [(edge, each) for edge, each in places if (edge, each.address) not in self._told_down]
        for pending in list(self._pending):
            if all(
                address.ready and (address.revision or 0) >= pending.sequences.get(edge, 0)
                for edge, address in serving
            ):
                self._pending.remove(pending)
                seconds = time.monotonic() - pending.began
                for line in took_effect(pending.changes, len(serving), seconds, pending.published):
                    self._say(line)

    def addresses(self, reports: Sequence[EdgeReport]) -> None:
        """Addresses that went down or came back."""
        now = time.monotonic()
        for report in reports:
            for address in report.addresses:
                self._address((report.edge, address.address), address, now)
        places = {(report.edge, address.address) for report in reports for address in report.addresses}
        self._down_since = {place: since for place, since in self._down_since.items() if place in places}
        self._served &= places

    def _address(self, place: tuple[str, str], address: AddressReport, now: float) -> None:
        name = f"{place[0]} {place[1]}"
        if address.ready:
            since = self._down_since.pop(place, None)
            self._told_down.pop(place, None)
            if since is not None and place in self._served:
                self._say(f"{name}: serving again after {now - since:.1f} s")
            self._served.add(place)
            return
        since = self._down_since.setdefault(place, now)
        is_news = place in self._served or now - since > PATIENCE_SECONDS
        if is_news and address.error and self._told_down.get(place) != address.error:
            self._told_down[place] = address.error
            self._say(f"{name} does not serve: {address.error}")

    def transitions(self, transitions: Sequence[Transition], loaded: Loaded) -> None:
        """Objects that turned ready or not."""
        for line in describe_transitions(transitions, loaded, self._told_ready):
            self._say(line)
