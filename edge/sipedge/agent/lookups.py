"""Answers what a suspended call asks: looks it up, has it written, and tells Kamailio to go on.

Workers ask by datagrams to a socket in the instance's directory. What was found is kept for its TTL, so that
the next call need not ask; a name that has no address is remembered as well. Each account has its share of
what is asked at once and of what is kept, and there is a bound for all: over it nothing is found.
"""

from __future__ import annotations

import asyncio
import logging
import os
import secrets
import socket
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from sipedge.agent.location import Name
from sipedge.agent.questions import Dns, NoAnswerError
from sipedge.agent.resolver import find, holding_seconds
from sipedge.instance import InstanceSettings
from sipedge.routing.lookups import LOOKUP_MILLISECONDS, Lookups, lookups_from_text
from sipedge.table.codec import pack_row
from sipedge.table.rows import ResolvedRow
from sipedge.uri import bracketed

log = logging.getLogger(__name__)

LARGEST_QUESTION: Final = 4_096
AT_ONCE: Final = 64
AT_ONCE_OF_ACCOUNT: Final = 8
KEPT: Final = 2_000
KEPT_OF_ACCOUNT: Final = 100
SILENT_SECONDS: Final = 5.0
"""For how long a name is not asked again of which DNS said nothing."""
SWEEP_SECONDS: Final = 1.0


@dataclass(frozen=True, slots=True)
class _Kept:
    account: str
    until: float


class LookupServer:
    """`publish(key, row)` is told rows of section `resolved`, `flush` makes readers see them.

    `is_followed(name)`: the table itself has the name, so its row is the resolver's.
    """

    def __init__(
        self,
        settings: InstanceSettings,
        dns: Dns,
        publish: Callable[[bytes, bytes | None], None],
        flush: Callable[[], None],
        is_followed: Callable[[Name], bool],
    ) -> None:
        self._settings, self._dns = settings, dns
        self._publish, self._flush, self._is_followed = publish, flush, is_followed
        self._kept: dict[Name, _Kept] = {}
        self._asking: Counter[str] = Counter()
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def keys(self) -> frozenset[bytes]:
        """The keys of rows that are kept for calls alone."""
        return frozenset(name.key for name in self._kept)

    async def run(self) -> None:
        """Answer until cancelled."""
        with _bound(self._settings.lookups_socket) as sock:
            sweeping = asyncio.create_task(self._sweep())
            try:
                while True:
                    data = await asyncio.get_running_loop().sock_recv(sock, LARGEST_QUESTION)
                    asked = lookups_from_text(data.decode(errors="replace"))
                    if asked is not None:
                        self._begin(*asked)
            finally:
                for task in (sweeping, *self._tasks):
                    task.cancel()

    def _begin(self, transaction: str, asked: Lookups) -> None:
        task = asyncio.create_task(self._answer(transaction, asked))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _answer(self, transaction: str, asked: Lookups) -> None:
        account = asked.account
        if self._asking[account] < AT_ONCE_OF_ACCOUNT and self._asking.total() < AT_ONCE:
            self._asking[account] += 1
            try:
                async with asyncio.timeout(LOOKUP_MILLISECONDS / 1000):
                    for each in asked.names:
                        await self._look_up(Name(each.host, each.port, each.transport), account)
            except TimeoutError:
                pass  # the call has gone on without it
            except Exception:
                log.exception("a look-up failed")
            finally:
                self._asking[account] -= 1
                if not self._asking[account]:
                    del self._asking[account]
        say_looked_up(self._settings, transaction)

    async def _look_up(self, name: Name, account: str) -> None:
        if name in self._kept or self._is_followed(name):
            return
        try:
            found = await find(name, self._dns, lenient=True)
        except NoAnswerError:
            self._keep(name, account, SILENT_SECONDS)
            return
        self._keep(name, account, holding_seconds(found))
        if found.addresses and not self._is_followed(name):
            self._publish(name.key, pack_row(ResolvedRow(found.addresses)))
            self._flush()

    def _keep(self, name: Name, account: str, seconds: float) -> None:
        mine = [each for each, kept in self._kept.items() if kept.account == account]
        if len(mine) >= KEPT_OF_ACCOUNT:
            self._forget(mine[0])
        elif len(self._kept) >= KEPT:
            self._forget(next(iter(self._kept)))
        self._kept[name] = _Kept(account, time.monotonic() + seconds)

    def _forget(self, name: Name) -> None:
        del self._kept[name]
        if not self._is_followed(name):
            self._publish(name.key, None)

    async def _sweep(self) -> None:
        while True:
            await asyncio.sleep(SWEEP_SECONDS)
            now = time.monotonic()
            for name in [each for each, kept in self._kept.items() if kept.until <= now]:
                self._forget(name)


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


@contextmanager
def _bound(path: Path) -> Iterator[socket.socket]:
    path.unlink(missing_ok=True)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK) as sock:
        # The path of a unix socket may have 107 bytes only (unix(7)); a descriptor's name is short.
        directory = os.open(path.parent, os.O_PATH | os.O_DIRECTORY)
        try:
            sock.bind(f"/proc/self/fd/{directory}/{path.name}")
        finally:
            os.close(directory)
        path.chmod(0o600)
        yield sock
