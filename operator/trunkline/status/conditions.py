"""Conditions as metav1 writes them, and how a new set follows an old one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from trunkline.api.conditions import ConditionType

Truth = Literal["True", "False", "Unknown"]

ORDER: Final = tuple(str(each) for each in ConditionType)
"""How conditions are listed: causes before outcomes."""


@dataclass(frozen=True, slots=True)
class Opinion:
    """A condition that has no time yet."""

    type: str
    status: Truth
    reason: str
    message: str


@dataclass(frozen=True, slots=True)
class Condition:
    """One condition of an object's status."""

    type: str
    status: Truth
    reason: str
    message: str
    observed_generation: int
    last_transition_time: str
    """RFC 3339, UTC."""

    def to_dict(self) -> dict[str, Any]:
        """As an API server stores it."""
        return {
            "type": self.type,
            "status": self.status,
            "observedGeneration": self.observed_generation,
            "lastTransitionTime": self.last_transition_time,
            "reason": self.reason,
            "message": self.message,
        }


def truth(value: bool | None) -> Truth:
    """The word for a condition's status; None = Unknown."""
    return "Unknown" if value is None else "True" if value else "False"


def merge(
    previous: Mapping[str, Condition], opinions: Iterable[Opinion], generation: int, now: str
) -> tuple[Condition, ...]:
    """The conditions that `opinions` make of the `previous` ones, in the order of ORDER.

    A condition that nobody has an opinion on is gone. Its time moves only when its status does, never for
    a new reason, message or generation.
    """
    merged = []
    for opinion in opinions:
        before = previous.get(opinion.type)
        same = before is not None and before.status == opinion.status
        since = before.last_transition_time if before is not None and same else now
        merged.append(
            Condition(opinion.type, opinion.status, opinion.reason, opinion.message, generation, since)
        )
    return tuple(sorted(merged, key=lambda condition: _rank(condition.type)))


def _rank(kind: str) -> tuple[int, str]:
    return (ORDER.index(kind) if kind in ORDER else len(ORDER), kind)


def condition_from(fields: Mapping[str, Any]) -> Condition:
    """The condition that `to_dict` wrote. Raises KeyError or TypeError for what is none."""
    return Condition(
        str(fields["type"]),
        fields["status"],
        str(fields["reason"]),
        str(fields["message"]),
        int(fields["observedGeneration"]),
        str(fields["lastTransitionTime"]),
    )
