"""Which statuses are due, and when: few writes, and never an untrue one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from support.objects import make_account, make_edge, make_number, make_resources, make_trunk, manifest_of
from trunkline.api import ObjectRef, Resources
from trunkline.compiler import compile_resources
from trunkline.controllers.statuses import Due, Knowledge, StatusBook
from trunkline.controllers.store import Store
from trunkline.status.programmed import AddressReport, EdgeReport

NUMBER = ObjectRef("Number", "acme", "main-line")
CLOCK = "2026-01-01T00:00:00Z"


class Bench:
    """A store and a book, without an API server: what is due is stored as one would store it."""

    def __init__(self) -> None:
        self.store, self.book, self.version = Store(), StatusBook(), 0
        self.now = 100.0

    def note(
        self, kind: str, name: str, namespace: str | None, spec: Mapping[str, Any], generation: int
    ) -> None:
        ref = ObjectRef(kind, namespace, name)
        seen = self.store.get(ref)
        self._note(ref, spec, generation, dict(seen.status) if seen else {})

    def _note(
        self, ref: ObjectRef, spec: Mapping[str, Any], generation: int, status: Mapping[str, Any]
    ) -> None:
        self.version += 1
        metadata = {"uid": str(ref), "generation": generation, "resourceVersion": str(self.version)}
        manifest = manifest_of(ref.kind, ref.name, ref.namespace, spec, **metadata)
        self.store.note("MODIFIED", {**manifest, "status": status})

    def make_again(self, ref: ObjectRef, spec: Mapping[str, Any]) -> None:
        """Delete the object, and make another one with its name."""
        metadata = {"uid": "another", "generation": 1}
        for event in ("DELETED", "ADDED"):
            self.version += 1
            version = str(self.version)
            manifest = manifest_of(
                ref.kind, ref.name, ref.namespace, spec, resourceVersion=version, **metadata
            )
            self.store.note(event, manifest)

    def learn(self, resources: Resources, sequence: int) -> None:
        """What is in the store was compiled, and published as `sequence`."""
        self.learn_of(self.identities(), resources, sequence)

    def identities(self) -> dict[ObjectRef, tuple[str, int]]:
        return {seen.ref: seen.identity for seen in self.store.all()}

    def learn_of(
        self, identities: Mapping[ObjectRef, tuple[str, int]], resources: Resources, sequence: int
    ) -> None:
        compilation = compile_resources(resources)
        verdicts: dict[ObjectRef, list[Any]] = {}
        for verdict in compilation.verdicts:
            verdicts.setdefault(verdict.ref, []).append(verdict)
        knowledge = Knowledge(
            {ref: tuple(each) for ref, each in verdicts.items()},
            compilation.facts,
            {"ashburn": sequence},
            identities,
        )
        self.book.learn(self.store.all(), knowledge, self.now)

    def hear(self, *revisions: int) -> None:
        addresses = tuple(AddressReport(f"192.0.2.{n}", True, each) for n, each in enumerate(revisions, 1))
        self.book.hear((EdgeReport("ashburn", addresses),))

    def due(self) -> dict[ObjectRef, Due]:
        return {due.seen.ref: due for due in self.book.due(self.store.snapshot(), self.now, CLOCK)}

    def store_due(self, ref: ObjectRef) -> Mapping[str, Any]:
        """Store the status of `ref` as the API server would; the conditions then, by type."""
        due = self.due()[ref]
        seen = due.seen
        spec = {"number": "+14155550100"} if ref.kind == "Number" else {}
        status = {**seen.status, **due.patch}
        self._note(
            ref, spec, seen.generation, {key: value for key, value in status.items() if value is not None}
        )
        self.book.wrote(due, status, self.now)
        return {each["type"]: each for each in status["conditions"]}


def number_bench(generation: int = 1) -> Bench:
    bench = Bench()
    bench.note("Number", "main-line", "acme", {"number": "+14155550100"}, generation)
    bench.learn(make_resources(make_number(generation=generation), make_edge()), sequence=7)
    return bench


def test_nothing_is_said_of_an_object_that_came_after_the_compilation() -> None:
    """Deleted and made again meanwhile, with the same name and generation: the edges do not have this one."""
    bench = number_bench()
    compiled = bench.identities()
    bench.make_again(NUMBER, {"number": "+14155550100"})
    resources = make_resources(make_number(generation=1), make_edge())
    bench.learn_of(compiled, resources, sequence=7)
    bench.hear(7, 7)
    assert bench.due() == {}
    bench.learn(resources, sequence=8)
    bench.hear(8, 8)
    assert bench.store_due(NUMBER)["Programmed"]["status"] == "True"


def test_an_outcome_is_due_at_once() -> None:
    bench = number_bench()
    bench.hear(7, 7)
    assert bench.store_due(NUMBER)["Programmed"]["status"] == "True"
    assert NUMBER not in bench.due()


def test_pending_is_due_only_after_two_seconds_and_only_once() -> None:
    """Who is waited for changes with each acknowledgement; that it waits is told once."""
    bench = number_bench()
    bench.hear(6, 6, 6)
    assert NUMBER not in bench.due()
    assert bench.book.waits
    bench.now += 2
    assert bench.store_due(NUMBER)["Programmed"]["reason"] == "Pending"
    bench.hear(7, 6, 6)
    assert NUMBER not in bench.due()
    bench.hear(7, 7, 7)
    assert bench.store_due(NUMBER)["Programmed"]["status"] == "True"


def test_programmed_needs_the_sequence_that_first_contained_the_generation() -> None:
    bench = number_bench()
    bench.hear(7)
    bench.store_due(NUMBER)
    bench.note("Number", "main-line", "acme", {"number": "+14155550100", "friendlyName": "new"}, 2)
    bench.learn(make_resources(make_number(generation=2, friendlyName="new"), make_edge()), sequence=8)
    bench.hear(7)
    bench.now += 3
    assert bench.store_due(NUMBER)["Programmed"]["status"] == "Unknown"
    bench.hear(8)
    assert bench.store_due(NUMBER)["Programmed"]["status"] == "True"


def test_an_object_that_becomes_accepted_waits_for_its_rows() -> None:
    """Its generation is old, but no table had it before its Account permitted it."""
    bench = Bench()
    bench.note("Number", "main-line", "acme", {"number": "+14155550100"}, 1)
    closed = make_account(numberPrefixes=["+44"])
    bench.learn(make_resources(make_number(), make_edge(), closed), sequence=7)
    bench.hear(7)
    assert bench.store_due(NUMBER)["Accepted"]["status"] == "False"
    bench.learn(make_resources(make_number(), make_edge(), make_account()), sequence=8)
    bench.now += 3
    assert bench.store_due(NUMBER)["Programmed"]["status"] == "Unknown"
    bench.hear(8)
    assert bench.store_due(NUMBER)["Programmed"]["status"] == "True"


def test_fields_that_an_older_crd_drops_are_written_once_each() -> None:
    """Also when another field is written later, which says nothing of those dropped before."""
    bench = Bench()
    trunk = ObjectRef("Trunk", "acme", "hq")
    bench.note("Trunk", "hq", "acme", {}, 1)
    facts: dict[str, Any] = {"trunkSid": "TK1", "numberCount": 1}

    def written() -> set[str]:
        bench.now += 11
        bench.book.learn(
            bench.store.all(),
            Knowledge({}, {trunk: dict(facts)}, {"ashburn": 7}, bench.identities()),
            bench.now,
        )
        bench.hear(7)
        due = bench.due().get(trunk)
        if due is None:
            return set()
        kept = {key: value for key, value in due.patch.items() if key not in facts}
        status = {**due.seen.status, **kept}
        bench._note(trunk, {}, 1, status)
        assert bench.book.wrote(due, status, bench.now) == due.patch.keys() & facts.keys()
        return set(due.patch)

    assert written() == {"observedGeneration", "conditions", "trunkSid", "numberCount"}
    assert written() == set()
    facts["numberCount"] = 2
    assert written() == {"numberCount"}
    assert written() == set()


def test_a_field_that_another_crd_fills_in_is_taken_away_once() -> None:
    """Its default comes back with each write."""
    bench = number_bench()
    bench.hear(7)
    bench.store_due(NUMBER)
    bench._note(NUMBER, {"number": "+14155550100"}, 1, {**_status(bench), "colour": "red"})
    due = bench.due()[NUMBER]
    assert due.patch == {"colour": None}
    assert bench.book.wrote(due, due.seen.status, bench.now) == frozenset()
    assert NUMBER not in bench.due()


def _status(bench: Bench) -> Mapping[str, Any]:
    seen = bench.store.get(NUMBER)
    assert seen is not None
    return seen.status


def test_what_is_programmed_is_not_written_again_when_a_pod_falls_behind() -> None:
    """One pod's blink must not rewrite every object."""
    bench = number_bench()
    bench.hear(7, 7)
    bench.store_due(NUMBER)
    bench.hear(7, 3)
    assert bench.due() == {}
    bench.hear()
    assert bench.due() == {}


def test_a_number_count_alone_is_written_at_most_once_in_ten_seconds() -> None:
    bench = Bench()
    hq = ObjectRef("Trunk", "acme", "hq")
    bench.note("Trunk", "hq", "acme", {}, 1)

    def numbers(count: int) -> None:
        made = [make_number(f"n{n}", number=f"+1415555{n:04}", trunkRef={"name": "hq"}) for n in range(count)]
        bench.learn(make_resources(make_trunk(), make_edge(), *made), sequence=7)

    numbers(1)
    bench.hear(7)
    bench.store_due(hq)
    numbers(2)
    assert hq not in bench.due()
    assert bench.book.waits
    bench.now += 10
    assert bench.due()[hq].patch == {"numberCount": 2}


def test_a_field_that_is_gone_is_removed() -> None:
    """A merge patch removes a field by null."""
    bench = Bench()
    hq = ObjectRef("Trunk", "acme", "hq")
    bench._note(hq, {}, 1, {"terminationUri": "old.pstn.trunkline.test", "conditions": []})
    bench.learn(make_resources(make_trunk(), make_edge()), sequence=7)
    bench.hear(7)
    assert bench.due()[hq].patch["terminationUri"] is None
