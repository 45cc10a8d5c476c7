"""The B2BUA of one edge address: a process of its own beside Kamailio, and what it is told by it."""

from __future__ import annotations

import asyncio
import faulthandler
import logging
import signal
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Final

from sipedge.b2bua import left
from sipedge.b2bua.instructed_calls import InstructedCall
from sipedge.b2bua.journal import Journal
from sipedge.b2bua.left import Left
from sipedge.b2bua.relaying import refuse
from sipedge.b2bua.replacements import Replacement
from sipedge.b2bua.room import Room
from sipedge.b2bua.sip.message import Message
from sipedge.b2bua.sip.transaction import ENDED
from sipedge.b2bua.stack import Stack
from sipedge.b2bua.tables import Tables
from sipedge.b2bua.transactions import ClientTransaction, ServerTransaction
from sipedge.b2bua.transfers import Transfer
from sipedge.b2bua.voice_room import Voice, VoiceRoom
from sipedge.b2bua.voices import voice_of
from sipedge.b2bua_pulse import BEATS, Pulse
from sipedge.b2bua_settings import B2buaSettings, journal_of
from sipedge.fault import describe_fault
from sipedge.instance import InstanceSettings, read_edge_secret
from sipedge.routing.handover import (
    ADOPT,
    FIND,
    FOUND,
    HEADER,
    INSTRUCT,
    LONGEST,
    SEEK,
    SPEAK,
    TAKEN,
    Adopted,
    Instructed,
    Sought,
    is_waited_for,
    unpacked,
)
from sipedge.routing.sealed import Proof, Seal, Unsealed
from sipedge.store import LmdbRows

log = logging.getLogger(__name__)

MOST_CALLS: Final = 2_000
"""Calls that it has adopted at a time."""
_LONGEST_CALL_SECONDS: Final = 86_400.0
_HEADER: Final = HEADER.lower()


class B2bua:
    """All that it has adopted."""

    def __init__(self, settings: InstanceSettings, tables: Tables, voice: Voice) -> None:
        if settings.b2bua is None:
            raise ValueError("this instance has no B2BUA")
        self._seal = Seal(read_edge_secret(settings.edge_secret_file), SPEAK)
        self._address, self._port = settings.address, settings.b2bua.port
        proxy = (settings.address, settings.ports.udp)
        self.stack = Stack(self._address, self._port, proxy, self._seal, self._asked)
        journal = Journal(journal_of(settings.directory), _LONGEST_CALL_SECONDS)
        self._room = Room(self.stack, journal, settings.b2bua, self.adopted_by, self._find, self._ended)
        self._tables = tables
        self._voice_room = VoiceRoom(
            self.stack, journal, settings.b2bua, voice, tables.base_domain, self._ended
        )
        self._calls: dict[str, Transfer | Replacement | InstructedCall] = {}
        self._over: set[str] = set()
        """CallSids of calls that have ended lately."""
        self._is_draining = False
        self.idle = asyncio.Event()
        """While draining: nothing is adopted any more."""

    def drain(self) -> None:
        """No more REFERs are taken; what is under way goes on, until `idle`."""
        self._is_draining = True
        if not self._calls:
            self.idle.set()

    async def start(self) -> None:
        """Open the socket, and take up again what an earlier process has left."""
        loop = asyncio.get_running_loop()
        await loop.create_datagram_endpoint(lambda: self.stack, local_addr=(self._address, self._port))
        for plain in self._room.journal.read():
            if plain.get("kind") == left.KIND:
                await self._end_left(plain)
                continue
            kind = Replacement if plain.get("kind") == "replacement" else Transfer
            try:
                call = kind.from_plain(self._room, plain)
            except (KeyError, TypeError, ValueError) as error:
                log.error("a call of the journal cannot be taken up: %s", type(error).__name__)
                continue
            if call.is_up:
                self._calls[call.call_id] = call

    async def _end_left(self, plain: dict[str, Any]) -> None:
        """Instructions are lost with the process that followed them."""
        try:
            call = Left.from_plain(plain)
            call.end(self.stack)
        except (KeyError, TypeError, ValueError) as error:
            log.error("a call of the journal cannot be ended: %s", type(error).__name__)
            return
        self._room.journal.forget(call.call_id)
        if call.ng_id:
            await self._voice_room.voice.relay.end(call.ng_id)

    def _asked(self, server: ServerTransaction) -> None:
        """A request in no dialog that is known here."""
        match server.request.method:
            case "OPTIONS":
                server.answer(200, "OK")
            case "REFER":
                self._take(server)
            case "INVITE" if (told := self._told(server.request, INSTRUCT)) is not None:
                self._instruct(server, Instructed.from_text(told))
            case "INVITE":
                self._take_over(server)
            case _:
                refuse(server, 481)

    def _take(self, server: ServerTransaction) -> None:
        adopted = self.adopted_by(server)
        if adopted is None:
            refuse(server, 403)
        elif self._is_draining or len(self._calls) >= MOST_CALLS:
            refuse(server, 503)
        elif adopted.call_id in self._calls or adopted.call_sid in self._over:
            # Its dialog towards the transferor is over: that side has hung up, or the REFER has met a BYE.
            refuse(server, 481)
        else:
            self._calls[adopted.call_id] = Transfer.begin(self._room, adopted, server)

    def _take_over(self, server: ServerTransaction) -> None:
        sought = Sought.from_text(self._told(server.request, SEEK) or "")
        if sought is None:
            self._taken_over(server, unpacked(self._told(server.request, FOUND) or ""), unknown=403)
            return
        server.answer(100, "Trying")
        self._find(sought, lambda call_id: self._taken_over(server, call_id or "", unknown=481))

    def _taken_over(self, server: ServerTransaction, call_id: str, *, unknown: int) -> None:
        call = self._calls.get(call_id)
        if isinstance(call, Replacement):
            call.taken_over(server)
        else:
            refuse(server, unknown if call is None else 481)

    def _instruct(self, server: ServerTransaction, facts: Instructed | None) -> None:
        recovery = None if facts is None else self._tables.recovery(facts.placed.trunk)
        if facts is None or recovery is None:
            refuse(server, 403)
        elif self._is_draining or not self._has_room(facts.placed.trunk, server.request.call_id):
            refuse(server, 503)
        else:
            call = InstructedCall.begin(self._voice_room, facts, recovery, server)
            self._calls[call.call_id] = call

    def _has_room(self, trunk: str, call_id: str) -> bool:
        """Calls are known by their Call-ID alone: of two with the same one the second is not taken."""
        instructed = [each for each in self._calls.values() if isinstance(each, InstructedCall)]
        of_trunk = sum(each.trunk == trunk for each in instructed)
        return (
            call_id not in self._calls
            and len(instructed) < self._room.settings.most_instructed
            and of_trunk < self._room.settings.most_instructed_of_trunk
        )

    def _find(self, sought: Sought, found: Callable[[str | None], None]) -> None:
        """One that is held already, or one of the edge address, which is held from then on."""
        calls = (each for each in self._calls.values() if isinstance(each, Replacement))
        held = next((each.call_id for each in calls if each.is_named(sought.replaces, sought.trunk)), "")
        if held:
            found(held)
            return

        def heard(client: ClientTransaction, answered: Message) -> None:
            adopted = Adopted.from_text(answered.get(_HEADER)) if answered.status == 200 else None
            if answered.status == TAKEN:
                found(None)
                return
            if adopted is not None:
                # Even while draining: for the edge it is here from now on.
                self._calls[adopted.call_id] = Replacement.held(self._room, adopted)
            found("" if adopted is None else adopted.call_id)

        question = self.stack.sealed(self.stack.question("find"), FIND, sought.to_text())
        self.stack.request(question, heard)

    def adopted_by(self, server: ServerTransaction) -> Adopted | None:
        """What the edge has told with this request; None without proof that it was the edge, and that it
        still waits."""
        found = self._unsealed(server.request, ADOPT)
        if found is None or not is_waited_for(time.time() - found.at):
            return None
        return Adopted.from_text(found.told)

    def _told(self, request: Message, purpose: str) -> str | None:
        found = self._unsealed(request, purpose)
        return None if found is None else found.told

    def _unsealed(self, request: Message, purpose: str) -> Unsealed | None:
        proof = Proof(self._address, request.call_id, request.cseq[0], request.request_uri)
        seal = replace(self._seal, purpose=purpose)
        return seal.read(request.get(_HEADER), proof, time.time(), longest=LONGEST)

    def _ended(self, call_id: str) -> None:
        call = self._calls.pop(call_id, None)
        if isinstance(call, Transfer | Replacement):
            self._over.add(call.call_sid)
            asyncio.get_running_loop().call_later(ENDED, self._over.discard, call.call_sid)
        if self._is_draining and not self._calls:
            self.idle.set()


