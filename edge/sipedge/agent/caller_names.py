"""Asks the platform's source of callers' names over HTTP, and for how long its answers hold (S68-S71).

The source is asked in threads, over connections that stay: a name that comes too late for its call is
there for the next one. While the source fails, it is left alone for a while, and no call waits for it.
"""

from __future__ import annotations

import asyncio
import http.client
import json
import logging
import ssl
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Any, Final
from urllib.parse import quote, urlsplit

from sipedge.agent.kept_answers import Share
from sipedge.agent.lookups import Answer
from sipedge.routing.lookups import CallerNameQuestion
from sipedge.routing.parties import cleaned_name
from sipedge.secret import Secret
from sipedge.table.rows import AnswerRow, Section

log = logging.getLogger(__name__)

PLACE: Final = "{number}"
NAMED_SECONDS: Final = 86_400.0
NAMELESS_SECONDS: Final = 3_600.0
FAILED_SECONDS: Final = 5.0
"""For how long a number is not asked for again of which the source said nothing."""
LARGEST_ANSWER: Final = 4_096
MOST_FAILURES: Final = 5
"""In a row; then the source is not asked for `REST_SECONDS`."""
REST_SECONDS: Final = 10.0
_THREADS: Final = 16


class SourceError(Exception):
    """The source gave no answer that can be used. The text names nothing of its URL, which may hold a key."""


class CallerNames:
    """The source of names that the table in use names; without one nothing is asked."""

    section = Section.ANSWER
    share = Share(at_once=64, at_once_of_account=32, kept=20_000, kept_of_account=5_000)
    seconds = 3.0

    def __init__(self, counts: Counter[str]) -> None:
        """`counts` is told of each look-up: `named`, `nameless` (both succeeded, S71) or `failed`."""
        self._counts = counts
        self._url: Secret | None = None
        self._failures = 0
        self._rests_until = 0.0
        self._threads = ThreadPoolExecutor(_THREADS, "caller names")
        self._idle: list[tuple[Secret, http.client.HTTPConnection]] = []
        """Connections that nobody uses; each is in the hands of one thread, or here."""

    def set_url(self, url: Secret | None) -> None:
        """Ask this one from now on; None = nobody."""
        if url != self._url:
            self._url, self._failures, self._rests_until = url, 0, 0.0

    def is_kept_elsewhere(self, question: CallerNameQuestion) -> bool:
        return False

    async def answer(self, question: CallerNameQuestion) -> Answer:
        url = self._url
        if url is None or time.monotonic() < self._rests_until:
            return Answer(None, 0.0)
        try:
            name = await asyncio.get_running_loop().run_in_executor(
                self._threads, self._ask, url, question.number
            )
        except SourceError as error:
            self._counts["failed"] += 1
            self._note_failure(error)
            return Answer(AnswerRow(""), FAILED_SECONDS)
        self._failures = 0
        self._counts["named" if name else "nameless"] += 1
        return Answer(AnswerRow(name), NAMED_SECONDS if name else NAMELESS_SECONDS)

    def _note_failure(self, error: SourceError) -> None:
        self._failures += 1
        if self._failures == MOST_FAILURES:
            self._failures, self._rests_until = 0, time.monotonic() + REST_SECONDS
            log.warning("callers' names cannot be looked up: %s; calls go on without", error)

    def close(self) -> None:
        """Ask nothing any more."""
        self._threads.shutdown(wait=False, cancel_futures=True)
        while self._idle:
            self._idle.pop()[1].close()

    def _ask(self, url: Secret, number: str) -> str:
        """The name; "" if there is none. In a thread. Raises SourceError."""
        try:
            connection = self._idle_connection(url)
            if connection is None:
                return self._ask_by(self._connect(url), url, number)
            try:
                return self._ask_by(connection, url, number)
            except (OSError, http.client.HTTPException):
                # A connection that the source has closed meanwhile tells nothing of the source.
                return self._ask_by(self._connect(url), url, number)
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise SourceError(_reason(error)) from error

    def _idle_connection(self, url: Secret) -> http.client.HTTPConnection | None:
        try:
            known, connection = self._idle.pop()
        except IndexError:
            return None
        if known == url:
            return connection
        connection.close()
        return None

    def _connect(self, url: Secret) -> http.client.HTTPConnection:
        parts = urlsplit(url.reveal())
        host = parts.hostname or ""
        if parts.scheme == "https":
            return http.client.HTTPSConnection(host, parts.port, timeout=self.seconds, context=_trust())
        return http.client.HTTPConnection(host, parts.port, timeout=self.seconds)

    def _ask_by(self, connection: http.client.HTTPConnection, url: Secret, number: str) -> str:
        parts = urlsplit(url.reveal())
        target = parts._replace(scheme="", netloc="", path=parts.path or "/").geturl()
        try:
            connection.request(
                "GET", target.replace(PLACE, quote(number, safe="")), headers={"Accept": "application/json"}
            )
            response = connection.getresponse()
            body = response.read(LARGEST_ANSWER + 1)
        except BaseException:
            connection.close()
            raise
        if len(body) > LARGEST_ANSWER or response.will_close:
            connection.close()
        else:
            self._idle.append((url, connection))
        return name_in(response.status, body)


def name_in(status: int, body: bytes) -> str:
    """The name that an answer tells, cleaned; "" if it says that there is none. Raises ValueError."""
    if status == 404:
        return ""
    if status != 200:
        raise ValueError(f"HTTP status {status}")
    if len(body) > LARGEST_ANSWER:
        raise ValueError(f"an answer of more than {LARGEST_ANSWER} bytes")
    try:
        document: Any = json.loads(body)
    except (ValueError, RecursionError):
        raise ValueError("an answer that is not JSON") from None
    name = document.get("name") if isinstance(document, dict) else None
    if not isinstance(document, dict) or not isinstance(name, str | None):
        raise ValueError('an answer that is no {"name": "..."}')
    return cleaned_name(name or "")


@cache
def _trust() -> ssl.SSLContext:
    return ssl.create_default_context()


def _reason(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return "no answer"
    if isinstance(error, OSError):
        return error.strerror or type(error).__name__
    # Of http.client's texts some repeat the URL.
    return type(error).__name__ if isinstance(error, http.client.HTTPException) else str(error)
