"""What the events of a recorded call come to: its record's `recording`, and the recorder's job. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import fields
from typing import TYPE_CHECKING, Final

from sipedge.recording.job import Called, Job, Part
from sipedge.recording.legs import Leg, leg_of
from sipedge.recording.modes import Mode
from sipedge.values import key_of

if TYPE_CHECKING:
    from sipedge.calls.told import Line, Told

MOST_RECORDED: Final = 64
"""`recorded` events of one call that are kept: attempts, and descriptions that changed a leg."""


def mode_of(told: Told) -> Mode | None:
    """How the call is recorded; None if no packet of it is written down."""
    said = told.recorded[0].get("mode") if told.recorded else None
    return Mode(said) if said in tuple(Mode) else None


def starts_at(told: Told) -> str | None:
    """From when the recording is kept (S8): the first ringing, or the answer. None = it never began."""
    mode = mode_of(told)
    if mode is None:
        return None
    first = told.ringing if mode.from_ringing and told.ringing is not None else told.answered
    said = first.get("at") if first is not None else None
    return said if isinstance(said, str) else None


def job_of(told: Told) -> Job | None:
    """The recorder's job of a call that is over, or lost; None unless it was recorded."""
    mode, start, call_sid = mode_of(told), starts_at(told), told.begun.get("callSid")
    if mode is None or start is None or not isinstance(call_sid, str):
        return None
    of_begin = {field.name: _text(told.begun, key_of(field.name)) for field in fields(Called)}
    return Job(
        call_sid=call_sid,
        mode=mode,
        trim=told.recorded[0].get("trim") is True,
        parts=_parts(told.recorded),
        call=Called(**of_begin),
        starts_at=start,
        answered_at=_text(told.answered or {}, "at"),
        ends_at=_text(told.ended or {}, "at"),
    )


def _parts(recorded: Iterable[Line]) -> tuple[Part, ...]:
    """One a session, in the order in which they began (S80)."""
    found: dict[str, tuple[dict[int, Leg], dict[int, Leg]]] = {}
    for each in recorded:
        ng_id = each.get("ngId")
        if isinstance(ng_id, str):
            legs = found.setdefault(ng_id, ({}, {}))
            for side, said in zip(legs, (each.get("caller"), each.get("callee")), strict=True):
                _add(side, leg_of(said))
    return tuple(Part(ng_id, *(tuple(side.values()) for side in legs)) for ng_id, legs in found.items())


def _add(side: dict[int, Leg], leg: Leg | None) -> None:
    if leg is not None:
        known = side.get(leg.port)
        side[leg.port] = leg if known is None else known.with_payloads_of(leg)


def _text(line: Line, key: str) -> str | None:
    value = line.get(key)
    return value if isinstance(value, str) else None
