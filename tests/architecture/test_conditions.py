"""Conditions have the types of one enum, and a status lists them in its order."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from trunkline.api.conditions import ConditionType
from trunkline.status.conditions import Opinion, merge

PRODUCT = Path(__file__).resolve().parents[2] / "operator" / "trunkline"


def opinion_types() -> Iterator[tuple[str, str]]:
    """File and type of each opinion that is written down as text."""
    for path in PRODUCT.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            match node:
                case ast.Call(func=ast.Name(id="Opinion"), args=[ast.Constant(value=str(kind)), *_]):
                    yield path.name, kind


def test_every_opinion_is_on_a_condition_of_the_enum() -> None:
    known = {str(each) for each in ConditionType}
    found = list(opinion_types())
    assert found
    assert [each for each in found if each[1] not in known] == []


def test_what_is_wrong_with_pods_is_listed_before_what_comes_of_it() -> None:
    """`Deployed` was listed last, as a type that nobody knows."""
    said = [
        Opinion(kind, "True", "R", "m") for kind in ("Ready", "FeatureUnavailable", "Deployed", "Accepted")
    ]
    listed = [each.type for each in merge({}, said, 1, "2026-01-01T00:00:00Z")]
    assert listed == ["Accepted", "Deployed", "Ready", "FeatureUnavailable"]
