"""What the recorder is told of a recorded session: how it is recorded, and which ports are whose. Pure."""

from __future__ import annotations

from sipedge.calls.events import Recorded
from sipedge.routing.media.sides import MediaMemory


def recorded(memory: MediaMemory, caller_leg: str, callee_leg: str, *, is_up: bool) -> Recorded | None:
    """None: the session is not recorded, or not yet. `is_up`: the call was answered."""
    plan = memory.plan.recording
    if plan is None or not caller_leg or not callee_leg or not (is_up or plan.mode.from_ringing):
        return None
    return Recorded(plan.mode, plan.trim, memory.ng_id, caller_leg, callee_leg)
