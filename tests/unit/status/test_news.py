"""Which turns of `Ready` become Events."""

from __future__ import annotations

from trunkline.api import ObjectRef
from trunkline.status.conditions import Condition, Truth
from trunkline.status.news import FALLS, REST, NewsDesk
from trunkline.status.reasons import StatusReason

HQ = ObjectRef("Trunk", "acme", "hq")


def ready(status: Truth, reason: str = "TrunkNotFound") -> Condition:
    return Condition("Ready", status, reason, "", 1, "2026-01-01T00:00:00Z")


def numbers(count: int) -> list[ObjectRef]:
    return [ObjectRef("Number", "acme", f"n{n}") for n in range(count)]


def test_a_fall_and_the_recovery_are_told_once_each() -> None:
    desk = NewsDesk()
    assert desk.news(HQ, ready("True"), ready("False"), 0) == "Warning"
    assert desk.news(HQ, ready("False"), ready("False", "NoEnabledUri"), 0) is None
    assert desk.news(HQ, ready("False"), ready("Unknown"), 0) is None
    assert desk.news(HQ, ready("Unknown"), ready("True"), 0) == "Normal"
    assert desk.news(HQ, ready("True"), ready("True"), 0) is None


def test_what_begins_well_is_no_news() -> None:
    assert NewsDesk().news(HQ, None, ready("True"), 0) is None
    assert NewsDesk().news(HQ, ready("Unknown"), ready("True"), 0) is None


def test_a_missing_edge_is_news_of_the_edge_alone() -> None:
    desk = NewsDesk()
    no_edge = ready("False", StatusReason.NO_EDGE_PODS)
    assert desk.news(HQ, None, no_edge, 0) is None
    assert desk.news(HQ, no_edge, ready("True"), 0) is None


def test_a_first_apply_of_many_objects_tells_of_a_few() -> None:
    """Numbers are applied before their Trunk: not ready, then ready, 300 times."""
    desk = NewsDesk()
    first = [desk.news(ref, None, ready("False"), 0) for ref in numbers(300)]
    then = [desk.news(ref, ready("False"), ready("True"), 1) for ref in numbers(300)]
    assert sum(each is not None for each in (*first, *then)) == REST.most
    assert desk.news(HQ, ready("True"), ready("False"), 1) == "Warning"


def test_a_fall_of_many_objects_is_bounded_too_and_hides_no_other_namespace() -> None:
    desk = NewsDesk()
    fallen = [desk.news(ref, ready("True"), ready("False"), 0) for ref in numbers(300)]
    assert fallen.count("Warning") == FALLS.most
    other = ObjectRef("Trunk", "other", "hq")
    assert desk.news(other, ready("True"), ready("False"), 0) == "Warning"
    assert desk.news(HQ, ready("True"), ready("False"), FALLS.seconds) == "Warning"
