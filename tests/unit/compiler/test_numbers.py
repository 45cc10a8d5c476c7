"""Claims on numbers: a clever search that must say what a plain comparison says."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest

from support.objects import make_edge, make_number, make_resources
from trunkline.api import Number
from trunkline.compiler import ConditionReason, ConditionType, compile_resources
from trunkline.compiler.numbers import Claims


def overlap(one: Number, other: Number) -> bool:
    return len(one.first) == len(other.first) and one.first <= other.last and other.first <= one.last


def tolerates(one: Number, other: Number) -> bool:
    """A single Number may stand inside a range of its own namespace."""
    same = one.metadata.namespace == other.metadata.namespace
    return same and (one.spec.number is None) != (other.spec.number is None)


def random_number(dice: Random, name: int) -> Number:
    namespace = dice.choice(("acme", "beta"))
    digits = dice.choice(("+1415555{:04d}", "+1415555{:04d}", "+44207946{:04d}"))
    first = dice.randrange(0, 120)
    if dice.random() < 0.5:
        return make_number(f"n{name}", namespace, number=digits.format(first))
    last = min(first + dice.randrange(0, 15), 9999)
    return make_number(
        f"n{name}", namespace, range={"first": digits.format(first), "last": digits.format(last)}
    )


@pytest.mark.parametrize("seed", range(12))
def test_a_conflict_is_found_exactly_where_a_plain_search_finds_one(seed: int) -> None:
    dice, claims = Random(seed), Claims()
    accepted: list[Number] = []
    for position in range(60):
        number = random_number(dice, position)
        in_the_way = [other for other in accepted if overlap(number, other) and not tolerates(number, other)]
        found = claims.conflict(number)
        assert (found is not None) == bool(in_the_way)
        assert found is None or found in in_the_way
        if found is None:
            claims.add(number)
            accepted.append(number)
    assert len(accepted) > 10, "or the test would prove nothing"


@pytest.mark.parametrize(
    ("spec", "reason"),
    (
        ({"number": "+14155550100"}, None),
        ({"number": "+442079460000"}, None),
        ({"number": "+141555501001"}, ConditionReason.NOT_POSSIBLE),
        ({"number": "+9990001"}, ConditionReason.NOT_POSSIBLE),
        ({"number": "+12"}, ConditionReason.NOT_POSSIBLE),
        ({"range": {"first": "+442079460000", "last": "+442079460099"}}, None),
        ({"range": {"first": "+44207946000000", "last": "+44207946000099"}}, ConditionReason.NOT_POSSIBLE),
    ),
)
def test_a_number_that_no_plan_can_have_is_refused(
    spec: dict[str, Any], reason: ConditionReason | None
) -> None:
    number = make_number(**spec)
    compilation = compile_resources(make_resources(number, make_edge()))
    (verdict,) = (
        each
        for each in compilation.verdicts
        if each.ref == number.ref and each.type is ConditionType.ACCEPTED
    )
    assert verdict.status is (reason is None)
    assert reason is None or verdict.reason is reason


def test_of_two_impossible_ends_the_message_always_names_the_first() -> None:
    number = make_number(range={"first": "+44207946000000", "last": "+44207946000099"})
    compilation = compile_resources(make_resources(number, make_edge()))
    (message,) = (each.message for each in compilation.verdicts if each.ref == number.ref)
    assert message.startswith("+44207946000000 ")
