"""The book of statuses after any events: what is stored is what a cold look would say, in few writes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from trunkline.api import ObjectRef
from trunkline.compiler import ConditionReason, ConditionType, Verdict
from trunkline.status.book import Due, Judged, StatusBook
from trunkline.status.conditions import Opinion
from trunkline.status.programmed import AddressReport, EdgeReport
from trunkline.status.report import Subject, status_of
from trunkline.status.stored import StoredStatus, stored_status

CLOCK = "2026-01-01T00:00:00Z"
EDGES = ("ashburn", "dublin")
REFS = (
    ObjectRef("Number", "acme", "one"),
    ObjectRef("Number", "acme", "two"),
    ObjectRef("Trunk", "other", "hq"),
    ObjectRef("Edge", None, "ashburn"),
)
ACCOUNT = "other"
"""Of the objects in that namespace; served by dublin alone, at times, or by an edge that there is not."""
DUBLIN, NOWHERE = frozenset({"dublin"}), frozenset({"nowhere"})


@dataclass(frozen=True, slots=True)
class Stored:
    """An object as an API server has it."""

    ref: ObjectRef
    identity: tuple[str, int]
    fields: Mapping[str, Any]
    is_ending: bool = False

    @property
    def stored(self) -> StoredStatus:
        return stored_status(self.fields)


@dataclass
class World:
    """An API server, a compiler and edges, as far as the book hears of them."""

    book: StatusBook = field(default_factory=StatusBook)
    now: float = 0.0
    objects: dict[ObjectRef, Stored] = field(default_factory=dict)
    uids: int = 0
    accepted: dict[ObjectRef, bool] = field(default_factory=dict)
    counts: dict[ObjectRef, int] = field(default_factory=dict)
    sequence: int = 1
    required: dict[ObjectRef, int] = field(default_factory=dict)
    compiled: dict[ObjectRef, tuple[tuple[str, int], bool, int]] = field(default_factory=dict)
    acknowledged: dict[str, int] = field(default_factory=lambda: dict.fromkeys(EDGES, 1))
    opinions: dict[ObjectRef, tuple[Opinion, ...]] = field(default_factory=dict)
    serving: frozenset[str] | None = None
    told_serving: frozenset[str] | None = None
    flying: list[Due] = field(default_factory=list)
    writes: Counter[tuple[ObjectRef, tuple[str, int]]] = field(default_factory=Counter)

    # ------------------------------------------------------------------------ what users and edges do

    def create(self, ref: ObjectRef) -> None:
        if ref not in self.objects:
            self.uids += 1
            self.put(Stored(ref, (f"uid{self.uids}", 1), {}))

    def edit(self, ref: ObjectRef) -> None:
        if ref in self.objects:
            before = self.objects[ref]
            uid, generation = before.identity
            self.put(Stored(ref, (uid, generation + 1), before.fields))

    def remove(self, ref: ObjectRef) -> None:
        if self.objects.pop(ref, None) is not None:
            self.book.gone([ref])

    def wipe(self, ref: ObjectRef) -> None:
        """Somebody takes the status away by hand."""
        if ref in self.objects:
            self.put(Stored(ref, self.objects[ref].identity, {}))

    def put(self, stored: Stored) -> None:
        self.objects[stored.ref] = stored
        self.book.see([stored])

    def judge(self, ref: ObjectRef) -> None:
        """Whether it is accepted changes with another object."""
        self.accepted[ref] = not self.accepted.get(ref, True)

    def count(self, ref: ObjectRef) -> None:
        self.counts[ref] = self.counts.get(ref, 0) + 1

    def tell(self, ref: ObjectRef) -> None:
        if self.opinions.pop(ref, None) is None:
            self.opinions[ref] = (Opinion("DNSReady", "True", "Correct", "as planned"),)
        self.book.tell(dict(self.opinions), {})

    def compile(self) -> None:
        """All that changed since the last time, published with the next sequence."""
        self.sequence += 1
        identities: dict[ObjectRef, tuple[str, int] | None] = {}
        verdicts: dict[ObjectRef, tuple[Verdict, ...]] = {}
        facts: dict[ObjectRef, Mapping[str, Any] | None] = {}
        for ref in REFS:
            stored, before = self.objects.get(ref), self.compiled.get(ref)
            if stored is None:
                if self.compiled.pop(ref, None) is not None:
                    identities[ref], verdicts[ref], facts[ref] = None, (), None
                continue
            now = (stored.identity, self.accepted.get(ref, True), self.counts.get(ref, 0))
            if before == now:
                continue
            self.compiled[ref] = now
            identities[ref] = stored.identity
            if before is None or before[:2] != now[:2]:
                verdicts[ref] = self.verdicts(ref)
                self.required[ref] = self.sequence
            if before is None or before[2] != now[2]:
                facts[ref] = {"numberCount": now[2]}
        self.told_serving = self.serving
        accounts = {ref: ACCOUNT for ref in identities if ref.namespace == ACCOUNT}
        self.book.judge(
            Judged(identities, verdicts, facts, self.sequences(), {}, accounts, {ACCOUNT: self.serving}),
            self.now,
        )

    def serve(self) -> None:
        self.serving = {None: DUBLIN, DUBLIN: NOWHERE, NOWHERE: None}[self.serving]

    def sequences(self) -> Mapping[str, int]:
        return dict.fromkeys(EDGES, self.sequence)

    def verdicts(self, ref: ObjectRef) -> tuple[Verdict, ...]:
        (_, generation), accepted, _ = self.compiled[ref]
        reason = ConditionReason.ACCEPTED if accepted else ConditionReason.CONFLICT
        return (Verdict(ref, generation, ConditionType.ACCEPTED, accepted, reason, "so"),)

    def acknowledge(self, edge: str) -> None:
        self.acknowledged[edge] = self.sequence
        self.book.hear(self.reports())

    def reports(self) -> tuple[EdgeReport, ...]:
        return tuple(
            EdgeReport(edge, (AddressReport(f"192.0.2.{n}", True, self.acknowledged[edge]),))
            for n, edge in enumerate(EDGES, 1)
        )

    # ----------------------------------------------------------------------------- what the shell does

    def take(self) -> None:
        """The shell begins to store what is due."""
        dues = self.book.due(self.now, CLOCK)
        assert not {due.seen.ref for due in dues} & {due.seen.ref for due in self.flying}
        self.flying += dues
        for due in dues:
            self.check(due)

    def check(self, due: Due) -> None:
        """Nothing is said of another version than the compiled one, nor before the edges have it."""
        ref = due.seen.ref
        assert self.compiled[ref][0] == due.seen.identity
        before = due.seen.stored.condition("Programmed")
        latched = before and (before.status, before.observed_generation) == ("True", due.seen.identity[1])
        programmed = due.status.condition("Programmed")
        if programmed is not None and programmed.status == "True" and not latched:
            serving = self.told_serving if ref.namespace == ACCOUNT else None
            own = {ref.name} if ref.kind == "Edge" else serving or set(EDGES)
            assert min(self.acknowledged.get(edge, 0) for edge in own) >= self.required[ref]

    def land(self) -> None:
        """What is being stored is stored, where its object is as it was."""
        while self.flying:
            due = self.flying.pop(0)
            ref = due.seen.ref
            now = self.objects.get(ref)
            if now is None or now is not due.seen:
                self.book.failed(due)
                continue
            fields = {**now.fields, **due.patch}
            fields = {name: value for name, value in fields.items() if value is not None}
            self.put(Stored(ref, due.seen.identity, fields))
            self.book.wrote(due, fields, self.now)
            self.writes[ref, due.seen.identity] += 1

    def fail(self) -> None:
        """The API server is away."""
        while self.flying:
            self.book.failed(self.flying.pop(0), self.now + 5)

    def wait(self) -> None:
        self.now += 3.0

    def rest(self) -> None:
        """Everything is compiled, acknowledged and stored."""
        self.compile()
        for edge in EDGES:
            self.acknowledge(edge)
        for _ in range(20):
            self.take()
            self.land()
            self.now += 11.0
        assert self.book.next_look() is None

    def cold(self, ref: ObjectRef) -> Mapping[str, Any]:
        """The status by all that is known, whatever happened before."""
        stored = self.objects[ref]
        opinions = self.opinions.get(ref, ())
        serving = self.serving if ref.namespace == ACCOUNT else None
        required = dict.fromkeys(EDGES, self.required[ref])
        subject = Subject(ref, stored.identity[1], required, opinions, serving)
        facts = {"numberCount": self.counts.get(ref, 0)}
        return status_of(subject, self.verdicts(ref), facts, self.reports(), None, CLOCK).to_dict()


def plain(fields: Mapping[str, Any]) -> Mapping[str, Any]:
    """Without the number of addresses that had acknowledged when it was first programmed."""
    conditions = [
        {**each, "message": ""} if each["type"] == "Programmed" and each["status"] == "True" else each
        for each in fields["conditions"]
    ]
    return {**fields, "conditions": conditions}


EVENTS = ("create", "edit", "edit", "remove", "wipe", "judge", "count", "tell")
SHELL = ("compile", "take", "land", "fail", "wait")


def steps(events: tuple[str, ...], others: tuple[str, ...]) -> st.SearchStrategy[list[tuple[Any, ...]]]:
    """Something happens, and the shell does some of its work; again and again."""
    happens = st.one_of(
        st.tuples(st.sampled_from(events), st.sampled_from(REFS)),
        st.tuples(st.just("acknowledge"), st.sampled_from(EDGES)),
        st.tuples(st.sampled_from(others)),
    )
    works = st.lists(st.tuples(st.sampled_from(SHELL)), max_size=4)
    round = st.tuples(happens, works).map(lambda pair: [pair[0], *pair[1]])
    return st.lists(round, min_size=4, max_size=25).map(
        lambda rounds: [step for each in rounds for step in each]
    )


def after(taken: list[tuple[Any, ...]], *, at_rest: bool) -> World:
    """Every object and edge is there to begin with."""
    world = World()
    world.book.hear(world.reports())
    for ref in REFS:
        world.create(ref)
    if at_rest:
        world.rest()
    else:
        world.compile()
    for name, *arguments in taken:
        getattr(world, name)(*arguments)
    return world


@settings(max_examples=300)
@given(steps(EVENTS, ("serve", "compile")), st.booleans())
def test_at_rest_every_stored_status_is_that_of_a_cold_look(
    taken: list[tuple[Any, ...]], at_rest: bool
) -> None:
    world = after(taken, at_rest=at_rest)
    world.rest()
    assert {ref: plain(stored.fields) for ref, stored in world.objects.items()} == {
        ref: plain(world.cold(ref)) for ref in world.objects
    }


@settings(max_examples=300)
@given(steps(("create", "edit", "edit", "remove"), ("compile",)), st.booleans())
def test_an_object_is_written_at_most_twice_for_a_generation(
    taken: list[tuple[Any, ...]], at_rest: bool
) -> None:
    """Where nothing but edits and acknowledgements happens. An Edge's addresses are written besides."""
    world = after(taken, at_rest=at_rest)
    world.rest()
    assert all(count <= 2 for (ref, _), count in world.writes.items() if ref.kind != "Edge"), world.writes


@settings(max_examples=200)
@given(steps(EVENTS, ("serve", "compile")), st.booleans())
def test_at_rest_a_new_book_writes_nothing(taken: list[tuple[Any, ...]], at_rest: bool) -> None:
    """As after a restart of the operator."""
    world = after(taken, at_rest=at_rest)
    world.rest()
    world.book, world.compiled = StatusBook(), {}
    world.book.see(world.objects.values())
    world.book.hear(world.reports())
    world.book.tell(dict(world.opinions), {})
    world.compile()
    assert world.book.due(world.now, "2026-02-02T00:00:00Z") == []
