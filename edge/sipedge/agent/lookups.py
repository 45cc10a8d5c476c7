"""Answers what a suspended call asks: finds it out, has it written, and tells Kamailio to go on.

Workers ask by datagrams to a socket in the instance's directory. All that one call asks is found out at once,
each for as long as its kind may take. What was found is kept for as long as it holds, so that the next call
need not ask; that there is nothing is remembered as well. Each account has its share of what is asked at once
and of what is kept, and there is a bound for all: over it nothing is found.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
import socket
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Protocol

from sipedge.agent.datagrams import bound_socket
from sipedge.agent.kept_answers import KeptAnswers, Share
from sipedge.instance import InstanceSettings
from sipedge.routing.lookups import Lookups, Question, lookups_from_text
from sipedge.table.codec import pack_row
from sipedge.table.rows import Row, Section
from sipedge.uri import bracketed

log = logging.getLogger(__name__)

LARGEST_QUESTION: Final = 65_536
SWEEP_SECONDS: Final = 1.0


@dataclass(frozen=True, slots=True)
class Answer:
    """What was found, and for how many seconds that holds. No row: nothing that a call could read."""

    row: Row | None
    seconds: float


class Answerer(Protocol):
    """Finds out what questions of one kind ask."""

    section: Section
    """Where its answers are kept, at the questions' keys."""
    share: Share
    seconds: float
    """How long it may take at most. What comes too late for a call is there for the next one."""

    def is_kept_elsewhere(self, question: Any) -> bool:
        """True for a question whose row somebody else writes: nothing of it is kept here."""

    async def answer(self, question: Any) -> Answer:
        """Find it out; what it raises is logged."""


Publish = Callable[[Section, bytes, bytes | None], None]
"""Told a row of what was learned; None = there is none any more."""


class LookupServer:
    """`publish` is told rows, `flush` makes readers see them. `answerers` by kind; others find nothing."""

    def __init__(
        self,
        settings: InstanceSettings,
        publish: Publish,
        flush: Callable[[], None],
        answerers: Mapping[str, Answerer],
    ) -> None:
        self._settings, self._publish, self._flush = settings, publish, flush
        self._answerers = answerers
        self._kept = {kind: KeptAnswers(answerer.share) for kind, answerer in answerers.items()}
        self._asking: dict[str, Counter[str]] = {kind: Counter() for kind in answerers}
        self._finding: dict[Question, asyncio.Task[None]] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def keys(self, section: Section) -> frozenset[bytes]:
        """The keys of a section's rows that are kept for calls alone."""
        return frozenset(
            question.key.encode()
            for kind, kept in self._kept.items()
            if self._answerers[kind].section is section
            for question in kept.questions
        )

    async def run(self) -> None:
        """Answer until cancelled."""
        with bound_socket(self._settings.lookups_socket) as sock:
            sweeping = asyncio.create_task(self._sweep())
            try:
                while True:
                    data = await asyncio.get_running_loop().sock_recv(sock, LARGEST_QUESTION)
                    asked = lookups_from_text(data.decode(errors="replace"))
                    if asked is not None:
                        self._begin(*asked)
            finally:
                for task in (sweeping, *self._tasks, *self._finding.values()):
                    task.cancel()

    def _begin(self, transaction: str, asked: Lookups) -> None:
        task = asyncio.create_task(self._answer(transaction, asked))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _answer(self, transaction: str, asked: Lookups) -> None:
        await asyncio.gather(*(self._find_out(each, asked.account) for each in asked.questions))
        self._flush()
        say_looked_up(self._settings, transaction)

    async def _find_out(self, question: Question, account: str) -> None:
        """Wait for the answer for as long as the call does; who asks the same waits for the same."""
        finding = self._finding.get(question) or self._begin_to_find(question, account)
        if finding is not None:
            await asyncio.wait({finding}, timeout=question.MILLISECONDS / 1000)

    def _begin_to_find(self, question: Question, account: str) -> asyncio.Task[None] | None:
        """None if nothing will be found: it is known that there is nothing, or too much is asked already."""
        answerer = self._answerers.get(question.KIND)
        if answerer is None or question in self._kept[question.KIND]:
            return None
        asking, share = self._asking[question.KIND], answerer.share
        if asking[account] >= share.at_once_of_account or asking.total() >= share.at_once:
            return None
        asking[account] += 1
        task = asyncio.create_task(self._find(answerer, question, account))
        self._finding[question] = task
        return task

    async def _find(self, answerer: Answerer, question: Question, account: str) -> None:
        asking = self._asking[question.KIND]
        try:
            async with asyncio.timeout(answerer.seconds):
                answer = await answerer.answer(question)
            if not answerer.is_kept_elsewhere(question):
                self._keep(answerer, question, account, answer)
        except TimeoutError:
            pass  # nothing is found
        except Exception:
            log.exception("a look-up failed")
        finally:
            del self._finding[question]
            asking[account] -= 1
            if not asking[account]:
                del asking[account]

    def _keep(self, answerer: Answerer, question: Question, account: str, answer: Answer) -> None:
        kept = self._kept[question.KIND]
        gone = kept.keep(question, account, time.monotonic() + answer.seconds)
        if gone is not None:
            self._take_away(answerer, gone)
        row = None if answer.row is None else pack_row(answer.row)
        self._publish(answerer.section, question.key.encode(), row)

    def _take_away(self, answerer: Answerer, question: Question) -> None:
        if not answerer.is_kept_elsewhere(question):
            self._publish(answerer.section, question.key.encode(), None)

    async def _sweep(self) -> None:
        while True:
            await asyncio.sleep(SWEEP_SECONDS)
            now = time.monotonic()
            for kind, kept in self._kept.items():
                for question in kept.expired(now):
                    kept.forget(question)
                    self._take_away(self._answerers[kind], question)


def say_looked_up(settings: InstanceSettings, transaction: str) -> None:
    """Have Kamailio continue the transaction. If this is lost, its own timer does."""
    address, port = settings.address, settings.ports.udp
    host = bracketed(address)
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK) as sock:
            # Kamailio knows the agent by its source.
            sock.bind((address, 0))
            call_id = secrets.token_hex(8)
            lines = (
                f"OPTIONS sip:looked-up@{host}:{port} SIP/2.0",
                f"Via: SIP/2.0/UDP {host}:{sock.getsockname()[1]};rport;branch=z9hG4bK{call_id}",
                "Max-Forwards: 1",
                f"From: <sip:agent@{host}>;tag={call_id}",
                f"To: <sip:looked-up@{host}:{port}>",
                f"Call-ID: {call_id}",
                "CSeq: 1 OPTIONS",
                f"X-Trunkline-Transaction: {transaction}",
                "Content-Length: 0",
            )
            sock.sendto("".join(f"{line}\r\n" for line in (*lines, "")).encode(), (address, port))
    except OSError as error:
        log.warning("Kamailio cannot be told that a look-up has ended: %s", error)
