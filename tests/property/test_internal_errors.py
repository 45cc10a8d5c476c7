"""Whatever goes wrong in one object, all others compile as if that one were refused."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from types import ModuleType
from typing import Any, Never

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from sipedge.table.publication import pack_parts
from support import objects as make
from support.object_strategies import SECRETS, object_sets
from trunkline.api import (
    Account,
    AnyResource,
    CallerId,
    Carrier,
    CredentialList,
    Edge,
    InvalidObject,
    IpAccessControlList,
    Number,
    ObjectRef,
    OriginationUri,
    Resources,
    Trunk,
)
from trunkline.api.faults import internal_error
from trunkline.api.header_manipulation_policy import HeaderManipulationPolicy
from trunkline.compiler import (
    Compilation,
    ConditionReason,
    ConditionType,
    Verdict,
    access,
    accounts,
    carriers,
    compile_resources,
    edges,
    features,
    header_policies,
    number_claims,
    numbers,
    opinions,
    origination,
    overlaps,
    readiness,
    running,
    trunks,
)

PLANTED = "Planted-Pass-2026x"
EDGE = make.make_edge("observer", advertise={"type": "Static", "addresses": ["127.0.13.1"]})

PLACES: tuple[tuple[ModuleType | type, str, type[AnyResource]], ...] = (
    *(
        (opinions, "accepted", kind)
        for kind in (
            Account,
            CallerId,
            Carrier,
            Edge,
            HeaderManipulationPolicy,
            IpAccessControlList,
            Number,
            OriginationUri,
            Trunk,
        )
    ),
    *((opinions, "references", kind) for kind in (Account, CallerId, Carrier, CredentialList, Trunk)),
    (opinions, "side", Trunk),
    (opinions, "unusual", Trunk),
    (access, "_passwords", CredentialList),
    (header_policies, "_rule", HeaderManipulationPolicy),
    (accounts, "settle", Account),
    (accounts, "_faults", Account),
    (overlaps, "overlap", Account),
    (carriers, "_offer", Carrier),
    (carriers, "_row", Carrier),
    (carriers, "secrets_of", Carrier),
    (carriers, "registration_of", Carrier),
    (carriers, "authorities_of", Carrier),
    (readiness, "facts_of_trunk", Trunk),
    *((features, "_contribute", kind) for kind in (Edge, Trunk)),
    (numbers, "row_of", Number),
    (numbers, "refusal", Number),
    (numbers, "verdicts_of", Number),
    (number_claims.Claims, "conflict", Number),
    (origination, "_target", OriginationUri),
    (origination, "_refusal", OriginationUri),
    (edges, "placed", Edge),
    (running, "line_of", Number),
    (trunks, "_refusal", Trunk),
    (trunks, "_terminate", Trunk),
)
"""Functions of the compiler that look into one object, and a kind of such objects."""


@contextmanager
def failing(module: ModuleType | type, function: str, victim: ObjectRef) -> Iterator[list[bool]]:
    """The function raises for this object alone; the list says whether it did."""
    real, reached = getattr(module, function), list[bool]()

    def broken(*arguments: Any) -> Any:
        if any(getattr(each, "ref", None) == victim for each in arguments):
            reached.append(True)
            raise KeyError(PLANTED)
        return real(*arguments)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, function, broken)
        yield reached


def resources_of(objects: list[AnyResource], *invalid: InvalidObject) -> Resources:
    return make.make_resources(*objects, EDGE, secrets=SECRETS, invalid=invalid)


def refused_from_the_start(objects: list[AnyResource], victim: AnyResource) -> Compilation:
    """The same objects, where decode had failed at `victim`."""
    # No other account may open what this one closed.
    closed = frozenset(victim.spec.namespaces) if isinstance(victim, Account) else frozenset[str]()
    fault = InvalidObject(victim.ref, victim.generation, (internal_error(KeyError()),), closed)
    return compile_resources(resources_of([each for each in objects if each is not victim], fault))


def assert_costs_only_itself(found: Compilation, objects: list[AnyResource], victim: AnyResource) -> None:
    expected = refused_from_the_start(objects, victim)
    assert {name: pack_parts(table) for name, table in found.tables.items()} == {
        name: pack_parts(table) for name, table in expected.tables.items()
    }
    assert without(victim, found.verdicts) == without(victim, expected.verdicts)
    assert found.facts == expected.facts
    (verdict,) = (each for each in found.verdicts if each.ref == victim.ref)
    assert (verdict.type, verdict.status) == (ConditionType.ACCEPTED, False)
    assert verdict.reason is ConditionReason.INTERNAL_ERROR
    assert PLANTED not in repr((verdict, found.faults))
    assert [each.ref for each in found.faults] == [victim.ref]


def without(victim: AnyResource, verdicts: tuple[Verdict, ...]) -> list[Verdict]:
    return [each for each in verdicts if each.ref != victim.ref]


@pytest.mark.parametrize(
    ("module", "function", "kind"), PLACES, ids=lambda each: getattr(each, "__name__", each)
)
@given(st.data())
@settings(max_examples=12)
def test_a_fault_anywhere_in_the_compiler_costs_the_object_alone(
    module: ModuleType | type, function: str, kind: type[AnyResource], data: st.DataObject
) -> None:
    objects = data.draw(object_sets())
    victims = [each for each in objects if isinstance(each, kind)]
    assume(victims)
    victim = data.draw(st.sampled_from(victims))
    with failing(module, function, victim.ref) as reached:
        found = compile_resources(resources_of(objects))
    if reached:
        assert_costs_only_itself(found, objects, victim)
    else:
        assert found == compile_resources(resources_of(objects))


@given(object_sets())
@settings(max_examples=60)
def test_a_fault_between_objects_costs_the_younger(objects: list[AnyResource]) -> None:
    """It is the one that is judged: the older ones were judged without it."""
    real, failed = number_claims.Claims.conflict, list[ObjectRef]()

    def broken(claims: Any, line: Any) -> Any:
        found = real(claims, line)
        if found[0] is not None:
            failed.append(line.ref)
            raise TypeError(PLANTED)
        return found

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(number_claims.Claims, "conflict", broken)
        found = compile_resources(resources_of(objects))
    assert {each.ref for each in found.faults} == set(failed)
    faults = [InvalidObject(each.ref, each.generation, each.errors) for each in found.faults]
    others = [each for each in objects if each.ref not in failed]
    assert found.tables == compile_resources(resources_of(others, *faults)).tables


def test_what_fails_without_any_object_is_raised(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody is refused for it, and the tables that are served stay."""

    def broken(*_: object) -> Never:
        raise TypeError(PLANTED)

    resources = resources_of([make.make_trunk()])
    monkeypatch.setattr(edges, "site_row", broken)
    with pytest.raises(TypeError):
        compile_resources(resources)


