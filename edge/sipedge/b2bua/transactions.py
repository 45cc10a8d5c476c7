"""A transaction on the wire: carries out what `sip.transaction` decides, with one timer for each name."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import partial
from typing import Final, Protocol

from sipedge.b2bua.sip import transaction
from sipedge.b2bua.sip.message import Message, answer
from sipedge.b2bua.sip.transaction import (
    CancelWanted,
    Client,
    Elapsed,
    Event,
    Heard,
    Phase,
    Said,
    Send,
    Server,
    Stop,
    Tell,
    Timer,
    Wait,
)
from sipedge.b2bua.timers import set_timer, stop_timer

_TIMEOUT: Final = "SIP/2.0 408 Request Timeout"


class Wire(Protocol):
    """What transactions need of the socket that they share."""

    def send(self, data: bytes) -> None:
        """To the other end."""

    def send_cancel(self, invite: Message) -> None:
        """A CANCEL, which is a transaction of its own."""

    def forget_client(self, client: ClientTransaction) -> None:
        """It is over."""

    def forget_server(self, server: ServerTransaction) -> None:
        """It is over."""


OnAnswer = Callable[["ClientTransaction", Message], None]


def no_matter(client: ClientTransaction, answered: Message) -> None:
    """For a request whatever becomes of it."""


@dataclass(slots=True, eq=False)
class ClientTransaction:
    """A request that was sent. `heard` gets each answer but 100, and a 408 of our own after silence."""

    wire: Wire
    request: Message
    heard: OnAnswer
    state: Client
    timers: dict[Timer, asyncio.TimerHandle] = field(default_factory=dict)
    last: Message | None = None
    """The answer at hand."""
    acks: dict[str, bytes] = field(default_factory=dict)
    """ACKs to 2xx by To-tag: the same again for the same 2xx (RFC 3261 section 13.2.2.4)."""

    def cancel(self) -> None:
        """Take an INVITE back; what comes of that, its answer tells."""
        self._step(CancelWanted())

    def take(self, message: Message) -> None:
        self.last = message
        self._step(Heard(message.status))

    def _step(self, event: Event) -> None:
        self.state, actions = transaction.client_step(self.state, event)
        self._do(actions)

    def begin(self, actions: Iterable[transaction.Action]) -> None:
        self._do(actions)

    def _do(self, actions: Iterable[transaction.Action]) -> None:
        for action in actions:
            match action:
                case Send.LAST:
                    self.wire.send(self.request.to_bytes())
                case Send.ACK if self.last is not None:
                    self.wire.send(self._ack(self.last).to_bytes())
                case Send.CANCEL:
                    self.wire.send_cancel(self.request)
                case Wait(timer, seconds):
                    set_timer(self.timers, timer, seconds, partial(self._step, Elapsed(timer)))
                case Stop(timer):
                    stop_timer(self.timers, timer)
                case Tell.HEARD:
                    self._tell()
                case Tell.SILENCE:
                    self.heard(self, Message(_TIMEOUT, self.request.headers))
        if self.state.phase is Phase.OVER:
            self.wire.forget_client(self)

    def _tell(self) -> None:
        if self.last is None:
            return
        status = self.last.status or 0
        known = self.acks.get(self.last.to_tag)
        if known is not None and 200 <= status < 300:
            self.wire.send(known)
        elif status > 100:
            self.heard(self, self.last)

    def _ack(self, refusal: Message) -> Message:
        kept = self.request.kept("from", "call-id", "route", "max-forwards")
        via = ("via", self.request.get("via"))
        cseq = ("cseq", f"{self.request.cseq[0]} ACK")
        return Message(
            f"ACK {self.request.request_uri} SIP/2.0", (via, *kept, ("to", refusal.get("to")), cseq)
        )


@dataclass(slots=True, eq=False)
class ServerTransaction:
    """A request that has arrived."""

    wire: Wire
    request: Message
    state: Server
    timers: dict[Timer, asyncio.TimerHandle] = field(default_factory=dict)
    sent: bytes = b""
    to_tag: str = ""
    """Of our answer; what its ACK is known by, beside Call-ID and CSeq."""
    on_ack: Callable[[Message], None] | None = None
    on_cancel: Callable[[], None] | None = None
    ack: Message | None = None

    @property
    def is_answered(self) -> bool:
        """True once a final answer was sent."""
        return self.state.phase in (Phase.COMPLETED, Phase.CONFIRMED, Phase.OVER)

    def answer(
        self,
        status: int,
        phrase: str,
        headers: Iterable[tuple[str, str]] = (),
        *,
        to_tag: str = "",
        body: str = "",
    ) -> None:
        """Answer; after a final answer nothing more is sent."""
        if self.is_answered:
            return
        message = answer(self.request, status, phrase, headers, to_tag=to_tag, body=body)
        self.sent, self.to_tag = message.to_bytes(), message.to_tag
        self.take(Said(status))

    def take(self, event: Event) -> None:
        self.state, actions = transaction.server_step(self.state, event)
        for action in actions:
            match action:
                case Send.LAST:
                    self.wire.send(self.sent)
                case Wait(timer, seconds):
                    set_timer(self.timers, timer, seconds, partial(self.take, Elapsed(timer)))
                case Stop(timer):
                    stop_timer(self.timers, timer)
                case Tell.HEARD if self.on_ack is not None and self.ack is not None:
                    self.on_ack(self.ack)
        if self.state.phase is Phase.OVER:
            self.wire.forget_server(self)
