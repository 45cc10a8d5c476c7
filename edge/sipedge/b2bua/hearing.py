"""What the caller of an instructed call hears, and what is heard of it: one session of the media relay, and
a sink behind it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from sipedge.b2bua import ear
from sipedge.b2bua.voice.digits import PAYLOAD_TYPE
from sipedge.b2bua.voice.keys import Keys
from sipedge.b2bua.voice.parts import OpenSink, Sink
from sipedge.media_settings import MediaSettings
from sipedge.ng.client import NgClient, NgError, NgUnreachableError
from sipedge.ng.hanging import Event, event_of, mark_after, may_ask
from sipedge.ng.packets import Read
from sipedge.routing.media.commands import Command, Delete

log = logging.getLogger(__name__)

_TRY_SECONDS = 1.0
"""Longer than Kamailio's routes wait, whose workers are few: one thread waits here, and who needs it."""


class RelayClient:
    """The media relay beside Kamailio, asked by one thread, so that nothing else waits for its answers."""

    def __init__(self, settings: MediaSettings | None) -> None:
        """None: there is none."""
        self._client = None if settings is None else NgClient(settings.ng_port, host=settings.control)
        self._thread = ThreadPoolExecutor(1, "media relay")
        self._mark: int | None = None
        """Of a relay that hangs (`ng.hanging`)."""

    async def ask(self, command: Command) -> dict[str, Read]:
        """Its answer. Raises NgError."""
        loop = asyncio.get_running_loop()
        if self._client is None:
            raise NgUnreachableError("there is none", hangs=False)
        if not may_ask(self._mark, loop.time()):
            if command.is_told_anyway:
                # One that only has too much to do would keep the session, and play on.
                await loop.run_in_executor(self._thread, self._client.tell, command.fields())
            raise NgUnreachableError("it did not answer lately", hangs=False)
        self._mark = mark_after(self._mark, Event.ASKED, loop.time())
        try:
            ask = partial(self._client.ask, command.fields(), try_seconds=_TRY_SECONDS)
            answer = await loop.run_in_executor(self._thread, ask)
        except NgError as error:
            self._mark = mark_after(self._mark, event_of(error), loop.time())
            raise
        self._mark = mark_after(self._mark, Event.ANSWERED, loop.time())
        return answer

    async def end(self, ng_id: str) -> None:
        """A session is over, whatever the relay says to that."""
        try:
            await self.ask(Delete(ng_id))
        except NgError as error:
            log.warning("media relay: delete of %s failed: %s", ng_id, error)


@dataclass(frozen=True, slots=True)
class Session:
    """By which a caller hears the edge."""

    ng_id: str
    offered: str = field(repr=False)
    """What the caller has said of itself; "" = nothing yet."""
    told: str = field(default="", repr=False)
    """What the caller is told."""


@dataclass(slots=True, eq=False)
class Hearing:
    """Of one call; it may be opened again after it was closed."""

    relay: RelayClient
    open_sink: OpenSink
    address: str
    """The edge's own."""
    trunk: str
    call_sid: str
    keys: Keys
    on_speech: Callable[[], None]
    sink: Sink | None = None
    number: int = 0
    session: Session | None = None

    async def open(self, sdp: str) -> str:
        """Begin, with the caller's session as it offered it, or with an offer where it has made none; the
        session that it is told.

        Raises NgError, OSError: there are no media to be had.
        """
        await self.close()
        self.number += 1
        ng_id = ear.ng_id_of(self.call_sid, self.number)
        self.sink = await self.open_sink(self.address, self.trunk, self.keys.by_event, self.on_speech)
        self.session = Session(ng_id, sdp)
        if sdp:
            return await self.move(sdp)
        own = ear.sink_session(self.address, self.sink.port, PAYLOAD_TYPE)
        self.session = Session(ng_id, "", await self._session_of(ear.offer_of_sink(ng_id, own)))
        return self.session.told

    async def move(self, sdp: str) -> str:
        """The caller's session is this one from now on; what it is told then. What it hears goes on.

        Raises NgError: there are no media to be had for it.
        """
        if self.session is None or self.sink is None:
            raise NgError("there is no session")
        ng_id = self.session.ng_id
        events = ear.events_payload(await self._session_of(ear.offer(ng_id, sdp)))
        if events is not None:
            self.sink.expect(events)
        own = ear.sink_session(self.address, self.sink.port, events)
        self.session = Session(ng_id, sdp, await self._session_of(ear.answer(ng_id, sdp, own)))
        return self.session.told

    async def accept(self, sdp: str) -> None:
        """The caller has answered what it was offered.

        Raises NgError: there are no media to be had for it.
        """
        if self.session is None:
            raise NgError("there is no session")
        if not sdp:
            raise NgError("the caller has answered none")
        await self._session_of(ear.answer_of_caller(self.ng_id, sdp))
        self.session = Session(self.ng_id, sdp, self.session.told)

    async def _session_of(self, command: Command) -> str:
        """The session description that the relay gives for another one."""
        said = (await self.relay.ask(command)).get("sdp")
        given = said if isinstance(said, str) else ""
        if not given:
            raise NgError("no session description in its answer")
        return given

    @property
    def ng_id(self) -> str:
        """Of the session; "" = there is none."""
        return "" if self.session is None else self.session.ng_id

    async def play(self, file: Path) -> bool:
        """Begin to play a file; False if the relay does not."""
        return self.session is not None and await self._told(ear.PlayMedia(self.ng_id, file=str(file)))

    async def stop(self) -> None:
        """Be silent."""
        if self.session is not None:
            await self._told(ear.StopMedia(self.ng_id))

    async def close(self) -> None:
        """End the session, if there is one."""
        ng_id, self.session = self.ng_id, None
        sink, self.sink = self.sink, None
        if sink is not None:
            sink.close()
        if ng_id:
            await self.relay.end(ng_id)

    async def _told(self, command: Command) -> bool:
        try:
            await self.relay.ask(command)
        except NgError as error:
            if not isinstance(command, ear.StopMedia):  # it may have come to its end already
                log.warning("media relay: %s of %s failed: %s", command.name, command.ng_id, error)
            return False
        return True