class Bomb:
    """A value whose every use raises."""

    def __getattr__(self, name: str) -> Never:
        raise RuntimeError(PLANTED)


@given(object_sets(), st.data())
def test_an_object_that_nothing_can_look_into_costs_itself_alone(
    objects: list[AnyResource], data: st.DataObject
) -> None:
    assume(objects)
    victim = data.draw(st.sampled_from(objects))
    broken = [each.model_copy(update={"spec": Bomb()}) if each is victim else each for each in objects]
    found = compile_resources(resources_of(broken))
    if isinstance(victim, Account):
        # What it closed cannot be read.
        victim = victim.model_copy(update={"spec": victim.spec.model_copy(update={"namespaces": ()})})
        objects = [victim if each.ref == victim.ref else each for each in objects]
    assert_costs_only_itself(found, objects, victim)


@given(object_sets(), st.data())
def test_any_number_of_faulty_objects_cost_themselves_alone(
    objects: list[AnyResource], data: st.DataObject
) -> None:
    tenants = [each for each in objects if not isinstance(each, Account)]
    broken = data.draw(st.sets(st.sampled_from(tenants or [EDGE]).map(lambda each: each.ref)))
    bombs = [
        each.model_copy(update={"spec": Bomb()}) if each.ref in broken else each for each in (*objects, EDGE)
    ]
    found = compile_resources(make.make_resources(*bombs, secrets=SECRETS))
    good = [each for each in (*objects, EDGE) if each.ref not in broken]
    expected = compile_resources(make.make_resources(*good, secrets=SECRETS))
    assert found.tables == expected.tables
    assert [each for each in found.verdicts if each.ref not in broken] == list(expected.verdicts)
    assert {each.ref for each in found.faults} == broken


def test_a_served_edge_goes_on_by_the_version_that_is_served() -> None:
    """An Edge whose newest version the compiler fails at is not taken away."""
    served = make.make_edge("ashburn", region="us1")
    newest = served.model_copy(update={"spec": Bomb()})
    resources = replace(make.make_resources(newest), served_edges={"ashburn": served})
    found = compile_resources(resources)
    assert found.edges == {"ashburn": served}
    assert set(found.tables) == {"ashburn"}
    (verdict,) = found.verdicts
    assert verdict.reason is ConditionReason.INTERNAL_ERROR


def test_the_message_says_where_and_not_what() -> None:
    trunk = make.make_trunk()
    with failing(trunks, "_refusal", trunk.ref):
        found = compile_resources(make.make_resources(trunk, make.make_edge()))
    (verdict,) = (each for each in found.verdicts if each.ref == trunk.ref)
    assert "KeyError at compiler/" in verdict.message
    assert "everything else is" in verdict.message
    assert PLANTED not in verdict.message


def test_a_machine_without_memory_refuses_nobody() -> None:
    """It says nothing of the object, and the next turn may have some."""

    class Greedy:
        def __getattr__(self, name: str) -> Never:
            raise MemoryError

    trunk = make.make_trunk().model_copy(update={"spec": Greedy()})
    with pytest.raises(MemoryError):
        compile_resources(make.make_resources(trunk, make.make_edge()))
