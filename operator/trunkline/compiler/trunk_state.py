"""Whether a trunk may be named: the one answer about it that a hundred thousand Numbers need."""

from __future__ import annotations

from enum import StrEnum

from trunkline.compiler.opinions import Fault
from trunkline.compiler.reasons import ConditionReason


class TrunkState(StrEnum):
    """Of a Trunk that exists."""

    REFUSED = "refused"
    SERVED = "served"


def trunk_fault(trunk: str, state: TrunkState | None, gone: str, refused: str) -> Fault | None:
    """What is wrong with a `trunkRef`; `gone` and `refused` say what follows, and the mend."""
    if state is None:
        return Fault(
            ConditionReason.TRUNK_NOT_FOUND, "spec.trunkRef", f"Trunk {trunk} does not exist: {gone}"
        )
    if state is TrunkState.REFUSED:
        message = f"Trunk {trunk} is not accepted: {refused}"
        return Fault(ConditionReason.TRUNK_NOT_ACCEPTED, "spec.trunkRef", message)
    return None
