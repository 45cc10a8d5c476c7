"""Asks DNS for the names of a table's targets and gateways, for as long as the table has them.

Each name has a task of its own, so that a silent one delays no other. While DNS fails, a name keeps
the addresses that it had; an answer that there are none takes them away.
"""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from sipedge.agent.location import Addresses, Ask, Name, Question, Record, Srv, last_resorts, locate
from sipedge.agent.questions import Dns, NoAnswerError
from sipedge.table.codec import TableFormatError, pack_row, unpack_row
from sipedge.table.rows import ResolvedRow, RouteRow, Section, TrunkRow
from sipedge.uri import address_of

log = logging.getLogger(__name__)

SHORTEST_TTL: Final = 5.0
LONGEST_TTL: Final = 3600.0
LONGEST_NEGATIVE_TTL: Final = 60.0
"""Seconds after which a name without addresses is asked again, whatever its zone says."""
FIRST_BACKOFF: Final = 1.0
LONGEST_BACKOFF: Final = 30.0
REDRAW_SECONDS: Final = 10.0
"""How often SRV records of one priority are drawn anew, so that weights hold within a long TTL as well."""
AT_ONCE: Final = 256
FAILING_AT_ONCE: Final = 64
"""Names that failed the last time wait in a lane of their own: many silent ones do not delay the rest."""
ROUNDS: Final = 16


@dataclass(frozen=True, slots=True)
class Found:
    """What a name's questions were answered with."""

    addresses: Addresses
    answers: Mapping[Question, tuple[Record, ...]]
    ttl: float
    """Seconds for which the answers hold."""

    @property
    def has_choice(self) -> bool:
        """True if another draw may give another order."""
        return any(len(records) > 1 and isinstance(records[0], Srv) for records in self.answers.values())


def names_of(trunks: Iterable[bytes], routes: Iterable[bytes]) -> frozenset[Name]:
    """The names that packed trunk and route rows hold; numeric hosts are none."""
    found: set[Name] = set()
    for section, rows in ((Section.TRUNK, trunks), (Section.ROUTE, routes)):
        for data in rows:
            found |= _names_in(section, data)
    return frozenset(found)


@lru_cache(maxsize=65_536)
def _names_in(section: Section, data: bytes) -> frozenset[Name]:
    try:
        row = unpack_row(section, data)
    except TableFormatError as error:
        log.error("%s", error)
        return frozenset()
    hops = row.targets if isinstance(row, TrunkRow) else row.gateways if isinstance(row, RouteRow) else ()
    return frozenset(Name(hop.host, hop.port, hop.transport) for hop in hops if address_of(hop.host) is None)


async def find(name: Name, dns: Dns, *, lenient: bool) -> Found:
    """The addresses of `name` now. Raises NoAnswerError if DNS does not say.

    `lenient`: a NAPTR or SRV question without an answer counts as answered with nothing, as suits a name
    that has no earlier addresses to keep.
    """
    answers: dict[Question, tuple[Record, ...]] = {}
    ttl = LONGEST_TTL
    failure: NoAnswerError | None = None
    for _ in range(ROUNDS):
        step = locate(name, answers, random.random)
        if not isinstance(step, Ask):
            if failure is not None and not step:
                raise failure
            return Found(step, answers, FIRST_BACKOFF if failure else ttl)
        # A name that is slow once is not waited for question by question.
        questions = step.questions | (last_resorts(name) - answers.keys() if failure else frozenset())
        for question, reply in (await _ask_together(dns, questions)).items():
            if isinstance(reply, NoAnswerError):
                if not lenient and question.type in ("NAPTR", "SRV"):
                    raise reply
                answers[question], failure = (), failure or reply
            else:
                answers[question], ttl = reply[0], min(ttl, reply[1])
    raise NoAnswerError(f"{name.host}: more questions than {ROUNDS} rounds answer")


async def _ask_together(
    dns: Dns, questions: Iterable[Question]
) -> dict[Question, tuple[tuple[Record, ...], float] | NoAnswerError]:
    async def ask(question: Question) -> tuple[tuple[Record, ...], float] | NoAnswerError:
        try:
            return await dns.ask(question)
        except NoAnswerError as error:
            return error

    ordered = sorted(questions)
    return dict(zip(ordered, await asyncio.gather(*map(ask, ordered)), strict=True))


