"""The socket of the B2BUA's SIP: it speaks with its own Kamailio over UDP, and with nobody else. Here is who
is told what arrives: a transaction, a dialog, or whoever takes what is new."""

from __future__ import annotations

import asyncio
import logging
import secrets
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final

from sipedge.b2bua.sip import transaction
from sipedge.b2bua.sip.dialog import Dialog, Party, established
from sipedge.b2bua.sip.message import Message, MessageError, read, request
from sipedge.b2bua.sip.transaction import Heard
from sipedge.b2bua.transactions import ClientTransaction, OnAnswer, ServerTransaction, no_matter
from sipedge.fault import describe_fault
from sipedge.routing.handover import HEADER, SPEAK, Spoken
from sipedge.routing.sealed import Proof, Seal
from sipedge.uri import bracketed, without_tag

log = logging.getLogger(__name__)

MOST_TRANSACTIONS: Final = 20_000
_MAGIC: Final = "z9hG4bK"
_HEADER: Final = HEADER.lower()
_OF_CANCEL: Final = ("from", "to", "call-id", "route", "max-forwards")


def new_tag() -> str:
    """A tag, or the random part of a branch or Call-ID."""
    return secrets.token_hex(8)


RequestHandler = Callable[[ServerTransaction], None]


class Stack(asyncio.DatagramProtocol):
    """All transactions of one socket, and to whom requests in dialogs go."""

    def __init__(
        self, address: str, port: int, proxy: tuple[str, int], seal: Seal, on_request: RequestHandler
    ) -> None:
        """`seal` is that of requests that speak for a side of an adopted call."""
        self.address, self.port = address, port
        self._proxy = proxy
        self._seal = seal
        self._on_request = on_request
        self._clients: dict[tuple[str, str], ClientTransaction] = {}
        self._servers: dict[tuple[str, str], ServerTransaction] = {}
        self._unacknowledged: dict[tuple[str, str, int], ServerTransaction] = {}
        """INVITEs that were answered 2xx: their ACK has another branch."""
        self._dialogs: dict[tuple[str, str, str], tuple[Dialog, RequestHandler]] = {}
        self._strays: dict[tuple[str, str], asyncio.TimerHandle] = {}
        self._transport: asyncio.DatagramTransport | None = None

    @property
    def contact(self) -> str:
        """Our own Contact, a URI."""
        return f"sip:{bracketed(self.address)}:{self.port}"

    def connection_made(self, transport: Any) -> None:
        self._transport = transport

    def datagram_received(self, data: bytes, source: Any) -> None:
        """Only what our own Kamailio sends is read."""
        if tuple(source[:2]) != self._proxy or len(data) < 20:
            return
        try:
            message = read(data)
        except MessageError as error:
            log.warning("a datagram is no SIP message: %s", error)
            return
        try:
            self._take(message)
        except Exception as error:
            # Never its text: that may quote a session, with its keys.
            log.error("fault in a %s: %s", message.method, describe_fault(error))

    def send(self, data: bytes) -> None:
        """To our own Kamailio, whatever it is."""
        if self._transport is not None:
            self._transport.sendto(data, self._proxy)

    # --- requests of ours

    def request(self, message: Message, heard: OnAnswer) -> ClientTransaction:
        """Send a request in a transaction of its own."""
        written = self._proven(message).with_headers(("via", self._via()))
        state, actions = transaction.begin_client(is_invite=message.method == "INVITE")
        client = ClientTransaction(self, written, heard, state)
        self._clients[(written.branch, written.method)] = client
        client.begin(actions)
        return client

    def acknowledge(self, client: ClientTransaction, answered: Message, ack: Message) -> None:
        """Send the ACK to a 2xx, and again whenever that 2xx comes again."""
        data = self._proven(ack).with_headers(("via", self._via())).to_bytes()
        client.acks[answered.to_tag] = data
        self.send(data)

    def send_cancel(self, invite: Message) -> None:
        """A CANCEL has the INVITE's branch, and a transaction of its own (RFC 3261 section 9.1)."""
        headers = (
            ("via", invite.get("via")),
            *invite.kept(*_OF_CANCEL),
            ("cseq", f"{invite.cseq[0]} CANCEL"),
        )
        message = Message(f"CANCEL {invite.request_uri} SIP/2.0", headers)
        state, actions = transaction.begin_client(is_invite=False)
        client = ClientTransaction(self, message, no_matter, state)
        self._clients[(message.branch, "CANCEL")] = client
        client.begin(actions)

    def forget_client(self, client: ClientTransaction) -> None:
        self._clients.pop((client.request.branch, client.request.method), None)

    def _via(self) -> str:
        return f"SIP/2.0/UDP {bracketed(self.address)}:{self.port};branch={_MAGIC}{new_tag()};rport"

    def _proven(self, message: Message) -> Message:
        """With the proof that it is ours, if it has none yet."""
        return message if message.get(_HEADER) else self.sealed(message, SPEAK, Spoken.RELAYED)

    def sealed(self, message: Message, purpose: str, told: str) -> Message:
        """With a sealed header that tells that."""
        proof = Proof(self.address, message.call_id, message.cseq[0], message.request_uri)
        value = replace(self._seal, purpose=purpose).value(told, proof, time.time())
        return message.with_headers((_HEADER, value))

    def question(self, user: str) -> Message:
        """An OPTIONS to our own Kamailio, outside any dialog."""
        uri = f"sip:{user}@{bracketed(self.address)}"
        own = f"<{self.contact}>"
        return request(
            "OPTIONS",
            uri,
            (
                ("max-forwards", "1"),
                ("from", f"{own};tag={new_tag()}"),
                ("to", f"<{uri}>"),
                ("call-id", new_tag() + new_tag()),
            ),
            cseq=1,
        )

    # --- dialogs

    def follow(self, dialog: Dialog, handler: RequestHandler) -> None:
        """From now on `handler` gets the requests of the dialog's other end."""
        self._dialogs[dialog.key] = (dialog, handler)

    def let_go(self, dialog: Dialog) -> None:
        """The dialog is over."""
        self._dialogs.pop(dialog.key, None)

    def has_dialog(self, dialog: Dialog) -> bool:
        return dialog.key in self._dialogs

    @property
    def is_idle(self) -> bool:
        """True without any dialog."""
        return not self._dialogs

    # --- what arrives

    def _take(self, message: Message) -> None:
        if message.status is not None:
            self._take_answer(message)
        elif message.method == "ACK":
            self._take_ack(message)
        else:
            self._take_request(message)

    def _take_answer(self, message: Message) -> None:
        client = self._clients.get((message.branch, message.method))
        if client is not None:
            client.take(message)
        elif message.method == "INVITE" and 200 <= (message.status or 0) < 300:
            self.end_stray(message)

    def end_stray(self, answered: Message) -> None:
        """Nobody waits for this 2xx any more: ACK and BYE (RFC 3261 section 13.2.2.4); once, its repetitions
        get ACK. ACK alone in a dialog that goes on: it answers a request of the process before this one."""
        followed = self._dialogs.get((answered.call_id, answered.from_tag, answered.to_tag))
        if followed is not None:
            self._acknowledge_stray(followed[0], answered)
            return
        key = (answered.call_id, answered.to_tag)
        local = without_tag(answered.get("from"))
        empty = Dialog(
            answered.call_id, Party(local, answered.from_tag), Party("", ""), "", contact=self.contact
        )
        dialog = self._acknowledge_stray(established(answered, answered, empty), answered)
        if key in self._strays:
            return
        loop = asyncio.get_running_loop()
        self._strays[key] = loop.call_later(transaction.ENDED, self._strays.pop, key, None)
        _, bye = dialog.request("BYE")
        self.request(bye, no_matter)

    def _acknowledge_stray(self, dialog: Dialog, answered: Message) -> Dialog:
        after, ack = dialog.ack(answered)
        self.send(self._proven(ack).with_headers(("via", self._via())).to_bytes())
        return after

    def _take_ack(self, message: Message) -> None:
        server = self._servers.get((message.branch, "INVITE"))
        if server is None:
            server = self._unacknowledged.get((message.call_id, message.to_tag, message.cseq[0]))
        if server is not None:
            server.ack = message
            server.take(Heard(is_ack=True))

    def _take_request(self, message: Message) -> None:
        known = self._servers.get((message.branch, message.method))
        if known is not None:
            known.take(Heard())
            return
        if len(self._servers) >= MOST_TRANSACTIONS:
            return
        state, _ = transaction.begin_server(is_invite=message.method == "INVITE")
        server = ServerTransaction(self, message, state)
        self._servers[(message.branch, message.method)] = server
        if message.method == "CANCEL":
            self._take_cancel(server)
            return
        key = (message.call_id, message.to_tag, message.from_tag)
        followed = self._dialogs.get(key) if message.to_tag else None
        (self._on_request if followed is None else followed[1])(server)

    def _take_cancel(self, cancel: ServerTransaction) -> None:
        invite = self._servers.get((cancel.request.branch, "INVITE"))
        if invite is None:
            cancel.answer(481, "Call/Transaction Does Not Exist")
            return
        cancel.answer(200, "OK")
        if not invite.is_answered and invite.on_cancel is not None:
            invite.on_cancel()

    def wait_for_ack(self, server: ServerTransaction) -> None:
        """The INVITE was answered 2xx: its ACK comes with a branch of its own."""
        message = server.request
        self._unacknowledged[(message.call_id, server.to_tag, message.cseq[0])] = server

    def forget_server(self, server: ServerTransaction) -> None:
        message = server.request
        self._servers.pop((message.branch, message.method), None)
        self._unacknowledged.pop((message.call_id, server.to_tag, message.cseq[0]), None)
