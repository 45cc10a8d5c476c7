"""What a document of call instructions may tell to do, as values. Seconds and characters are bounded by
`read`."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Callback:
    """Where the next document comes from; "" = the URL of the document at hand."""

    url: str = ""
    method: str = "POST"


@dataclass(frozen=True, slots=True)
class Say:
    """A text to be spoken."""

    text: str
    language: str = "en-US"
    loop: int = 1


@dataclass(frozen=True, slots=True)
class Play:
    """A sound file to be played."""

    url: str
    loop: int = 1


@dataclass(frozen=True, slots=True)
class Pause:
    """Silence."""

    seconds: int = 1


Prompt = Say | Play | Pause


@dataclass(frozen=True, slots=True)
class Gather:
    """Digits that the caller shall type."""

    prompts: tuple[Prompt, ...] = ()
    """What is heard meanwhile; the first digit ends it."""
    callback: Callback = Callback()
    timeout_seconds: int = 5
    """Of waiting for the next digit."""
    finish_on: str = "#"
    """A digit that ends the typing and is none of it; "" = none does."""
    digits: int | None = None
    """So many end the typing."""
    is_told_empty: bool = False
    """True: `callback` is asked as well where nothing was typed."""


@dataclass(frozen=True, slots=True)
class Record:
    """What the caller says, kept as a recording."""

    callback: Callback = Callback()
    timeout_seconds: int = 5
    """Of silence that ends it."""
    finish_on: str = "1234567890*#"
    most_seconds: int = 3_600
    has_beep: bool = True


@dataclass(frozen=True, slots=True)
class DialNumber:
    """A telephone number to be called."""

    number: str


@dataclass(frozen=True, slots=True)
class DialSip:
    """A SIP URI to be called."""

    uri: str


@dataclass(frozen=True, slots=True)
class Dial:
    """Somebody whom the caller shall be connected with."""

    target: DialNumber | DialSip
    callback: Callback | None = None
    """Asked when that call is over; None = the next verb is."""
    timeout_seconds: int = 30
    caller_id: str = ""
    """"" = the caller's own."""
    most_seconds: int = 14_400


@dataclass(frozen=True, slots=True)
class Redirect:
    """Another document goes on from here."""

    callback: Callback


@dataclass(frozen=True, slots=True)
class Reject:
    """The call is not answered; means something as the first verb alone."""

    is_busy: bool = False


@dataclass(frozen=True, slots=True)
class Hangup:
    """The call ends."""


Verb = Say | Play | Pause | Gather | Record | Dial | Redirect | Reject | Hangup


@dataclass(frozen=True, slots=True)
class Document:
    """What was read, and what of it was passed over."""

    verbs: tuple[Verb, ...]
    notes: tuple[str, ...] = ()
    """For people: unknown verbs and attributes, values that could not be used. None quotes a text to be
    spoken."""