def _note_fault(loop: asyncio.AbstractEventLoop, context: Mapping[str, Any]) -> None:
    """A timer has failed: never in the words of its exception, which may quote a session with its keys."""
    error = context.get("exception")
    told = describe_fault(error) if isinstance(error, BaseException) else "no exception"
    log.error("fault in a timer: %s", told)


async def _beat(pulse: Pulse, settings: B2buaSettings) -> None:
    """Say that the loop turns, as long as it does; where it does not, the process ends in the end."""
    while True:
        try:
            pulse.beat()
        except OSError as error:
            log.error("nothing is handed over: no sign of life can be given: %s", error.strerror)
        # In the words of the code alone: where each thread stands, and no value of anything.
        faulthandler.dump_traceback_later(settings.stuck_seconds, exit=True)
        await asyncio.sleep(settings.hang_seconds / BEATS)


async def run(settings: InstanceSettings) -> None:
    """Serve until SIGTERM; then drain until nothing is adopted any more, or a second one."""
    tables = Tables(LmdbRows(settings.lmdb_directory, settings.learned_directory))
    own = settings.b2bua or B2buaSettings()
    b2bua = B2bua(settings, tables, voice_of(settings, tables))
    await b2bua.start()
    pulse = Pulse(settings.directory)
    beating = asyncio.create_task(_beat(pulse, own))
    ended, killed = asyncio.Event(), asyncio.Event()

    def end() -> None:
        (killed if ended.is_set() else ended).set()

    loop = asyncio.get_running_loop()
    loop.set_exception_handler(_note_fault)
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, end)
    await ended.wait()
    b2bua.drain()
    await asyncio.wait(
        (asyncio.create_task(b2bua.idle.wait()), asyncio.create_task(killed.wait())),
        return_when=asyncio.FIRST_COMPLETED,
    )
    beating.cancel()
    faulthandler.cancel_dump_traceback_later()
    pulse.end()
