"""What the compiler says of one object: condition-shaped values, no clock, no store."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from trunkline.api import ObjectRef
from trunkline.compiler.reasons import ConditionReason


class ConditionType(StrEnum):
    """The condition types that the compiler decides; `Programmed` and `Ready` need the edges' word."""

    ACCEPTED = "Accepted"
    RESOLVED_REFS = "ResolvedRefs"
    TERMINATION_READY = "TerminationReady"
    ORIGINATION_READY = "OriginationReady"
    FEATURE_UNAVAILABLE = "FeatureUnavailable"
    NUMBER_NOT_VALID = "NumberNotValid"


ABNORMAL_TRUE = frozenset({ConditionType.FEATURE_UNAVAILABLE, ConditionType.NUMBER_NOT_VALID})
"""Conditions that are present only while something is unusual; True is then a warning."""


class Described(Protocol):
    """The part of an API object that a verdict needs."""

    @property
    def ref(self) -> ObjectRef: ...

    @property
    def generation(self) -> int: ...


@dataclass(frozen=True, slots=True)
class Verdict:
    """One condition of one object, about the generation that was compiled."""

    ref: ObjectRef
    generation: int
    type: ConditionType
    status: bool
    reason: ConditionReason
    message: str
    field: str = ""
    """The field at fault, e.g. `spec.termination.domainName`; "" if it is the whole object."""

    @property
    def severity(self) -> str | None:
        """`error`, `warning`, or None for good news."""
        if self.type in ABNORMAL_TRUE:
            return "warning" if self.status else None
        # A trunk that only makes calls has no numbers: its author has nothing to mend.
        return None if self.status or self.reason is ConditionReason.NO_NUMBERS else "error"