class Resolver:
    """Keeps the addresses of all followed names. `publish(key, row)` is told each change of a row."""

    def __init__(self, dns: Dns, publish: Callable[[bytes, bytes | None], None]) -> None:
        self._dns = dns
        self._publish = publish
        self._tasks: dict[Name, asyncio.Task[None]] = {}
        self._asked: dict[Name, asyncio.Event] = {}
        self._lane = asyncio.Semaphore(AT_ONCE)
        self._failing_lane = asyncio.Semaphore(FAILING_AT_ONCE)

    def follow(self, names: frozenset[Name], known: Mapping[bytes, bytes]) -> None:
        """Follow exactly `names` from now on. `known`: the rows that there are, to be kept while DNS fails.

        Rows of names that are not followed are published as gone.
        """
        for name in self._tasks.keys() - names:
            self._tasks.pop(name).cancel()
            self._asked.pop(name).set()
        for name in sorted(names - self._tasks.keys(), key=lambda each: each.key):
            self._asked[name] = asyncio.Event()
            self._tasks[name] = asyncio.create_task(self._keep(name, has_addresses=name.key in known))
        for key in known.keys() - {name.key for name in names}:
            self._publish(key, None)

    def is_followed(self, name: Name) -> bool:
        """True while the name's row is kept here."""
        return name in self._tasks

    async def first_answer(self, name: Name) -> None:
        """Wait until a followed name has been asked for once, whatever DNS has said."""
        if name in self._asked:
            await self._asked[name].wait()

    async def close(self) -> None:
        """Ask nothing any more; the rows stay."""
        tasks = list(self._tasks.values())
        self._tasks.clear()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _keep(self, name: Name, *, has_addresses: bool) -> None:
        failures = 0
        while True:
            try:
                async with self._failing_lane if failures else self._lane:
                    found = await find(name, self._dns, lenient=not has_addresses)
            except NoAnswerError as error:
                failures += 1
                if failures == 1:
                    kept = "its last addresses stay in use" if has_addresses else "it has no address yet"
                    log.warning("%s: %s; %s", name.host, error, kept)
                self._asked[name].set()
                await asyncio.sleep(_backoff(failures))
            except Exception:
                failures += 1
                log.exception("%s: looking it up failed", name.host)
                self._asked[name].set()
                await asyncio.sleep(_backoff(failures))
            else:
                if failures or not found.addresses:
                    log.info("%s: %s", name.host, _in_words(found.addresses))
                failures, has_addresses = 0, bool(found.addresses)
                self._set(name, found.addresses)
                self._asked[name].set()
                await self._hold(name, found)

    async def _hold(self, name: Name, found: Found) -> None:
        """Wait until the answers are too old, with a new draw now and then."""
        until = time.monotonic() + holding_seconds(found)
        while (rest := until - time.monotonic()) > 0:
            await asyncio.sleep(min(rest, REDRAW_SECONDS))
            drawn = locate(name, found.answers, random.random) if found.has_choice else None
            if isinstance(drawn, tuple):
                self._set(name, drawn)

    def _set(self, name: Name, addresses: Addresses) -> None:
        self._publish(name.key, pack_row(ResolvedRow(addresses)) if addresses else None)


def holding_seconds(found: Found) -> float:
    """For how long not to ask again."""
    longest = LONGEST_TTL if found.addresses else LONGEST_NEGATIVE_TTL
    return min(max(found.ttl, SHORTEST_TTL), longest)


def _backoff(failures: int) -> float:
    return min(FIRST_BACKOFF * 2.0 ** min(failures - 1, 10), LONGEST_BACKOFF) * (0.75 + 0.5 * random.random())  # noqa: S311 -- spreads load, guards nothing


def _in_words(addresses: Addresses) -> str:
    if not addresses:
        return "DNS knows no address of it"
    return ", ".join(f"{each.transport} {each.address}:{each.port}" for each in addresses)
