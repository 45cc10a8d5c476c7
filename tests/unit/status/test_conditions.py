"""How a new set of conditions follows an old one."""

from __future__ import annotations

from trunkline.status.conditions import Condition, Opinion, condition_from, merge, truth

BEFORE = Condition("Ready", "True", "Ready", "ready", 1, "2026-01-01T00:00:00Z")
NOW = "2026-02-02T00:00:00Z"


def merged(opinion: Opinion) -> Condition:
    (condition,) = merge({"Ready": BEFORE}, [opinion], 2, NOW)
    return condition


def test_time_moves_with_the_status_alone() -> None:
    """A new reason, message or generation is no transition."""
    same = merged(Opinion("Ready", "True", "Other", "other words"))
    assert same == Condition("Ready", "True", "Other", "other words", 2, BEFORE.last_transition_time)
    assert merged(Opinion("Ready", "False", "Ready", "ready")).last_transition_time == NOW
    assert merged(Opinion("Ready", "Unknown", "Ready", "ready")).last_transition_time == NOW


def test_condition_without_opinion_is_gone() -> None:
    """Abnormal conditions disappear with their cause."""
    (condition,) = merge({"Stalled": BEFORE}, [Opinion("Accepted", "True", "Accepted", "")], 1, NOW)
    assert condition.type == "Accepted"


def test_causes_come_before_outcomes() -> None:
    """The order does not depend on who had an opinion first; unknown types come last."""
    opinions = [Opinion(kind, "True", "X", "") for kind in ("Zzz", "Ready", "Programmed", "Accepted")]
    assert [each.type for each in merge({}, opinions, 1, NOW)] == ["Accepted", "Programmed", "Ready", "Zzz"]


def test_dict_round_trip() -> None:
    """What is written to a file is read back."""
    assert condition_from(BEFORE.to_dict()) == BEFORE


def test_words() -> None:
    """Python's three values and Kubernetes's."""
    assert [truth(value) for value in (True, False, None)] == ["True", "False", "Unknown"]
