"""What happens to a call that follows instructions, and what is done of it: the words of `step`."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from sipedge.b2bua.twiml.verbs import Dial, Document, Prompt


class Timer(StrEnum):
    """What a call waits for."""

    DIGIT = "digit"
    """The next digit of a Gather."""
    SILENCE = "silence"
    """The caller says nothing while recorded: set anew by the shell as long as it does."""
    LONGEST = "longest"
    """A Record that may go on no longer."""


# ------------------------------------------------------------------------------------------------- Events


@dataclass(frozen=True, slots=True)
class Fetched:
    """A document is there, read from this URL."""

    document: Document
    url: str


@dataclass(frozen=True, slots=True)
class NotFetched:
    """There is none, or none that can be read."""


@dataclass(frozen=True, slots=True)
class Prompted:
    """What was said, played or silent has come to its end."""

    is_heard: bool = True
    """False: it cannot be said or played."""


@dataclass(frozen=True, slots=True)
class Digit:
    """The caller has pressed a key."""

    key: str


@dataclass(frozen=True, slots=True)
class Recorded:
    """The recording that was stopped is kept."""

    url: str
    seconds: int
    sid: str = ""


@dataclass(frozen=True, slots=True)
class Dialled:
    """The call to somebody else is over. `status`: completed, busy, no-answer, failed, canceled."""

    status: str
    seconds: int
    call_sid: str


@dataclass(frozen=True, slots=True)
class HungUp:
    """The caller has gone."""


@dataclass(frozen=True, slots=True)
class Elapsed:
    timer: Timer


Event = Fetched | NotFetched | Prompted | Digit | Recorded | Dialled | HungUp | Elapsed

# ------------------------------------------------------------------------------------------------ Actions


@dataclass(frozen=True, slots=True)
class Refuse:
    """Answer the INVITE with this status: it was not answered yet."""

    status: int


@dataclass(frozen=True, slots=True)
class Answer:
    """Answer the INVITE with 200, once."""


@dataclass(frozen=True, slots=True)
class Prompting:
    """Say, play or be silent; `Prompted` follows."""

    prompt: Prompt


@dataclass(frozen=True, slots=True)
class StopPrompt:
    """Be silent at once."""


@dataclass(frozen=True, slots=True)
class StartRecording:
    has_beep: bool


@dataclass(frozen=True, slots=True)
class StopRecording:
    """`Recorded` follows if `is_kept`."""

    is_kept: bool


@dataclass(frozen=True, slots=True)
class Call:
    """Connect the caller with somebody; `Dialled` follows."""

    dial: Dial


@dataclass(frozen=True, slots=True)
class StopCall:
    """Take the call to somebody else back, or end it: the caller has gone."""


@dataclass(frozen=True, slots=True)
class Fetch:
    """Ask for the next document with these parameters beside those of the call."""

    url: str
    method: str
    parameters: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class HangUp:
    """End the call."""


@dataclass(frozen=True, slots=True)
class Start:
    timer: Timer
    seconds: int


@dataclass(frozen=True, slots=True)
class Stop:
    timer: Timer


Action = (
    Refuse | Answer | Prompting | StopPrompt | StartRecording | StopRecording | Call | StopCall | Fetch
    | HangUp | Start | Stop
)  # fmt: skip
