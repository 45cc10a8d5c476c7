"""What a call that follows instructions asks of the world, as the state machine's shell sees it.

Nothing here raises for what strangers do: a document that cannot be had is `NotFetched`, a text that cannot
be spoken or a sound that cannot be played a `Failure`. All of it may be cancelled at any time.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from sipedge.b2bua.twiml.asking import HttpRequest
from sipedge.b2bua.twiml.events import Fetched, NotFetched
from sipedge.b2bua.voice.guard import Rules
from sipedge.recording.job import Called
from sipedge.secret import Secret


@dataclass(frozen=True, slots=True)
class Failure:
    """What could not be had, and why. For the log: it quotes nothing of what was answered, and no query."""

    why: str


@dataclass(frozen=True, slots=True)
class Answer:
    """What an HTTP server has answered with 200."""

    url: str
    """Of the last redirect: what the next URL is relative to."""
    body: bytes
    content_type: str = ""
    """Without its parameters, in lower case."""
    etag: str = ""
    max_age_seconds: int | None = None
    """How long it may be kept unasked; None = it does not say."""
    is_unchanged: bool = False
    """True: it is as it was for the ETag that was given; `body` is empty."""


@dataclass(frozen=True, slots=True)
class Sound:
    """A WAV file of 8 kHz, 16 bit, one channel, which the media relay can read. It may be deleted once the
    relay has begun to play it."""

    path: Path
    seconds: float


@dataclass(frozen=True, slots=True)
class Tenant:
    """Whose call it is, as the table of the edge says at this moment."""

    rules: Rules
    """Where the tenant may have something fetched from."""
    token: Secret | None = None
    """Signs what the tenant's server is asked; None = it goes unsigned."""


class Tenants(Protocol):
    """Accounts of the table."""

    def tenant(self, account: str) -> Tenant | None:
        """None: the table has no such account any more, or there is none yet."""


class Fetcher(Protocol):
    """HTTP, guarded."""

    async def ask(self, request: HttpRequest, rules: Rules) -> Answer | Failure:
        """Ask, within 15 seconds and 64 kB, following at most five redirects, each judged anew."""


class Documents(Protocol):
    """Documents of call instructions."""

    async def ask(
        self, method: str, url: str, parameters: tuple[tuple[str, str], ...], tenant: Tenant
    ) -> Fetched | NotFetched:
        """The document at an absolute URL, signed with the account's token. Why there is none, and what was
        passed over in it, is in the log."""


class Speaker(Protocol):
    """Speech."""

    async def say(self, text: str, language: str) -> Sound | Failure:
        """The text, spoken; a language that is not there is the default one, which the log tells."""


class Sounds(Protocol):
    """Sound files by URL."""

    async def play(self, url: str, rules: Rules, account: str) -> Sound | Failure:
        """The WAV or MP3 file at an absolute URL, for a call of this account."""


@dataclass(frozen=True, slots=True)
class Take:
    """What a Record has heard: mu-law samples of 8 kHz, silence where packets were lost."""

    samples: bytes
    started: float
    """Unix time of the first sample."""

    @property
    def seconds(self) -> float:
        return len(self.samples) / 8_000


class Sink(Protocol):
    """The ear of one call: a UDP socket where the media relay brings what the caller sends, as PCMU/8000
    (payload 0) and telephone-event/8000 (payload 101)."""

    @property
    def port(self) -> int:
        """Where it listens, at the address that it was opened at."""

    def expect(self, events: int) -> None:
        """The payload type of telephone-events, where it is not 101: the caller has chosen it."""

    def begin(self, most_seconds: float) -> None:
        """Record from now on; what is longer is cut."""

    def end(self) -> Take:
        """No more of it; what was heard since `begin`."""

    def close(self) -> None:
        """Idempotent."""


class OpenSink(Protocol):
    """How a sink is opened."""

    async def __call__(
        self, address: str, trunk: str, on_digit: Callable[[str], None], on_speech: Callable[[], None]
    ) -> Sink:
        """Hear at this address, for a call of this trunk. `on_digit`: called once for each key, `0-9*#A-D`,
        when it is first heard; `on_speech`: called for each packet that is not silent, while recording.
        Raises OSError."""


@dataclass(frozen=True, slots=True)
class Kept:
    """A recording that was handed to the recorder."""

    sid: str
    """`RE...`"""
    url: str
    """Where it will be, once it is stored."""
    seconds: int


class Keeper(Protocol):
    """The recordings' store."""

    async def keep(self, take: Take, call_sid: str, called: Called) -> Kept | None:
        """Hand it to the recorder; None if there is no recorder, no sound, or no room for it."""
