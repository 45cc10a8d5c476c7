"""What an Edge says while a roll-out of new pods is halted."""

from __future__ import annotations

from collections.abc import Collection
from typing import Protocol

from trunkline.status.conditions import Opinion
from trunkline.status.reasons import StatusReason


class Rolling(Protocol):
    """How far a roll-out is."""

    @property
    def current(self) -> str:
        """The Edge whose pods are being replaced; "" = none."""

    @property
    def waits(self) -> Collection[str]:
        """Those whose turn has not come."""

    @property
    def halted(self) -> bool:
        """`current` makes no progress."""


def rollout_halted(edge: str, rollout: Rolling) -> Opinion | None:
    """`Deployed=False` of an Edge that waits in a halted roll-out; None of all others.

    The one that halts it tells by its own conditions what is wrong.
    """
    if not rollout.halted or edge not in rollout.waits:
        return None
    message = (
        f"Edge {rollout.current} has its new pods and does not become ready, so this Edge keeps those that "
        f"it has: see the conditions of {rollout.current}; once that is fixed, the roll-out goes on by itself"
    )
    return Opinion("Deployed", "False", StatusReason.ROLLOUT_HALTED, message)
