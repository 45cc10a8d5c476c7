"""Which status every object should have, and when it is due to be stored. One book for all shells.

The shells tell it what changed (`see`, `judge`, `publish`, `tell`, `hear`) and store what is `due`. It has
no clock: `now` is an argument, in seconds of any monotonic clock. What a change does not concern is not
looked at.

At most two writes for an object and generation: the outcome, and `Pending` if that takes more than 2 s. A
changed number count alone is written at most once in 10 s. What is stored already is never written. Each
namespace has its turn, so that ten thousand due statuses of one delay no other's.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Final, Protocol, TypeVar

from trunkline.api import ObjectRef
from trunkline.compiler import Verdict
from trunkline.status.conditions import Opinion
from trunkline.status.programmed import EdgeReport
from trunkline.status.rarities import QUIET_SECONDS, Rarities
from trunkline.status.report import Status, folded, opinions_of, own_reports
from trunkline.status.stored import StoredStatus, difference, says_the_same
from trunkline.status.turns import NEVER, Calendar, Turns
from trunkline.status.waits import Requirement, Waits, requirement

PENDING_SECONDS: Final = 2.0
LOOKS: Final = 1000
"""How many objects one call of `due` looks at."""
_REMEMBERED: Final = 4096

_Key = TypeVar("_Key")

Identity = tuple[str, int]
"""Which version of which object's spec: uid and generation. A new object of an old name is another one."""
Facts = Mapping[str, Any]


class Seen(Protocol):
    """An object as it is stored, which a shell saw."""

    @property
    def ref(self) -> ObjectRef: ...

    @property
    def identity(self) -> Identity: ...

    @property
    def stored(self) -> StoredStatus: ...

    @property
    def is_ending(self) -> bool:
        """It is being deleted: its status is nobody's concern."""


@dataclass(frozen=True, slots=True)
class Judged:
    """What one compilation and its publication say of the objects that it changed; of all after a start."""

    identities: Mapping[ObjectRef, Identity | None]
    """The version of each changed object that was compiled; None = it is gone, or ending."""
    verdicts: Mapping[ObjectRef, tuple[Verdict, ...]]
    facts: Mapping[ObjectRef, Facts | None]
    sequences: Mapping[str, int]
    """Edge -> the sequence that contains all of this."""
    last_row: Mapping[ObjectRef, Mapping[str, int]] = field(default_factory=dict)
    """Of an object of which rows were waiting, edge -> the sequence with the last of them."""
    accounts: Mapping[ObjectRef, str] = field(default_factory=dict)
    """Object -> the account whose edges alone serve it, for those that not all edges serve."""
    account_edges: Mapping[str, frozenset[str] | None] = field(default_factory=dict)
    """Account -> the edges that serve it, where that changed; None = all."""
    moved: Mapping[ObjectRef, str] = field(default_factory=dict)
    """Object -> its account, of those that may have another one than before."""


@dataclass(frozen=True, slots=True)
class Due:
    """A status to store. To be answered by `wrote` or `failed`."""

    seen: Any
    """The `Seen` that it replaces."""
    status: Status
    patch: Mapping[str, Any]
    """The merge patch of `status` (RFC 7396)."""

    def dropped(self, stored: Mapping[str, Any]) -> frozenset[str]:
        """The fields that are not in what was stored: its CRD does not know them."""
        given = (name for name, value in self.patch.items() if value is not None)
        return frozenset(name for name in given if name not in stored)


@dataclass(slots=True)
class _Waiting:
    """What an object waits for, and since when."""

    required: Requirement
    since: float
    is_anew: bool = False
    """Other edges serve it than those whose word its status tells."""


@dataclass(slots=True)
class _Entry:
    """One object. At rest it is its `Seen` and what it shares with others."""

    seen: Seen | None = None
    identity: Identity | None = None
    """What was compiled; what is said here is said of that version alone."""
    opinions: tuple[Opinion, ...] = ()
    facts: Facts | None = None
    account: str | None = None
    """Whose edges alone serve it; None = all do."""
    waiting: _Waiting | None = None
    """None: its status is stored, and no word of an edge can change it for this generation."""


