"""Sound files of tenants, by URL: fetched through the guard, decoded apart, and kept as HTTP allows."""

from __future__ import annotations

import logging
import time
from collections import OrderedDict
from dataclasses import dataclass
from typing import Final

from sipedge.b2bua.twiml.asking import HttpRequest
from sipedge.b2bua.twiml.places import shown
from sipedge.b2bua.voice.children import DECODER, run_child
from sipedge.b2bua.voice.fetch import HttpFetcher
from sipedge.b2bua.voice.guard import Rules
from sipedge.b2bua.voice.parts import Answer, Failure, Sound
from sipedge.b2bua.voice.shelf import MOST_SECONDS, Shelf
from sipedge.b2bua.voice.turns import Turns

log = logging.getLogger(__name__)

LARGEST_FILE: Final = 16 * 1024 * 1024
"""Bytes."""
DECODE_SECONDS: Final = 60.0
AT_ONCE: Final = 8
"""Files that are fetched and decoded at a time."""
OF_ONE_ACCOUNT: Final = 2
"""The same, of one account: its web server may be slow, and nobody else waits for it."""
LONGEST_KEPT_SECONDS: Final = 86_400
MOST_KEPT: Final = 1_000
_LARGEST_SOUND: Final = int(MOST_SECONDS * 16_000) + 1_024


@dataclass(frozen=True, slots=True)
class _Known:
    """What is known of a file that was fetched."""

    etag: str
    until: float
    """As long as it need not be asked for again, by the monotonic clock."""


class WebSounds:
    """`Sounds`."""

    def __init__(self, fetcher: HttpFetcher, shelf: Shelf) -> None:
        self._fetcher, self._shelf = fetcher, shelf
        self._known: OrderedDict[str, _Known] = OrderedDict()
        self._turns = Turns(AT_ONCE, OF_ONE_ACCOUNT)

    async def play(self, url: str, rules: Rules, account: str) -> Sound | Failure:
        """The sound of this file, as it is now, or as its server allows it to be kept."""
        # Who may not ask for a file shall not hear it because another may.
        key = f"play {' '.join(rules.allowed)} {url}"
        known, kept = self._known.get(key), self._shelf.kept(key)
        if known is None or kept is None:
            return await self._shelf.get(key, lambda: self._fetch(key, url, rules, account))
        if time.monotonic() < known.until:
            return kept
        return await self._again(key, url, rules, account, known.etag)

    async def _again(self, key: str, url: str, rules: Rules, account: str, etag: str) -> Sound | Failure:
        """It is too old to be played unasked."""
        async with self._turns.of(account):
            answer = await self._ask(url, rules, etag)
        if isinstance(answer, Failure):
            return answer
        if answer.is_unchanged:
            self._note(key, answer, etag)
            return await self._shelf.get(key, lambda: self._fetch(key, url, rules, account))
        self._shelf.drop(key)

        async def decoded() -> bytes | Failure:
            async with self._turns.of(account):
                return await self._decoded(key, url, answer)

        return await self._shelf.get(key, decoded)

    async def _fetch(self, key: str, url: str, rules: Rules, account: str) -> bytes | Failure:
        async with self._turns.of(account):
            answer = await self._ask(url, rules, "")
            return answer if isinstance(answer, Failure) else await self._decoded(key, url, answer)

    async def _ask(self, url: str, rules: Rules, etag: str) -> Answer | Failure:
        headers = (("If-None-Match", etag),) if etag else ()
        answer = await self._fetcher.ask(
            HttpRequest("GET", url, headers=headers), rules, largest=LARGEST_FILE
        )
        if isinstance(answer, Answer) and answer.is_unchanged and not etag:
            return Failure("the answer says that nothing has changed, which nobody asked")
        return answer

    async def _decoded(self, key: str, url: str, answer: Answer) -> bytes | Failure:
        made = await run_child((*DECODER, str(MOST_SECONDS)), answer.body, DECODE_SECONDS, _LARGEST_SOUND)
        if isinstance(made, Failure):
            log.warning("%s cannot be played: %s", shown(url), made.why)
            return made
        self._note(key, answer, answer.etag)
        return made

    def _note(self, key: str, answer: Answer, etag: str) -> None:
        seconds = min(answer.max_age_seconds or 0, LONGEST_KEPT_SECONDS)
        self._known[key] = _Known(answer.etag or etag, time.monotonic() + seconds)
        self._known.move_to_end(key)
        while len(self._known) > MOST_KEPT:
            self._known.popitem(last=False)
