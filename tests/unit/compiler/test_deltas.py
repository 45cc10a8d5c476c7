"""A change tells what it changes, and no row beside."""

from __future__ import annotations

import pytest

from sipedge.table import Section
from support.objects import make_edge, make_number, make_trunk
from trunkline.api import AnyResource, InvalidObject, ObjectRef, Platform
from trunkline.api.faults import FieldError, FieldReason
from trunkline.compiler import numbers
from trunkline.compiler.delta import Delta, InputChanges, Surroundings
from trunkline.compiler.running import RunningCompiler

HQ, LAB = make_trunk("hq", termination={"domainName": "hq"}), make_trunk("lab")
MAIN = make_number("main", number="+442079460000", trunkRef={"name": "hq"})
OTHER = make_number("other", number="+442079460001", trunkRef={"name": "hq"})
EDGE = make_edge("oslo", advertise={"type": "Static", "addresses": ["192.0.2.1"]})


@pytest.fixture
def compiler() -> RunningCompiler:
    """It knows two trunks and two Numbers of the first."""
    made = RunningCompiler(Surroundings(Platform("trunkline.test", open_account=True)))
    made.update(InputChanges({each.ref: each for each in (EDGE, HQ, LAB, MAIN, OTHER)}))
    return made


def told(compiler: RunningCompiler, ref: ObjectRef, thing: AnyResource | InvalidObject | None) -> Delta:
    return compiler.update(InputChanges({ref: thing}))


@pytest.mark.parametrize(
    "absence",
    (None, InvalidObject(HQ.ref, 2, (FieldError("spec", FieldReason.InvalidValue, "is wrong"),))),
    ids=("gone", "refused"),
)
def test_a_trunk_that_ceases_or_begins_to_be_served_rewrites_no_number(
    compiler: RunningCompiler, absence: InvalidObject | None
) -> None:
    """Its Numbers name it whatever becomes of it, and say how they stand."""
    for thing in (absence, HQ):
        delta = told(compiler, HQ.ref, thing)
        assert {section for section, _ in delta.shared} == {Section.TRUNK, Section.DOMAIN}
        assert {MAIN.ref, OTHER.ref} <= set(delta.verdicts)


def test_a_number_that_moves_rewrites_no_trunk(compiler: RunningCompiler) -> None:
    """But for what both say of themselves: how many numbers they have."""
    moved = make_number("main", number="+442079460000", trunkRef={"name": "lab"})
    delta = told(compiler, MAIN.ref, moved)
    assert set(delta.shared) == {(Section.NUMBER, "+442079460000")}
    assert {ref: (facts or {})["numberCount"] for ref, facts in delta.facts.items()} == {
        HQ.ref: 1,
        LAB.ref: 1,
    }


def test_a_claim_that_waited_and_is_another_by_now_has_its_turn_like_any_other(
    compiler: RunningCompiler, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Though what it waited for is given back before that, among other Numbers of a large change."""
    monkeypatch.setattr(numbers, "AT_ONCE", 1)
    number = "+442079460000"
    waiting = make_number("waiting", "beta", created="2026-01-02T00:00:00Z", number=number)
    assert not any(each.status for each in told(compiler, waiting.ref, waiting).verdicts[waiting.ref])
    moved = make_number("main", number="+442079460008", trunkRef={"name": "hq"})
    changed = make_number("waiting", "beta", created="2026-01-02T00:00:00Z", number="+442079460009")
    delta = compiler.update(InputChanges({each.ref: each for each in (moved, changed)}))
    assert delta.faults == ()
    assert all(each.status for each in delta.verdicts[changed.ref])
    assert {key for _, key in delta.shared} == {number, "+442079460008", "+442079460009"}
