"""Speech by espeak-ng, robotic and in many languages, or by a program of the platform's for one of them; on
this machine alone."""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Mapping, Sequence
from typing import Final

from sipedge.b2bua.voice.children import DECODER, run_child
from sipedge.b2bua.voice.parts import Failure, Sound
from sipedge.b2bua.voice.shelf import MOST_SECONDS, Shelf
from sipedge.b2bua_settings import SpeechCommand

log = logging.getLogger(__name__)

PROGRAM: Final = "espeak-ng"
DEFAULT_LANGUAGE: Final = "en-us"
LONGEST_TEXT: Final = 4_096
"""Characters."""
SPEECH_SECONDS: Final = 20.0
"""For a text to be spoken into a file."""
AT_ONCE: Final = 4
"""Texts that are spoken at a time; others wait."""
OWN_AT_ONCE: Final = 2
"""The same, of a program that is not espeak-ng: neural voices want some hundred megabytes each."""
_WORDS_PER_MINUTE: Final = "150"
_LARGEST: Final = int(MOST_SECONDS * 2 * 22_050) + 1_024
_VOICE: Final = re.compile(r"^ {0,8}[0-9]{1,4} {1,8}([a-z0-9-]{2,32}) ", re.M)


class Speech:
    """A `Speaker`."""

    def __init__(
        self, shelf: Shelf, seconds: float = SPEECH_SECONDS, own: SpeechCommand | None = None
    ) -> None:
        """`own`: what speaks its language in place of espeak-ng, as long as it can."""
        self._shelf, self._seconds, self._own = shelf, seconds, own
        self._languages: frozenset[str] | None = None
        self._room, self._room_of_own = asyncio.Semaphore(AT_ONCE), asyncio.Semaphore(OWN_AT_ONCE)

    async def say(self, text: str, language: str) -> Sound | Failure:
        """The text, spoken in a language of espeak-ng's that comes near to this one (BCP 47)."""
        spoken, own = text[:LONGEST_TEXT], self._own
        if own is not None and language.lower().partition("-")[0] == own.language:
            made = await self._shelf.get(
                f"say by own {spoken}", lambda: self._made(own.arguments, spoken, self._room_of_own)
            )
            if not isinstance(made, Failure):
                return made
            log.warning("espeak-ng speaks instead: %s", made.why)
        known = await self._known()
        voice = voice_of(language, known) or DEFAULT_LANGUAGE
        if known and voice_of(language, known) is None:
            log.warning("espeak-ng does not speak %s: it is read as %s", language, DEFAULT_LANGUAGE)
        return await self._shelf.get(f"say {voice} {spoken}", lambda: self._speak(spoken, voice))

    async def _known(self) -> frozenset[str]:
        """Asked of espeak-ng once; of one that does not answer again."""
        if self._languages is None:
            found = await run_child((PROGRAM, "--voices"), b"", self._seconds, 1 << 20)
            if isinstance(found, Failure):
                return frozenset()
            self._languages = frozenset(_VOICE.findall(found.decode("utf-8", "replace")))
        return self._languages

    async def _speak(self, text: str, voice: str) -> bytes | Failure:
        command = (PROGRAM, "-v", voice, "-s", _WORDS_PER_MINUTE, "-b", "1", "--stdin", "--stdout")
        return await self._made(command, text, self._room)

    async def _made(self, command: Sequence[str], text: str, room: asyncio.Semaphore) -> bytes | Failure:
        async with room:
            made = await run_child(command, text.encode("utf-8", "replace"), self._seconds, _LARGEST)
            if isinstance(made, Failure):
                return made
            return await run_child((*DECODER, str(MOST_SECONDS)), made, self._seconds, _LARGEST)


_NEARBY: Final[Mapping[str, str]] = {"en": "en-us", "fr": "fr-fr", "no": "nb", "zh": "cmn"}
"""What a language without a known region is read as, where espeak-ng has several or another name for it."""


def voice_of(language: str, known: frozenset[str]) -> str | None:
    """The name of the language as espeak-ng has it; None if it has neither it nor one of its regions."""
    wanted = language.lower()
    primary = wanted.partition("-")[0]
    regions = sorted(each for each in known if each.startswith(f"{primary}-"))
    names = (wanted, primary, _NEARBY.get(primary, ""), *regions)
    return next((each for each in names if each in known), None)
