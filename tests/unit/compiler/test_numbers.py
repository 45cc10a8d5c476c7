"""Which numbers there can be."""

from __future__ import annotations

from typing import Any

import pytest

from support.objects import make_edge, make_number, make_resources
from trunkline.compiler import ConditionReason, ConditionType, compile_resources


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
