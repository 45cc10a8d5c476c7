"""Who has called, and follows instructions: its leg on the wire, and what it hears."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Final

from sipedge.b2bua.errands import Work
from sipedge.b2bua.events import Moved, NotMoved
from sipedge.b2bua.hearing import Hearing
from sipedge.b2bua.relaying import Leg, refuse
from sipedge.b2bua.session import answered_as, made_active, same_media
from sipedge.b2bua.sip.dialog import is_sdp
from sipedge.b2bua.sip.message import Message
from sipedge.b2bua.sip.transaction import ENDED
from sipedge.b2bua.transactions import ServerTransaction
from sipedge.ng.client import NgError
from sipedge.routing.message.sdp import SDP_TYPE

log = logging.getLogger(__name__)

_PHRASES: Final = {486: "Busy Here", 487: "Request Terminated", 503: "Service Unavailable", 603: "Decline"}


def _future() -> asyncio.Future[str]:
    return asyncio.get_running_loop().create_future()


@dataclass(slots=True, eq=False)
class Caller:
    """Of one call, from its INVITE to its end."""

    invite: ServerTransaction
    leg: Leg
    hearing: Hearing
    acknowledged: asyncio.Future[str] = field(default_factory=_future)
    """The session in the ACK, of a caller who has offered none; "" = there is none, or the call is over."""

    @property
    def _contact(self) -> tuple[str, str]:
        return "contact", f"<{self.leg.stack.contact}>"

    def ring(self) -> None:
        """The caller hears that it rings."""
        self.invite.answer(180, "Ringing", (self._contact,), to_tag=self.leg.dialog.local.tag)

    def refuse(self, status: int) -> None:
        """The caller gets no other answer."""
        self.invite.answer(status, _PHRASES.get(status, "Error"), to_tag=self.leg.dialog.local.tag)

    async def answer(self, goes_on: Callable[[], bool]) -> bool:
        """The caller hears the edge from now on; False where that cannot be. `goes_on` is asked before it is
        answered."""
        is_late = not self.leg.dialog.sdp
        session = await self.opened()
        if session is None:
            return False
        if not goes_on():
            return True
        self.leg.dialog, body = self.leg.dialog.answer_body(session)
        if is_late:
            self.invite.on_ack = self._acknowledge
        headers = (self._contact, ("content-type", SDP_TYPE))
        self.invite.answer(200, "OK", headers, to_tag=self.leg.dialog.local.tag, body=body)
        self.leg.stack.wait_for_ack(self.invite)
        return not is_late or await self._is_accepted()

    def gone(self) -> None:
        """Nothing is waited for that the caller might say."""
        if not self.acknowledged.done():
            self.acknowledged.set_result("")

    def _acknowledge(self, ack: Message) -> None:
        self.leg.dialog = self.leg.dialog.refreshed(ack)
        if not self.acknowledged.done():
            self.acknowledged.set_result(self.leg.dialog.sdp)

    async def _is_accepted(self) -> bool:
        try:
            async with asyncio.timeout(ENDED):
                await self.hearing.accept(await self.acknowledged)
        except (NgError, TimeoutError) as error:
            log.warning("call %s: no media to be had: %s", self.hearing.call_sid, error)
            return False
        return True

    async def opened(self) -> str | None:
        """The session by which the caller hears the edge; None where there are no media to be had."""
        try:
            return await self.hearing.open(self.leg.dialog.sdp)
        except (NgError, OSError) as error:
            log.warning("call %s: no media to be had: %s", self.hearing.call_sid, error)
            return None

    async def offered(self, server: ServerTransaction, then: Callable[[Work], None]) -> None:
        """The caller repeats its session, holds, or has moved: what it hears goes on, where it is then.

        `then` does what follows from its ACK.
        """
        session, offer = self.hearing.session, server.request.body
        if session is None or not self.leg.is_up:
            refuse(server, 491)
            return
        if not offer and server.request.method == "UPDATE":
            server.answer(200, "OK", (self._contact,))  # no session is asked for (RFC 3311 section 5.2)
            return
        told = session.told
        if offer and not same_media(made_active(offer), made_active(session.offered)):
            try:
                told = await self.hearing.move(offer)
            except NgError as error:
                log.warning("call %s: a session cannot be had: %s", self.hearing.call_sid, error)
                self.leg.dialog = replace(self.leg.dialog, sdp=session.offered)
                refuse(server, 488)
                return
        self.leg.dialog, body = self.leg.dialog.answer_body(answered_as(offer, told))
        server.answer(200, "OK", (self._contact, ("content-type", SDP_TYPE)), body=body)
        if server.request.method == "INVITE":
            if not offer:
                server.on_ack = lambda ack: then(partial(self._answered, ack))
            self.leg.stack.wait_for_ack(server)

    async def _answered(self, ack: Message) -> None:
        """The caller has asked for a session to answer to, and may have moved by its answer as well."""
        session = self.hearing.session
        if session is None or not (ack.body and is_sdp(ack)):
            return
        self.leg.dialog = self.leg.dialog.refreshed(ack)
        if same_media(made_active(ack.body), made_active(session.offered)):
            return
        try:
            await self.hearing.move(ack.body)
        except NgError as error:
            log.warning("call %s: a session cannot be had: %s", self.hearing.call_sid, error)
            self.leg.dialog = replace(self.leg.dialog, sdp=session.offered)

    def move(self, session: str, happened: Callable[[Moved | NotMoved], None]) -> None:
        """The caller is led to this session; what it says to that is told."""
        if self.leg.is_up:
            self.leg.move(session, happened)
