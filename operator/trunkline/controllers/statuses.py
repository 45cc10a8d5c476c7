"""Which status every object should have, and when it is due to be written.

At most two writes for an object and generation: the outcome, and `Pending` if that takes more than 2 s. A
changed number count alone is written at most once in 10 s. What is stored already is never written.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from trunkline.api import ObjectRef
from trunkline.compiler import Verdict
from trunkline.controllers.store import Seen
from trunkline.status.conditions import Opinion
from trunkline.status.programmed import EdgeReport
from trunkline.status.report import Status, Subject, status_from, status_of

PENDING_SECONDS: Final = 2.0
COUNT_SECONDS: Final = 10.0


@dataclass(frozen=True, slots=True)
class Knowledge:
    """What one compilation and publication say of all objects."""

    verdicts: Mapping[ObjectRef, tuple[Verdict, ...]]
    facts: Mapping[ObjectRef, Mapping[str, Any]]
    sequences: Mapping[str, int]
    """Edge to the sequence that contains all of this."""
    identities: Mapping[ObjectRef, tuple[str, int]]
    """`Seen.identity` of each object that was compiled: what was seen later is not in any of this."""
    opinions: Mapping[ObjectRef, tuple[Opinion, ...]] = field(default_factory=dict)
    """Conditions that the compiler does not decide."""


@dataclass(frozen=True, slots=True)
class Due:
    """A status to write."""

    seen: Seen
    status: Status
    patch: Mapping[str, Any]
    """The merge patch of `status` (RFC 7396)."""


@dataclass(slots=True)
class _Subject:
    """One object, and what its status depends on."""

    identity: tuple[str, int]
    verdicts: tuple[Verdict, ...]
    required: Mapping[str, int]
    since: float
    """When this was first reported on, monotonic."""
    facts: Mapping[str, Any] = field(default_factory=dict)
    opinions: tuple[Opinion, ...] = ()
    wanted: Status | None = None
    """None = to be found out again."""
    due: Due | None = None
    """What is to be written, as found out for this very status and version."""
    stored: int = -1
    """The resource version of the object that has the wanted status already."""
    counted: float = float("-inf")
    """When its number count was last written, monotonic."""
    kept: dict[str, tuple[Any, Any]] = field(default_factory=dict)
    """Fields that the API server stores otherwise than written: what was written, and what it made of it."""


class StatusBook:
    """Remembers for each object from which sequence on the edges serve it."""

    def __init__(self) -> None:
        self._subjects: dict[ObjectRef, _Subject] = {}
        self._edges: Sequence[EdgeReport] = ()
        self.waits = False
        """True if `due` left out a status whose time is yet to come."""

    def learn(self, objects: Iterable[Seen], knowledge: Knowledge, now: float) -> None:
        """A compilation was published, or is to be. Every object is looked at again. `now` is monotonic.

        One that came, or came again under an old name, after it was compiled waits for the next: what is
        published says nothing of it.
        """
        subjects: dict[ObjectRef, _Subject] = {}
        for seen in objects:
            if not seen.is_ending and knowledge.identities.get(seen.ref) == seen.identity:
                known = self._subjects.get(seen.ref)
                subjects[seen.ref] = _learned(known, seen, knowledge, now)
        self._subjects = subjects

    def hear(self, edges: Sequence[EdgeReport]) -> None:
        """Take note of the edges' word: only what still waits for it is looked at again."""
        if edges == self._edges:
            return
        self._edges = edges
        for ref, subject in self._subjects.items():
            if ref.kind == "Edge" or not _is_settled(subject):
                subject.wanted = None

    def due(self, objects: Mapping[ObjectRef, Seen], now: float, clock: str) -> Iterator[Due]:
        """The statuses to write now. `clock` is RFC 3339, UTC."""
        self.waits = False
        for ref, subject in self._subjects.items():
            seen = objects.get(ref)
            if seen is None or seen.identity != subject.identity or seen.is_ending:
                continue
            if subject.wanted is None:
                subject.wanted, subject.stored = self._status(subject, seen, clock), -1
            if subject.stored == seen.version:
                continue
            due = subject.due
            if due is None or due.seen is not seen or due.status is not subject.wanted:
                patch = _difference(seen.status, subject.wanted.to_dict(), subject.kept)
                due = subject.due = Due(seen, subject.wanted, patch)
            if not due.patch:
                subject.stored, subject.due = seen.version, None
            elif self._is_due(subject, seen.status, due.patch, now):
                yield due
            else:
                self.waits = True

    def wrote(self, due: Due, stored: Mapping[str, Any], now: float) -> frozenset[str]:
        """The API server has taken a status and holds `stored` now; the fields that it dropped."""
        subject = self._subjects.get(due.seen.ref)
        if subject is not None:
            if "numberCount" in due.patch:
                subject.counted = now
            # CRDs of another version may drop a field or set one: to write it again would not help.
            subject.due = None
            for key, value in due.patch.items():
                subject.kept.pop(key, None)
                if stored.get(key) != value:
                    subject.kept[key] = (value, stored.get(key))
        return frozenset(key for key, value in due.patch.items() if value is not None and key not in stored)

    def _status(self, subject: _Subject, seen: Seen, clock: str) -> Status:
        about = Subject(seen.ref, seen.generation, subject.required, subject.opinions)
        return status_of(about, subject.verdicts, subject.facts, self._edges, _stored(seen.status), clock)

    def _is_due(
        self, subject: _Subject, stored: Mapping[str, Any], patch: Mapping[str, Any], now: float
    ) -> bool:
        if patch.keys() == {"numberCount"}:
            return now - subject.counted >= COUNT_SECONDS
        if not _is_pending(subject):
            return True
        # Who is waited for changes with each acknowledgement; that it waits is told once.
        return now - subject.since >= PENDING_SECONDS and not _says_the_same(patch, stored)


