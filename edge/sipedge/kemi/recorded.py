"""Tells the recorder of a recorded call which ports of the relay are whose, whenever that changes."""

from __future__ import annotations

from typing import Final

from sipedge.kemi import events
from sipedge.kemi.ksr import KSR
from sipedge.recording.legs import leg_text
from sipedge.routing.media.recorded import recorded
from sipedge.routing.media.sides import MediaMemory

_LEGS: Final = {True: "caller_leg", False: "callee_leg"}
"""Variables of the dialog: the leg of what each side was given last, by whether it is the caller."""
_TOLD: Final = "told_legs"
"""Variable of the dialog: the session and both legs that the recorder was told last."""


def note_given(memory: MediaMemory, *, to_caller: bool, sdp: str, is_up: bool) -> None:
    """One side is given this description by the relay, "" = none; `is_up`: the call is answered."""
    if memory.plan.recording is None:
        return
    if sdp:
        KSR.dialog.var_sets(_LEGS[to_caller], leg_text(sdp))
    caller, callee = (KSR.dialog.var_gete(name) for name in _LEGS.values())
    event = recorded(memory, caller, callee, is_up=is_up)
    told = f"{memory.ng_id} {caller} {callee}"
    if event is not None and KSR.dialog.var_gete(_TOLD) != told:
        KSR.dialog.var_sets(_TOLD, told)
        events.recorded(event, memory.ng_id.partition(".")[0])


def begin_attempt() -> None:
    """Nobody was given anything yet by the attempt that is about to be made."""
    for name in _LEGS.values():
        if KSR.dialog.var_gete(name):
            KSR.dialog.var_sets(name, "")