class StatusBook:
    """Says of each object which status is to be stored next."""

    def __init__(self) -> None:
        self._entries: dict[ObjectRef, _Entry] = {}
        self._told: tuple[Mapping[ObjectRef, tuple[Opinion, ...]], Mapping[ObjectRef, Facts]] = ({}, {})
        self._newest: Mapping[str, int] = {}
        self._waits = Waits()
        self._turns = Turns()
        self._calendar = Calendar()
        self._taken: dict[ObjectRef, bool] = {}
        """What is being stored, and whether it was seen anew meanwhile."""
        self._rarities = Rarities()

    # ------------------------------------------------------------------------------------ what happened

    def see(self, objects: Iterable[Seen]) -> None:
        """These are new, or stored otherwise than before: by a user, or by an answer to a write."""
        for seen in objects:
            entry = self._entries.get(seen.ref)
            if entry is None:
                entry = self._entries[seen.ref] = _Entry()
            before, entry.seen = entry.seen, seen
            self._rarities.held.pop(seen.ref, None)
            if seen.ref in self._taken:
                self._taken[seen.ref] = True
            settled = entry.waiting is None and seen.ref not in self._calendar
            if before is None or not settled or _places(before) != _places(seen):
                self._turns.add(seen.ref)

    def gone(self, refs: Iterable[ObjectRef]) -> None:
        """These are not stored any more.

        What was said of them holds until `judge` says otherwise: one that is made again as it was changes no
        verdict.
        """
        for ref in refs:
            entry = self._entries.get(ref)
            if entry is not None:
                entry.seen = None
                if entry.identity is None:
                    del self._entries[ref]
            self._rarities.forget(ref)
            self._calendar.drop(ref)

    def judge(self, judged: Judged, now: float) -> None:
        """A compilation was published, or is to be.

        An object that came, or came again under an old name, after it was compiled waits for the next: what
        is published says nothing of it.
        """
        self._newest = judged.sequences
        if moved := self._waits.otherwise(judged.account_edges):
            self._look_soon(self._waits.serve(judged.account_edges))
            for ref, entry in self._entries.items():
                if entry.account in moved:
                    self._wait_anew(ref, entry, judged.last_row.get(ref, self._newest), now)
        for ref in {**judged.identities, **judged.verdicts, **judged.facts}:
            self._judge(ref, judged, now)
        for ref, account in judged.moved.items():
            self._move(ref, account, judged.last_row.get(ref, self._newest), now)

    def _judge(self, ref: ObjectRef, judged: Judged, now: float) -> None:
        entry = self._entries.get(ref) or _Entry()
        identity = judged.identities.get(ref, entry.identity)
        if identity is None:
            self._forget_judgement(ref, entry)
            return
        self._entries[ref] = entry
        facts, opinions = judged.facts.get(ref, entry.facts), entry.opinions
        if ref in judged.verdicts:
            opinions = _shared(opinions_of(judged.verdicts[ref]))
        if (identity, opinions) != (entry.identity, entry.opinions):
            entry.account = judged.accounts.get(ref)
            sequences = judged.last_row.get(ref, self._newest)
            self._begin(ref, entry, identity, requirement(sequences, entry.account), now)
            entry.opinions = opinions
            self._turns.add(ref)
        if facts != entry.facts:
            entry.facts = facts
            self._turns.add(ref)

    def _move(self, ref: ObjectRef, account: str, sequences: Mapping[str, int], now: float) -> None:
        """Its rows are of this account now: the edges that serve this one must say that they have them."""
        entry = self._entries.get(ref)
        if entry is not None and entry.identity is not None and entry.account != account:
            entry.account = account
            self._wait_for(ref, entry, sequences)
            self._wait_anew(ref, entry, sequences, now)

    def _wait_anew(self, ref: ObjectRef, entry: _Entry, sequences: Mapping[str, int], now: float) -> None:
        """Its status tells the word of edges that were others than those that serve it now."""
        if entry.identity is not None:
            if entry.waiting is None:
                self._begin(ref, entry, entry.identity, requirement(sequences, entry.account), now)
            if entry.waiting is not None:
                entry.waiting.is_anew = True
            self._turns.add(ref)

    def _wait_for(self, ref: ObjectRef, entry: _Entry, sequences: Mapping[str, int]) -> None:
        """These are what it waits for, if it waits."""
        if entry.waiting is not None:
            self._waits.leave(ref, entry.waiting.required)
            entry.waiting.required = requirement(sequences, entry.account)
            self._waits.join(ref, entry.waiting.required)
            self._turns.add(ref)

    def _forget_judgement(self, ref: ObjectRef, entry: _Entry) -> None:
        self._settle(ref, entry)
        entry.identity, entry.opinions, entry.facts = None, (), None
        if entry.seen is None:
            self._entries.pop(ref, None)

    def publish(self, sequences: Mapping[str, int], last_row: Mapping[ObjectRef, Mapping[str, int]]) -> None:
        """Rows that waited were published; nothing new was compiled."""
        self._newest = sequences
        for ref, last in last_row.items():
            if (entry := self._entries.get(ref)) is not None:
                self._wait_for(ref, entry, last)

    def tell(
        self, opinions: Mapping[ObjectRef, tuple[Opinion, ...]], facts: Mapping[ObjectRef, Facts]
    ) -> None:
        """All that the shell says itself: facts, and conditions that win over verdicts of their type."""
        before, self._told = self._told, (opinions, facts)
        for old, new in zip(before, self._told, strict=True):
            self._look_soon(_changed(old, new))

    def hear(self, edges: Sequence[EdgeReport]) -> None:
        """Take note of the edges' word: only what waits for it is looked at again, and these Edges."""
        if tuple(edges) == self._waits.edges:
            return
        before, now = ({each.edge: each for each in told} for told in (self._waits.edges, edges))
        self._look_soon(ObjectRef("Edge", None, name) for name in _changed(before, now))
        self._look_soon(self._waits.hear(edges))

    def wrote(self, due: Due, stored: Mapping[str, Any], now: float) -> None:
        """It is stored and reads `stored` now, which `see` was told before."""
        ref = due.seen.ref
        self._taken.pop(ref, None)
        if ref in self._entries:
            self._rarities.wrote(ref, due.patch, stored, now)
            self._turns.add(ref)

    def failed(self, due: Due, again: float = -NEVER) -> None:
        """The status was not stored. It is not tried again before `again`, but for an object seen anew."""
        ref = due.seen.ref
        is_new = self._taken.pop(ref, False)
        if ref in self._entries:
            if not is_new:
                self._rarities.held[ref] = again
            self._turns.add(ref)

    def _look_soon(self, refs: Iterable[ObjectRef]) -> None:
        for ref in refs:
            self._turns.add(ref)

    # -------------------------------------------------------------------------------------- what is due

    def due(self, now: float, clock: str, most: int = LOOKS) -> list[Due]:
        """At most `most` statuses to store now, in turn by namespace. `clock` is RFC 3339, UTC.

        What it gave is not given again before it was answered. If `next_look` is not in the future, there may
        be more: one call looks at few objects, so that others have their turn meanwhile.
        """
        self._look_soon(self._calendar.come(now))
        looks = (self._look(ref, now, clock) for ref in self._turns.take(LOOKS))
        return list(itertools.islice((due for due in looks if due is not None), most))

    def next_look(self) -> float | None:
        """When `due` may have something to give: -inf = now, None = not before something happens."""
        return float("-inf") if self._turns else self._calendar.next

    def _look(self, ref: ObjectRef, now: float, clock: str) -> Due | None:
        entry = self._entries.get(ref)
        if entry is None or entry.seen is None or ref in self._taken:
            # What is being stored is looked at again by `wrote` and `failed`.
            return None
        if entry.seen.is_ending or entry.seen.identity != entry.identity:
            return None
        self._calendar.drop(ref)
        if (held := self._rarities.held.get(ref, now)) > now:
            self._calendar.enter(ref, held)
            return None
        status = self._status(ref, entry, entry.seen, clock)
        if entry.waiting is None and not _is_final(ref, status):
            # Somebody took its status away, or it is accepted after all.
            self._begin(ref, entry, entry.identity, requirement(self._newest, entry.account), now)
        patch = difference(entry.seen.stored, status.to_dict(), self._rarities.odd.get(ref, {}))
        if not patch:
            if _is_final(ref, status):
                self._settle(ref, entry)
            return None
        moment = self._moment(ref, entry, status, patch)
        if moment > now:
            self._calendar.enter(ref, moment)
            return None
        self._taken[ref] = False
        return Due(entry.seen, status, patch)

    def _status(self, ref: ObjectRef, entry: _Entry, seen: Seen, clock: str) -> Status:
        # Where nothing is waited for the status says so already, unless somebody took it away.
        required = entry.waiting.required if entry.waiting else requirement(self._newest, entry.account)
        outcome, own = self._waits.outcome(ref, required), own_reports(ref, self._waits.edges)
        told, facts = self._told[0].get(ref, ()), self._told[1].get(ref, {})
        said, known = (*entry.opinions, *told), {**(entry.facts or {}), **facts}
        keeps = not (entry.waiting and entry.waiting.is_anew)
        return folded(
            ref,
            seen.identity[1],
            said,
            known,
            outcome,
            own,
            seen.stored.status,
            clock,
            keeps_programmed=keeps,
        )

    def _moment(self, ref: ObjectRef, entry: _Entry, status: Status, patch: Mapping[str, Any]) -> float:
        """From when on a patch may be stored."""
        programmed, stored = status.condition("Programmed"), entry.seen.stored if entry.seen else None
        is_pending = programmed is not None and programmed.status == "Unknown"
        news = set(patch)
        if is_pending and stored is not None and says_the_same(status, stored):
            # Who is waited for changes with each acknowledgement; that it waits is told once.
            news.discard("conditions")
        if not news:
            return NEVER
        if len(news) == 1 and (name := next(iter(news))) in QUIET_SECONDS:
            return self._rarities.counted.get(ref, -NEVER) + QUIET_SECONDS[name]
        return entry.waiting.since + PENDING_SECONDS if is_pending and entry.waiting else -NEVER

    def _begin(
        self, ref: ObjectRef, entry: _Entry, identity: Identity, required: Requirement, now: float
    ) -> None:
        """What is said of an object is new: it waits for the edges."""
        before = entry.waiting if entry.identity == identity else None
        self._settle(ref, entry)
        entry.identity, entry.waiting = identity, _Waiting(required, now)
        if before is not None:
            entry.waiting.since, entry.waiting.is_anew = before.since, before.is_anew
        self._waits.join(ref, required)

    def _settle(self, ref: ObjectRef, entry: _Entry) -> None:
        if entry.waiting is not None:
            self._waits.leave(ref, entry.waiting.required)
            entry.waiting = None


def _changed(before: Mapping[_Key, Any], now: Mapping[_Key, Any]) -> Iterator[_Key]:
    """The keys of two mappings that do not mean the same in both."""
    return (key for key in before.keys() | now.keys() if before.get(key) != now.get(key))


def _places(seen: Seen) -> tuple[Any, ...]:
    return seen.identity, seen.is_ending, seen.stored


def _is_final(ref: ObjectRef, status: Status) -> bool:
    """True if no word of an edge can change the status of this generation any more. An Edge's can always."""
    if ref.kind == "Edge":
        return False
    programmed, accepted = status.condition("Programmed"), status.condition("Accepted")
    refused = accepted is not None and accepted.status == "False"
    return refused or (programmed is not None and programmed.status == "True")


@lru_cache(_REMEMBERED)
def _shared(opinions: tuple[Opinion, ...]) -> tuple[Opinion, ...]:
    """Thousands of objects are told the same: they share it."""
    return opinions
