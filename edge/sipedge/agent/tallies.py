"""Counts together with the other instances: hears Kamailio's workers and the others, tells both.

Workers tell by datagrams to a socket in the instance's directory, and read the learned store. Instances of
one edge tell one another by sealed datagrams, at once and all of it again from time to time, so that one that
is lost matters little. What other edges count is read from the control plane's records.
"""

from __future__ import annotations

import asyncio
import logging
import socket
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from typing import Final

from sipedge.agent.datagrams import bound_socket
from sipedge.agent.rpc import KamailioRpc, RpcError
from sipedge.agent.surroundings import Surroundings
from sipedge.instance import InstanceSettings, read_edge_secret
from sipedge.secret import Secret
from sipedge.table.codec import pack_row
from sipedge.table.rows import Section
from sipedge.table.tally_names import NEIGHBOURS_KEY, calls_in_progress, tally_id
from sipedge.tallies.book import TallyBook
from sipedge.tallies.clocks import ClockWatch
from sipedge.tallies.messages import (
    LARGEST,
    MOST_PARTS,
    SKEW_SECONDS,
    Message,
    Skewed,
    State,
    seal,
    sealing_key,
    unseal,
)
from sipedge.tallies.parts import DAY_SECONDS, Part, Span
from sipedge.tallies.records import recorded_text
from sipedge.tallies.told import told_part

log = logging.getLogger(__name__)

BEAT_SECONDS: Final = 0.25
"""Everybody speaks so often, be there anything to tell or not."""
MESSAGES_A_BEAT: Final = 10
"""So many messages at most repeat in one beat what was told before."""
PAUSE_SECONDS: Final = 0.002
"""Between two messages to the same instances at least: what comes meanwhile goes into one."""
PAUSE_OF_EACH: Final = 0.0001
"""More of a pause for each instance that hears them."""
AT_ONCE: Final = 500
"""Datagrams that are read before anything else is done."""
CHECK_SECONDS: Final = 10.0
"""How often Kamailio itself is asked which calls it counts: a worker's datagram may be lost."""
Publish = Callable[[Section, bytes, bytes | None], None]


