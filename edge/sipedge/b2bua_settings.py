"""What an instance says of its B2BUA: where it listens, and how long it waits for what."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from sipedge.sha256 import sha256_hex

DEFAULT_PORT: Final = 7060
_BESIDE: Final = 2000
_LAST_PORT: Final = 65_535
DEFAULT_RECOVERY_CALLS: Final = 100
MOST_RECOVERY_CALLS: Final = 2_000
_LANGUAGE: Final = re.compile(r"[A-Za-z]{2,3}(?:-[A-Za-z0-9]{2,8})?", re.ASCII)
_TRUNKS: Final = 5
"""So many trunks fill an address with calls that follow instructions; one alone does not."""


@dataclass(frozen=True, slots=True)
class B2buaSettings:
    """Of one edge address. Times are seconds, which tests shorten."""

    port: int = DEFAULT_PORT
    """UDP, at the edge's own address; what does not come from its own Kamailio is not read."""
    answer_seconds: float = 60.0
    """For the target of a transfer to answer."""
    bye_seconds: float = 32.0
    """For the BYE of a transferor whose transfer is done (S23)."""
    glare_seconds: float = 4.0
    """A re-INVITE that met one of the other side is sent again after half of this to all of it: the B2BUA is
    the owner of no Call-ID that it has adopted (RFC 3261 section 14.1)."""
    most_instructed: int = DEFAULT_RECOVERY_CALLS
    """Calls that follow instructions at a time; what comes then is refused (503). Each costs the relay as
    much as a call that is transcoded."""
    most_instructed_of_trunk: int = DEFAULT_RECOVERY_CALLS // _TRUNKS
    """The same, of one trunk."""
    fetch_seconds: float = 15.0
    """For a document of instructions, or a sound file, to be there, redirects included (S67)."""
    recordings_url: str = ""
    """Where recordings go whose account says nothing of it; "" = that is not known here."""
    hang_seconds: float = 2.0
    """So long after its last sign of life nothing is handed over to it any more."""
    stuck_seconds: float = 30.0
    """So long after it the process ends itself, to be started anew: its journal has its calls."""
    speech_command: str = ""
    """As `read_speech_command` reads it; "" = espeak-ng speaks all languages."""


@dataclass(frozen=True, slots=True)
class SpeechCommand:
    """A program that speaks one language better than espeak-ng: text by its input, a WAV file by its
    output."""

    language: str
    """In lower case, without a region."""
    arguments: tuple[str, ...]


def read_speech_command(text: str) -> SpeechCommand | None:
    """What `LANGUAGE: PROGRAM ARGUMENT...` says, quoted as in a shell; None for "".

    Raises:
        ValueError: what is wrong with it, as the end of a sentence.
    """
    if not text:
        return None
    language, colon, command = text.partition(":")
    if not colon or not _LANGUAGE.fullmatch(language):
        raise ValueError("does not begin with a language: write en: PROGRAM ARGUMENT...")
    try:
        arguments = tuple(shlex.split(command))
    except ValueError:
        raise ValueError("has a quote that is not closed") from None
    if not arguments or not arguments[0].startswith("/"):
        raise ValueError("has no program after its language: write its whole path")
    return SpeechCommand(language.partition("-")[0].lower(), arguments)


def journal_of(directory: Path) -> Path:
    """Where the B2BUA of the instance in this directory keeps what it must know of its calls."""
    return directory / "b2bua"


def journal_file(journal: Path, call_id: str) -> Path:
    """The file of one call in a journal, which is there as long as the call is."""
    return journal / f"{sha256_hex(call_id)[:32]}.json"


def recovery_calls_fault(calls: int) -> str:
    """Why so many calls cannot follow instructions at a time, as the end of a sentence; "" = they can."""
    if 0 <= calls <= MOST_RECOVERY_CALLS:
        return ""
    return f"{calls} is not between 0 and {MOST_RECOVERY_CALLS}"


def recovering(
    calls: int, recordings_url: str = "", *, port: int = DEFAULT_PORT, speech_command: str = ""
) -> B2buaSettings:
    """Settings by what a platform says: so many calls follow instructions at a time, 0 = none does."""
    of_trunk = min(calls, max(1, calls // _TRUNKS))
    return B2buaSettings(
        port,
        most_instructed=calls,
        most_instructed_of_trunk=of_trunk,
        recordings_url=recordings_url,
        speech_command=speech_command,
    )


def b2bua_port(sip_port: int) -> int:
    """Where the B2BUA listens beside a Kamailio that has this UDP port.

    In the network of a node another Edge has another SIP port, and so another one for its B2BUA.
    """
    above = sip_port + _BESIDE
    return above if above <= _LAST_PORT else sip_port - _BESIDE