def _learned(known: _Subject | None, seen: Seen, knowledge: Knowledge, now: float) -> _Subject:
    """What is known of an object after a compilation; the same as before if that says nothing new of it."""
    verdicts, facts = knowledge.verdicts.get(seen.ref, ()), knowledge.facts.get(seen.ref, {})
    opinions = knowledge.opinions.get(seen.ref, ())
    same = known is not None and known.identity == seen.identity
    if known is None or not same or known.verdicts != verdicts:
        since, counted = (known.since, known.counted) if known is not None and same else (now, float("-inf"))
        return _Subject(seen.identity, verdicts, knowledge.sequences, since, facts, opinions, counted=counted)
    if (known.facts, known.opinions) != (facts, opinions) or not _is_settled(known):
        known.facts, known.opinions, known.wanted = facts, opinions, None
    return known


def _is_settled(subject: _Subject) -> bool:
    """True if no word of an edge can change the status of this generation any more."""
    if subject.wanted is None:
        return False
    programmed, accepted = subject.wanted.condition("Programmed"), subject.wanted.condition("Accepted")
    refused = accepted is not None and accepted.status == "False"
    return refused or (programmed is not None and programmed.status == "True")


def _is_pending(subject: _Subject) -> bool:
    condition = subject.wanted.condition("Programmed") if subject.wanted else None
    return condition is not None and condition.status == "Unknown"


def _says_the_same(patch: Mapping[str, Any], stored: Mapping[str, Any]) -> bool:
    """True if the patch changes nothing but messages of conditions."""
    if patch.keys() != {"conditions"}:
        return False
    wanted, present = (
        [{**each, "message": ""} for each in conditions]
        for conditions in (patch["conditions"], stored.get("conditions") or ())
    )
    return wanted == present


def _stored(fields: Mapping[str, Any]) -> Status | None:
    """The status that is stored; None for the default that the CRD gives, or for what is none."""
    try:
        return status_from(fields)
    except (KeyError, TypeError, ValueError):
        return None


def _difference(
    stored: Mapping[str, Any], wanted: Mapping[str, Any], kept: Mapping[str, tuple[Any, Any]]
) -> dict[str, Any]:
    """The merge patch from one status to another: fields that are gone become null."""
    wished = {**dict.fromkeys(stored), **wanted}
    return {
        key: value
        for key, value in wished.items()
        if stored.get(key) != value and kept.get(key) != (value, stored.get(key))
    }
