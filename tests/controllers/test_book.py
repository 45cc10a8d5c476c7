"""Which statuses are due, and when: few writes, and never an untrue one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from support.objects import make_account, make_edge, make_number, make_resources, make_trunk, manifest_of
from trunkline.api import ObjectRef, Resources
from trunkline.compiler import compile_resources
from trunkline.controllers.store import Seen, Store
from trunkline.status.book import Due, Judged, StatusBook
from trunkline.status.programmed import AddressReport, EdgeReport

NUMBER = ObjectRef("Number", "acme", "main-line")
CLOCK = "2026-01-01T00:00:00Z"


class Bench:
    """A store and a book, without an API server: what is due is stored as one would store it."""

    def __init__(self) -> None:
        self.store, self.book, self.version = Store(), StatusBook(), 0
        self.fields: dict[ObjectRef, Mapping[str, Any]] = {}
        self.now = 100.0

    def note(
        self, kind: str, name: str, namespace: str | None, spec: Mapping[str, Any], generation: int
    ) -> None:
        ref = ObjectRef(kind, namespace, name)
        self._note(ref, spec, generation, self.fields.get(ref, {}))

    def _note(
        self, ref: ObjectRef, spec: Mapping[str, Any], generation: int, status: Mapping[str, Any]
    ) -> None:
        self.version += 1
        metadata = {"uid": str(ref), "generation": generation, "resourceVersion": str(self.version)}
        manifest = manifest_of(ref.kind, ref.name, ref.namespace, spec, **metadata)
        self.fields[ref] = status
        self.store.note("MODIFIED", {**manifest, "status": status})
        self.take_in()

    def take_in(self) -> None:
        seen, gone = self.store.take_changed()
        self.book.gone(gone)
        self.book.see(seen)

    def make_again(self, ref: ObjectRef, spec: Mapping[str, Any], uid: str = "another") -> None:
        """Delete the object, and make another one with its name."""
        metadata = {"uid": uid, "generation": 1}
        for event in ("DELETED", "ADDED"):
            self.version += 1
            version = str(self.version)
            manifest = manifest_of(
                ref.kind, ref.name, ref.namespace, spec, resourceVersion=version, **metadata
            )
            self.store.note(event, manifest)
        self.take_in()

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
        self.judge(
            {ref: tuple(each) for ref, each in verdicts.items()}, compilation.facts, identities, sequence
        )

    def judge(
        self,
        verdicts: Mapping[ObjectRef, tuple[Any, ...]],
        facts: Mapping[ObjectRef, Mapping[str, Any]],
        identities: Mapping[ObjectRef, tuple[str, int]],
        sequence: int,
    ) -> None:
        self.book.judge(Judged(identities, verdicts, facts, {"ashburn": sequence}), self.now)

    def hear(self, *revisions: int) -> None:
        addresses = tuple(AddressReport(f"192.0.2.{n}", True, each) for n, each in enumerate(revisions, 1))
        self.book.hear((EdgeReport("ashburn", addresses),))

    def due(self) -> dict[ObjectRef, Due]:
        """What is due, given back at once."""
        dues = self.book.due(self.now, CLOCK)
        for due in dues:
            self.book.failed(due)
        return {due.seen.ref: due for due in dues}

    def store_due(self, ref: ObjectRef) -> Mapping[str, Any]:
        """Store the status of `ref` as the API server would; the conditions then, by type."""
        due = next(due for due in self.book.due(self.now, CLOCK) if due.seen.ref == ref)
        seen = due.seen
        spec = {"number": "+14155550100"} if ref.kind == "Number" else {}
        status = {**self.fields[ref], **due.patch}
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
    assert bench.book.next_look() == bench.now + 2
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
        bench.judge({}, {trunk: dict(facts)}, bench.identities(), 7)
        bench.hear(7)
        dues = bench.book.due(bench.now, CLOCK)
        if not dues:
            return set()
        kept = {key: value for key, value in dues[0].patch.items() if key not in facts}
        status = {**bench.fields[trunk], **kept}
        bench._note(trunk, {}, 1, status)
        bench.book.wrote(dues[0], status, bench.now)
        assert dues[0].dropped(status) == dues[0].patch.keys() & facts.keys()
        return set(dues[0].patch)

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
    bench._note(NUMBER, {"number": "+14155550100"}, 1, {**bench.fields[NUMBER], "colour": "red"})
    (due,) = bench.book.due(bench.now, CLOCK)
    assert due.patch == {"colour": None}
    bench.book.wrote(due, bench.fields[NUMBER], bench.now)
    assert NUMBER not in bench.due()


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
    assert bench.book.next_look() == bench.now + 10
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


def test_a_storm_in_one_namespace_delays_no_other() -> None:
    """Of 500 due statuses that of another namespace is the second."""
    bench = Bench()
    made = [make_number(f"n{n}", number=f"+1415555{n:04}") for n in range(500)]
    for each in made:
        bench.note("Number", each.metadata.name, "acme", {"number": each.spec.number}, 1)
    bench.note("Trunk", "hq", "other", {}, 1)
    bench.learn(make_resources(make_edge(), *made, make_trunk(namespace="other")), sequence=7)
    bench.hear(7)
    assert "other" in [due.seen.ref.namespace for due in bench.book.due(bench.now, CLOCK, most=2)]


def test_what_could_not_be_stored_waits_for_its_time_or_for_the_object() -> None:
    bench = number_bench()
    bench.hear(7)
    (due,) = bench.book.due(bench.now, CLOCK)
    bench.book.failed(due, bench.now + 300)
    assert bench.book.due(bench.now, CLOCK) == []
    assert bench.book.next_look() == bench.now + 300
    bench._note(NUMBER, {"number": "+14155550100"}, 1, {})
    (due,) = bench.book.due(bench.now, CLOCK)
    bench._note(NUMBER, {"number": "+14155550100"}, 1, {})
    bench.book.failed(due, bench.now + 300)
    assert [each.seen for each in bench.book.due(bench.now, CLOCK)] == [bench.store.get(NUMBER)]


def test_an_object_waits_only_for_the_edges_that_serve_its_account() -> None:
    """And for all of them again where the account's edges are no matter any more."""
    bench = number_bench()
    bench.book.judge(
        Judged(
            dict.fromkeys([NUMBER], ("other", 1)),
            {},
            {},
            {"ashburn": 8, "dublin": 8},
            accounts={NUMBER: "acme"},
            account_edges={"acme": frozenset({"dublin"})},
        ),
        bench.now,
    )
    behind = EdgeReport("ashburn", (AddressReport("192.0.2.1", True, 7),))
    current = EdgeReport("dublin", (AddressReport("192.0.2.2", True, 8),))
    bench.make_again(NUMBER, {"number": "+14155550100"}, uid="other")
    bench.book.hear((behind, current))
    assert _programmed(bench) == "True"
    nothing: dict[ObjectRef, Any] = {}
    everywhere = Judged(nothing, nothing, nothing, {"ashburn": 8, "dublin": 8}, account_edges={"acme": None})
    bench.book.judge(everywhere, bench.now)
    assert bench.due() == {}
    bench.now += 3
    assert _programmed(bench) == "Unknown"


def _programmed(bench: Bench) -> str:
    condition = bench.due()[NUMBER].status.condition("Programmed")
    assert condition is not None
    return condition.status


def test_rows_that_waited_are_in_force_with_the_publication_that_holds_the_last() -> None:
    """Until that is known, an object waits for the newest sequence that may."""
    bench = number_bench()
    bench.hear(6)
    bench.book.publish({"ashburn": 9}, {NUMBER: {"ashburn": 6}})
    assert bench.store_due(NUMBER)["Programmed"]["status"] == "True"


def test_of_what_is_at_rest_no_word_is_kept() -> None:
    """Neither a status nor a spec: a store and a book of many objects are small."""
    bench = number_bench()
    bench.hear(7)
    bench.store_due(NUMBER)
    bench.due()
    entry = bench.book._entries[NUMBER]
    seen = entry.seen
    assert isinstance(seen, Seen)
    assert entry.waiting is None
    assert seen.status == {}
    assert [each.message for each in seen.stored.conditions if each.type != "Programmed"] == ["", ""]
