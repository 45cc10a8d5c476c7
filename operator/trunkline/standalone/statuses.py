"""Keeps the status of every object equal to what is known, and says which ones changed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from trunkline.api import ObjectRef
from trunkline.compiler import Verdict
from trunkline.standalone.generations import Generation
from trunkline.standalone.status_files import (
    StoredStatus,
    read_statuses,
    remove_status,
    write_status,
)
from trunkline.status.conditions import Opinion
from trunkline.status.programmed import EdgeReport, programmed
from trunkline.status.report import Status, Subject, status_of


@dataclass(frozen=True, slots=True)
class Knowledge:
    """What the compiler and the files say of all objects, from one reading of the files to the next."""

    generations: Mapping[ObjectRef, Generation]
    verdicts: Mapping[ObjectRef, tuple[Verdict, ...]]
    facts: Mapping[ObjectRef, Mapping[str, Any]]
    sequences: Mapping[str, int]
    """Edge to the sequence that contains all of this."""
    opinions: Mapping[ObjectRef, tuple[Opinion, ...]] = field(default_factory=dict)
    """Conditions that only the shell knows."""


@dataclass(frozen=True, slots=True)
class Transition:
    """An object's status before and now; None where it did not or does not exist."""

    ref: ObjectRef
    before: Status | None
    now: Status | None


class StatusBook:
    """All statuses, in memory and on disk. Only what changed is computed again and written."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._stored = {stored.ref: stored for stored in read_statuses(directory)}
        self._required: dict[ObjectRef, tuple[int, Mapping[str, int]]] = {}
        self._inputs: dict[ObjectRef, tuple[Any, ...]] = {}
        self._unwritten: set[ObjectRef] = set()
        # Programmed=True of an earlier run says nothing of the edges that start now.
        self._restarted = set(self._stored)

    @property
    def generations(self) -> Mapping[ObjectRef, Generation]:
        return {ref: stored.generation for ref, stored in self._stored.items()}

    @property
    def statuses(self) -> Mapping[ObjectRef, Status]:
        return {ref: stored.status for ref, stored in self._stored.items()}

    def require(self, knowledge: Knowledge) -> None:
        """Note from which sequence on each new generation is contained."""
        for ref, generation in knowledge.generations.items():
            known = self._required.get(ref)
            if known is None or known[0] != generation.number:
                self._required[ref] = (generation.number, knowledge.sequences)

    def update(self, knowledge: Knowledge, edges: Sequence[EdgeReport], now: str) -> tuple[Transition, ...]:
        """Make every status current; what changed. Nothing is written yet."""
        transitions = []
        outcomes: dict[int, Opinion] = {}
        for ref, generation in knowledge.generations.items():
            _, required = self._required[ref]
            if id(required) not in outcomes:
                outcomes[id(required)] = programmed(required, edges)
            outcome = None if self._is_programmed(ref, generation.number) else outcomes[id(required)]
            own = tuple(edge for edge in edges if edge.edge == ref.name) if ref.kind == "Edge" else None
            verdicts, facts = knowledge.verdicts.get(ref, ()), knowledge.facts.get(ref, {})
            opinions = knowledge.opinions.get(ref, ())
            inputs = (generation, verdicts, facts, opinions, outcome, own)
            if self._inputs.get(ref) == inputs:
                continue
            self._inputs[ref] = inputs
            subject = Subject(ref, generation.number, required, opinions)
            stored = self._stored.get(ref)
            before = stored.status if stored else None
            previous = _without_programmed(before) if ref in self._restarted else before
            status = status_of(subject, verdicts, facts, edges, previous, now)
            self._restarted.discard(ref)
            if stored is None or status != before or stored.generation != generation:
                self._stored[ref] = StoredStatus(ref, generation, status)
                self._unwritten.add(ref)
                transitions.append(Transition(ref, before, status))
        return (*transitions, *self._remove(knowledge))

    def _is_programmed(self, ref: ObjectRef, generation: int) -> bool:
        """True if `Programmed` cannot change any more for this generation."""
        stored = self._stored.get(ref)
        condition = stored.status.condition("Programmed") if stored else None
        return (
            condition is not None
            and (condition.status, condition.observed_generation) == ("True", generation)
            and ref not in self._restarted
        )

    def _remove(self, knowledge: Knowledge) -> list[Transition]:
        gone = [ref for ref in self._stored if ref not in knowledge.generations]
        transitions = [Transition(ref, self._stored.pop(ref).status, None) for ref in gone]
        for ref in gone:
            self._unwritten.add(ref)
            self._inputs.pop(ref, None)
            self._required.pop(ref, None)
        return transitions

    @property
    def has_unwritten(self) -> bool:
        """True while the disk is behind."""
        return bool(self._unwritten)

    def take_unwritten(self) -> Mapping[ObjectRef, StoredStatus | None]:
        """What must be written, None where a file must go. The caller gives back what it cannot write."""
        taken = {ref: self._stored.get(ref) for ref in sorted(self._unwritten)}
        self._unwritten.clear()
        return taken

    def give_back(self, refs: Iterable[ObjectRef]) -> None:
        """Those are not written yet after all."""
        self._unwritten.update(refs)

    def write(self, taken: Mapping[ObjectRef, StoredStatus | None]) -> None:
        """Bring the disk up to date. Touches no state, so it may run in a thread. Raises OSError."""
        for ref, stored in taken.items():
            if stored is None:
                remove_status(self._directory, ref)
            else:
                write_status(self._directory, stored)


def _without_programmed(status: Status | None) -> Status | None:
    """The status without the latch: its times stay, but `Programmed` must be seen anew."""
    if status is None:
        return None
    kept = tuple(condition for condition in status.conditions if condition.type != "Programmed")
    return Status(status.observed_generation, kept, status.facts)
