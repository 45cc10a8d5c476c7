"""The two sides of a call's media, and what the relay between them shall do. Values, and their text."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import Final

from sipedge.recording.modes import Mode
from sipedge.routing.decision import Direction
from sipedge.values import quickly_made, replace

CODECS: Final = ("PCMU", "PCMA", "OPUS", "G729", "AMR-NB")
"""Codecs that a call may have, by the names that Trunk and Carrier have for them."""
DEFAULT_CODECS: Final = ("PCMU", "PCMA")
TRANSCODABLE: Final = ("PCMU", "PCMA", "OPUS", "G729")
"""What rtpengine both reads and writes. AMR it only reads."""


@quickly_made
@dataclass(frozen=True)
class MediaSide:
    """How one side of a call sends and takes media."""

    secure: bool = False
    """True: SRTP alone, with keys by SDES (RFC 4568); False: RTP alone."""
    symmetric: bool = False
    """True: media goes back to where it came from (S25); False: to the address of the SDP (S24)."""
    codecs: tuple[str, ...] = DEFAULT_CODECS
    """Of `CODECS`, those that it may have, in order of preference."""
    transcode: bool = False
    """True: where the other side has none of these codecs, the relay transcodes."""


@quickly_made
@dataclass(frozen=True)
class Transcoding:
    """What the relay changes about the codecs of an offer; names are those of SDP."""

    to: tuple[str, ...]
    """Offered beside those of the sender."""
    hidden: tuple[str, ...] = ()
    """Taken from the sender, not shown to the receiver."""


@quickly_made
@dataclass(frozen=True)
class RecordingPlan:
    """How a call is recorded (S7-S10)."""

    mode: Mode
    trim: bool = False
    """True: silence at the ends is cut off (S10)."""


@quickly_made
@dataclass(frozen=True)
class MediaPlan:
    """What the relay does for one attempt of a call. A call that is not relayed has none."""

    direction: Direction
    caller: MediaSide
    callee: MediaSide
    recording: RecordingPlan | None = None
    asks: tuple[str, ...] = ()
    """For people: what asks for the relay, `always` or fields of the Trunk and the Carrier."""

    def side(self, *, caller: bool) -> MediaSide:
        return self.caller if caller else self.callee

    def is_customer(self, *, caller: bool) -> bool:
        """True for the side of the trunk's PBX."""
        return caller is (self.direction is Direction.TERMINATION)

    def with_any_codec(self) -> MediaPlan:
        """The plan of a call that no codec may refuse."""
        caller, callee = (
            replace(side, codecs=tuple(dict.fromkeys((*side.codecs, *CODECS))))
            for side in (self.caller, self.callee)
        )
        return replace(self, caller=caller, callee=callee)

    def to_text(self) -> str:
        """ASCII without blanks; `from_text` gives an equal plan but for `asks`."""
        return self._text

    @cached_property
    def _text(self) -> str:
        recording = "-" if self.recording is None else _recording_text(self.recording)
        direction = "t" if self.direction is Direction.TERMINATION else "o"
        return f"{direction}/{recording}/{_side_text(self.caller)}/{_side_text(self.callee)}"

    @staticmethod
    def from_text(text: str) -> MediaPlan | None:
        """The plan of `to_text`; None for any other text."""
        return _plan_of(text) if len(text) <= _LONGEST_PLAN else None


_LONGEST_PLAN: Final = 256


@lru_cache(maxsize=256)
def _plan_of(text: str) -> MediaPlan | None:
    # Each message of a call reads it, and most calls of a platform have the same.
    match = _PLAN.fullmatch(text)
    if match is None:
        return None
    direction = Direction.TERMINATION if match[1] == "t" else Direction.ORIGINATION
    caller, callee, recording = _side_of(match[3]), _side_of(match[4]), _recording_of(match[2])
    if caller is None or callee is None or (recording is None and match[2] != "-"):
        return None
    return MediaPlan(direction, caller, callee, recording)


_PLAN: Final = re.compile(r"([to])/(-|[A-Za-z]{1,32}(?:\+trim)?)/([^/]{1,64})/([^/]{1,64})")
_SIDE: Final = re.compile(r"([-s])([-y])([-x]):([A-Z0-9,-]*)")


def _side_text(side: MediaSide) -> str:
    flags = f"{'s' if side.secure else '-'}{'y' if side.symmetric else '-'}{'x' if side.transcode else '-'}"
    return f"{flags}:{','.join(side.codecs)}"


def _side_of(text: str) -> MediaSide | None:
    match = _SIDE.fullmatch(text)
    codecs = tuple(match[4].split(",")) if match is not None and match[4] else ()
    if match is None or not set(codecs) <= set(CODECS):
        return None
    return MediaSide(match[1] == "s", match[2] == "y", codecs, match[3] == "x")


def _recording_text(plan: RecordingPlan) -> str:
    return f"{plan.mode}{'+trim' if plan.trim else ''}"


_MODES: Final = tuple(Mode)


def _recording_of(text: str) -> RecordingPlan | None:
    mode, _, trim = text.partition("+")
    return RecordingPlan(Mode(mode), trim == "trim") if mode in _MODES else None


@quickly_made
@dataclass(frozen=True)
class AgreedPair:
    """What both sides have agreed upon last, as the relay was given it; "" = nothing yet."""

    caller: str = field(default="", repr=False)
    callee: str = field(default="", repr=False)

    def of(self, *, caller: bool) -> str:
        return self.caller if caller else self.callee


@quickly_made
@dataclass(frozen=True)
class MediaMemory:
    """What is remembered of the media of a call that is relayed."""

    plan: MediaPlan
    ng_id: str
    """The relay's name for the attempt that the call is made of: `ng_id_of`."""
    agreed: AgreedPair = field(default=AgreedPair(), repr=False)

    def to_plain(self) -> dict[str, str]:
        """For JSON; `from_plain` gives an equal memory, but for `MediaPlan.asks`. It holds SRTP keys."""
        return {
            "plan": self.plan.to_text(),
            "ng_id": self.ng_id,
            "caller_agreed": self.agreed.caller,
            "callee_agreed": self.agreed.callee,
        }

    @staticmethod
    def from_plain(plain: object) -> MediaMemory | None:
        """The memory of `to_plain`, of which what was agreed may be left out; None for anything else."""
        if not isinstance(plain, dict):
            return None
        told = {name: plain.get(name, "") for name in ("plan", "ng_id", "caller_agreed", "callee_agreed")}
        if not all(isinstance(value, str) for value in told.values()):
            return None
        plan = MediaPlan.from_text(told["plan"])
        agreed = AgreedPair(told["caller_agreed"], told["callee_agreed"])
        return None if plan is None or not told["ng_id"] else MediaMemory(plan, told["ng_id"], agreed)


def ng_id_of(call_sid: str, attempt: int, instance: str = "") -> str:
    """The relay's name for one attempt of a call; `instance` tells edges that share a CallSid apart."""
    return f"{call_sid}.{attempt}{'.' + instance if instance else ''}"
