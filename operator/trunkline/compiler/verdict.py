"""What the compiler says of one object: condition-shaped values, no clock, no store."""

from __future__ import annotations

from typing import NamedTuple, Protocol

from trunkline.api import ObjectRef
from trunkline.api.conditions import ABNORMAL_TRUE as ABNORMAL_TRUE
from trunkline.api.conditions import ConditionType as ConditionType
from trunkline.compiler.reasons import ConditionReason


class Described(Protocol):
    """The part of an API object that a verdict needs."""

    @property
    def ref(self) -> ObjectRef: ...

    @property
    def generation(self) -> int: ...


class Verdict(NamedTuple):
    """One condition of one object, about the generation that was compiled. A tuple: there are many."""

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