class TallyExchange:
    """One instance's part in what is counted together.

    `publish` is told rows of the learned store, `flush` makes readers see them.
    """

    def __init__(
        self,
        settings: InstanceSettings,
        surroundings: Surroundings,
        publish: Publish,
        flush: Callable[[], None],
    ) -> None:
        self._settings, self._surroundings = settings, surroundings
        self._publish, self._flush = publish, flush
        # As its neighbours know it: a Lease has the name of its pod.
        self._name = surroundings.pod_name or settings.address
        self._book = TallyBook(settings.edge, self._name)
        self._voice: _Voice | None = None
        self._unpublished: set[bytes] = set()
        self._untold: dict[tuple[bytes, Span], Part] = {}
        self._told_at = 0.0
        self._is_due = self._has_looked = False
        surroundings.record_tallies(self._recorded)

    # -------------------------------------------------------------- what other parts of the agent use

    def count(self, name: str, value: int, span: Span = Span.NOW) -> None:
        """This instance's own part of the tally `name` is now `value`; of a DAY, of today (UTC).

        Others know within a second, other edges some ten seconds later; `Table.tally` tells calls the sum.
        """
        now = time.time()
        period = int(now) // DAY_SECONDS if span is Span.DAY else 0
        self._note_own(Part(tally_id(name), value, span, period), time.time_ns())

    def others(self, name: str) -> int:
        """The parts of all other instances of a tally that is of no second, as far as they are known."""
        return self._book.others(tally_id(name), time.time())

    def count_before(self, calls: Mapping[str, int]) -> None:
        """The calls in progress by key of the limit that Kamailio has forgotten: it began after them."""
        found = {tally_id(calls_in_progress(key)): count for key, count in calls.items() if count > 0}
        changed = self._book.note_before(found)
        parts = {part.tally: part for part in self._book.own_parts(Span.NOW)}
        self._tell(parts.get(each, Part(each, 0)) for each in changed)
        self._changed(changed)

    # ------------------------------------------------------------------------------------- its own work

    async def run(self) -> None:
        """Until cancelled; then the others are told that this one is gone."""
        while not self._settings.edge_secret_file.exists():  # noqa: ASYNC110 - a pod is given it later
            await asyncio.sleep(BEAT_SECONDS)
        key = sealing_key(read_edge_secret(self._settings.edge_secret_file))
        loop = asyncio.get_running_loop()
        with bound_socket(self._settings.tallies_socket) as own:
            loop.add_reader(own, self._hear_workers, own)
            beating = [asyncio.create_task(each()) for each in (self._look_around, self._check)]
            try:
                await self._beat(key)
            finally:
                loop.remove_reader(own)
                for task in beating:
                    task.cancel()
                if self._voice is not None:
                    self._say(State.GONE)
                    loop.remove_reader(self._voice.socket)
                    self._voice.socket.close()
                    self._voice = None

    def drain(self) -> None:
        """This instance takes no new calls any more."""
        if self._voice is not None:
            self._voice.state = State.DRAINING
            self._say()

    async def _beat(self, key: Secret) -> None:
        waiting: deque[Part] = deque()
        while True:
            if self._voice is None:
                self._open(key)
            now = time.time()
            self._changed(self._book.pass_time(now))
            if self._has_looked:  # until then what was so before says more
                row = self._book.neighbours(now)
                self._publish(Section.NEIGHBOURS, NEIGHBOURS_KEY.encode(), pack_row(row))
                self._flush()
            self._tell_skewed()
            for _ in range(MESSAGES_A_BEAT):
                waiting = waiting or deque(self._book.own_parts(*Span))
                self._say(parts=[waiting.popleft() for _ in range(min(MOST_PARTS, len(waiting)))])
                if not waiting:
                    break
            await asyncio.sleep(BEAT_SECONDS)

    def _tell_skewed(self) -> None:
        if self._voice is None:
            return
        before, now = self._voice.skewed_before, self._voice.clocks.seen
        self._voice.skewed_before = now
        text = (
            "limits are shared out, since other addresses are not heard: the clocks of their machines and of "
        )
        self._surroundings.faults.set(
            "clocks", f"{text}this one differ by more than {SKEW_SECONDS:g} s" if now > before else None
        )

    def _open(self, key: Secret) -> None:
        address = self._settings.address
        try:
            sock = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_DGRAM)
            sock.setblocking(False)
            try:
                sock.bind((address, self._surroundings.tallies_port))
            except OSError:
                sock.close()
                raise
        except OSError as error:
            where = f"{address}, UDP port {self._surroundings.tallies_port}"
            self._surroundings.faults.set(
                "limits", f"other addresses cannot be heard at {where}: {error}; limits are shared out"
            )
            return
        self._surroundings.faults.set("limits", None)
        self._voice = _Voice(sock, key)
        asyncio.get_running_loop().add_reader(sock, self._hear_others, self._voice)

    async def _look_around(self) -> None:
        while True:
            try:
                found = await self._surroundings.neighbours()
            except Exception:
                log.exception("who else serves cannot be read; it is tried again")
                found = None
            if found is not None:  # else nobody is judged by it
                self._changed(self._book.meet(found))
                self._has_looked = True
            await asyncio.sleep(self._surroundings.look_seconds)

    async def _check(self) -> None:
        rpc = KamailioRpc(self._settings.rpc_socket)
        while True:
            stamp = time.time_ns()
            try:
                dump = await rpc.call("htable.dump", "calls")
                counted = {
                    tally_id(calls_in_progress(str(slot["name"]))): int(slot["value"])
                    for entry in dump or ()
                    for slot in entry["slot"]
                }
            except (RpcError, KeyError, TypeError, ValueError):
                pass  # it is starting, or has too many for one answer: what workers tell remains
            else:
                gone = self._book.counting() - counted.keys()
                for tally, value in [*counted.items(), *((each, 0) for each in gone)]:
                    self._note_own(Part(tally, max(0, value)), stamp)
            await asyncio.sleep(CHECK_SECONDS)

    def _recorded(self, renewed: str) -> str | None:
        if self._voice is None:
            return None
        address, port = self._voice.socket.getsockname()[:2]
        return recorded_text(renewed, address, port, self._book.own_parts(Span.NOW, Span.DAY))

    # ------------------------------------------------------------------------------------------ hearing

    def _hear_workers(self, own: socket.socket) -> None:
        for data in _read(own):
            told = told_part(data)
            if told is not None:
                self._note_own(*told)

    def _hear_others(self, voice: _Voice) -> None:
        now = time.time()
        for data in _read(voice.socket):
            message = unseal(data, voice.key, now)
            if isinstance(message, Skewed):
                voice.clocks.note(message)
            elif isinstance(message, Message):
                self._changed(self._book.hear(message, now))

    def _note_own(self, part: Part, stamp: int) -> None:
        if self._book.note_own(part, stamp):
            self._tell([part])
            self._changed((part.tally,))

    # ------------------------------------------------------------------------------------------ telling

    def _tell(self, parts: Iterable[Part]) -> None:
        for part in parts:
            self._untold[part.place] = part

    def _changed(self, tallies: Iterable[bytes]) -> None:
        self._unpublished.update(tallies)
        if (self._unpublished or self._untold) and not self._is_due:
            self._is_due = True
            hearers = len(self._book.hearers())
            due = self._told_at + PAUSE_SECONDS + PAUSE_OF_EACH * hearers
            loop = asyncio.get_running_loop()
            loop.call_later(max(0.0, due - loop.time()), self._pass_on)

    def _pass_on(self) -> None:
        self._is_due, self._told_at = False, asyncio.get_running_loop().time()
        untold, self._untold = list(self._untold.values()), {}
        for start in range(0, len(untold), MOST_PARTS):
            self._say(parts=untold[start : start + MOST_PARTS])
        now = time.time()
        for tally in self._unpublished:
            row = self._book.row(tally, now)
            self._publish(Section.TALLY, tally.hex().encode(), None if row is None else pack_row(row))
        self._unpublished.clear()
        self._flush()

    def _say(self, state: State | None = None, parts: Iterable[Part] = ()) -> None:
        voice, hearers = self._voice, self._book.hearers()
        if voice is None or not hearers:
            return
        address, port = voice.socket.getsockname()[:2]
        message = Message(
            self._settings.edge,
            self._name,
            address,
            port,
            time.time_ns(),
            voice.state if state is None else state,
            tuple(parts),
        )
        data = seal(message, voice.key)
        for hearer in hearers:
            try:
                voice.socket.sendto(data, hearer)
            except OSError:
                pass  # it is repeated; who hears nothing takes this one for silent


class _Voice:
    """The socket by which instances hear one another."""

    def __init__(self, sock: socket.socket, key: Secret) -> None:
        self.socket, self.key = sock, key
        self.state = State.SERVING
        self.clocks = ClockWatch()
        self.skewed_before = 0
        """Messages that had come late at the last look."""


def _read(sock: socket.socket) -> Iterable[bytes]:
    for _ in range(AT_ONCE):
        try:
            yield sock.recv(LARGEST + 1)
        except BlockingIOError:
            return
        except OSError:
            continue  # what was sent there before was refused
