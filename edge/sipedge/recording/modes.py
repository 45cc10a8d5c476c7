"""How calls of a trunk are recorded (S6, S8, S9). Pure."""

from __future__ import annotations

from enum import StrEnum


class Mode(StrEnum):
    """From when a call is recorded, and on how many channels. A trunk without one records nothing (S6)."""

    FROM_RINGING = "RecordFromRinging"
    FROM_ANSWER = "RecordFromAnswer"
    FROM_RINGING_DUAL = "RecordFromRingingDual"
    FROM_ANSWER_DUAL = "RecordFromAnswerDual"

    @property
    def from_ringing(self) -> bool:
        """True: from the first 18x of a target on. False: from the answer on (S8)."""
        return self in (Mode.FROM_RINGING, Mode.FROM_RINGING_DUAL)

    @property
    def channels(self) -> int:
        """2: the caller on the first channel, the callee on the second. 1: both on one (S9)."""
        return 2 if self in (Mode.FROM_RINGING_DUAL, Mode.FROM_ANSWER_DUAL) else 1
