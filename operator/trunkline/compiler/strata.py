"""The strata: topics in order, each asking those below it. One turn of all of them is a step of an update."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, NamedTuple, Protocol, TypeVar

from trunkline.api import Account, AnyResource, InvalidObject, ObjectRef
from trunkline.api.faults import internal_error
from trunkline.compiler.contribution import NOTHING, Contribution, Topic
from trunkline.compiler.delta import Surroundings
from trunkline.compiler.ledger import Ledger
from trunkline.compiler.lines import Line
from trunkline.compiler.questions import Answers, Index, Question, View
from trunkline.compiler.tenants import Settled
from trunkline.compiler.verdict import Described

Thing = TypeVar("Thing", bound=AnyResource)
Found = TypeVar("Found")
Known = AnyResource | Line
"""An object as the compiler keeps it: of a Number only what it needs."""


class Change(NamedTuple):
    """One object before and after. None = there is no such object, or it is refused."""

    before: Known | None
    now: Known | None


@dataclass(slots=True)
class Turn:
    """One pass through all strata."""

    objects: Mapping[str, Mapping[ObjectRef, Change]]
    """Changed objects by kind."""
    invalid: Mapping[ObjectRef, InvalidObject | None]
    """Objects that are newly refused, or no more."""
    surroundings: Surroundings
    answers: Answers
    ledger: Ledger
    faults: dict[ObjectRef, InvalidObject] = field(default_factory=dict)
    """Objects at which this pass failed: the next one does without them."""

    def of(self, kind: str) -> Mapping[ObjectRef, Change]:
        return self.objects.get(kind, {})

    def judge(self, thing: Described, judgement: Callable[..., Found], *of: Any) -> Found | None:
        """What `judgement` (no generator) finds; None if it fails, which costs `thing` and nothing else.

        Every function that looks into an object is called through here. A judgement between objects is one
        of the object that is judged: the youngest, as older ones were judged before.
        """
        if self.faults and thing.ref in self.faults:
            return None
        try:
            return judgement(*of)
        except MemoryError:
            raise  # says nothing of the object
        except Exception as error:
            self.fail(thing, error)
            return None

    def fail(self, thing: Described, error: Exception) -> None:
        """Our own code has failed at this object."""
        self.faults[thing.ref] = InvalidObject(
            thing.ref, thing.generation, (internal_error(error),), namespaces_of(thing)
        )


def namespaces_of(thing: Described) -> frozenset[str]:
    """The namespaces of an Account, as far as they can be read."""
    if isinstance(thing, Settled):
        return frozenset(thing.namespaces)
    try:
        return frozenset(thing.spec.namespaces) if isinstance(thing, Account) else frozenset()
    except Exception:
        return frozenset()


class Stratum(Protocol):
    """What a pass goes through. One of which neither objects nor answers have changed is passed over."""

    @property
    def kinds(self) -> frozenset[str]:
        """The kinds whose objects it looks at."""

    @property
    def asks(self) -> frozenset[Index]:
        """The indexes that it asks."""

    def update(self, turn: Turn) -> None:
        """Look at what has changed, and tell the answers and the ledger what changes by that."""


class ObjectStratum(Generic[Thing]):
    """A topic whose objects are judged each by itself."""

    def __init__(self, topic: Topic[Thing], view: View) -> None:
        self._topic, self._view = topic, view
        self.kinds = frozenset({topic.kind.kind})
        self.asks = topic.asks
        self._things: dict[ObjectRef, Thing] = {}
        self._askers: dict[Question, set[ObjectRef]] = {}
        self._found: dict[ObjectRef, Contribution] = {}

    def update(self, turn: Turn) -> None:
        again = set(self._asking(turn.answers.changed)) if self._askers else set()
        for ref, change in turn.of(self._topic.kind.kind).items():
            self._replace(turn, ref, change)
            again.add(ref)
        for ref in again:
            thing = self._things.get(ref)
            found = None if thing is None else turn.judge(thing, self._topic.contribute, thing, self._view)
            self._take(turn, ref, found or NOTHING)

    def _asking(self, changed: Mapping[Index, set[Hashable]]) -> Iterator[ObjectRef]:
        """Objects that ask something of what has changed."""
        for index in self.asks:
            for key in changed.get(index, ()):
                yield from self._askers.get((index, key), ())

    def _replace(self, turn: Turn, ref: ObjectRef, change: Change) -> None:
        before = self._things.pop(ref, None)
        if before is not None:
            for question in self._asked(before):
                askers = self._askers[question]
                askers.discard(ref)
                if not askers:
                    del self._askers[question]
        now = change.now
        questions = None if now is None else turn.judge(now, self._asked, now)
        if questions is not None:
            self._things[ref] = now  # type: ignore[assignment]
            for question in questions:
                if question in self._askers:
                    self._askers[question].add(ref)
                else:
                    self._askers[question] = {ref}

    def _asked(self, thing: Thing) -> frozenset[Question]:
        return frozenset(self._topic.questions(thing))

    def _take(self, turn: Turn, ref: ObjectRef, now: Contribution) -> None:
        before = self._found.pop(ref, NOTHING)
        if now is not NOTHING:
            self._found[ref] = now
        if now != before:
            turn.ledger.replace(ref, before, now)
            turn.answers.replace(before.answers, now.answers)
