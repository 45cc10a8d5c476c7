"""Passes what one leg of a joined call asks into the other leg, and the answer back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from sipedge.b2bua.events import Moved, NotMoved
from sipedge.b2bua.sip.dialog import Dialog
from sipedge.b2bua.sip.message import Message
from sipedge.b2bua.stack import Stack
from sipedge.b2bua.transactions import ClientTransaction, OnAnswer, ServerTransaction, no_matter
from sipedge.routing.handover import SPEAK, Spoken
from sipedge.routing.message.sdp import SDP_TYPE

_OUT_OF_ORDER: Final = (500, "Server Internal Error")
_PASSED: Final = ("event", "subscription-state", "info-package", "reason", "privacy", "user-to-user")
"""Headers of a request that mean the same to the other leg."""
_REFUSALS: Final = {
    400: "Bad Request", 403: "Forbidden", 405: "Method Not Allowed", 481: "Call/Transaction Does Not Exist",
    488: "Not Acceptable Here", 491: "Request Pending", 503: "Service Unavailable",
}  # fmt: skip


@dataclass(slots=True, eq=False)
class Leg:
    """One leg of a call: its dialog, which changes with each message, and the stack that it is of."""

    stack: Stack
    dialog: Dialog
    is_up: bool = True

    def follow(self, handler: Callable[[Leg, ServerTransaction], None]) -> None:
        """From now on `handler` gets the leg's requests that are in order."""

        def taken(server: ServerTransaction) -> None:
            after = self.dialog.accepted(server.request)
            if after is None:
                server.answer(*_OUT_OF_ORDER)
                return
            self.dialog = after
            handler(self, server)

        self.stack.follow(self.dialog, taken)

    def send(
        self,
        method: str,
        heard: OnAnswer,
        headers: tuple[tuple[str, str], ...] = (),
        *,
        body: str = "",
        kind: str = SDP_TYPE,
        spoken: Spoken = Spoken.RELAYED,
    ) -> ClientTransaction:
        """A request in the leg's dialog."""
        self.dialog, message = self.dialog.request(method, headers, body=body, kind=kind)
        return self.stack.request(self.stack.sealed(message, SPEAK, spoken), heard)

    def acknowledge(
        self,
        client: ClientTransaction,
        answered: Message,
        *,
        body: str = "",
        spoken: Spoken = Spoken.RELAYED,
    ) -> None:
        """The ACK to a 2xx to our INVITE."""
        self.dialog, ack = self.dialog.ack(answered, body=body)
        self.stack.acknowledge(client, answered, self.stack.sealed(ack, SPEAK, spoken))

    def move(
        self,
        session: str,
        happened: Callable[[Moved | NotMoved], None],
        *,
        spoken: Spoken = Spoken.RELAYED,
        is_for_good: Callable[[], bool] = lambda: False,
    ) -> ClientTransaction | None:
        """Send the leg a re-INVITE with this session; what comes of that is told. None: nothing was sent.

        `is_for_good` is asked once it is taken: whether the media of the leg's own call end then.
        """

        def heard(client: ClientTransaction, answered: Message) -> None:
            status = answered.status or 500
            if status < 200:
                return
            if status >= 300:
                happened(NotMoved(status))
                return
            self.acknowledge(client, answered, spoken=Spoken.MOVED if is_for_good() else Spoken.RELAYED)
            happened(Moved())

        if not session:
            # Too long to be remembered: a re-INVITE without one would ask for another.
            happened(NotMoved(500))
            return None
        return self.send("INVITE", heard, body=session, spoken=spoken)

    def end(self, headers: tuple[tuple[str, str], ...] = ()) -> None:
        """BYE, and the leg is over."""
        if self.is_up:
            self.send("BYE", no_matter, headers)
            self.drop()

    def drop(self) -> None:
        """The leg is over: the other end has said so."""
        self.is_up = False
        self.stack.let_go(self.dialog)


def refuse(server: ServerTransaction, status: int, headers: tuple[tuple[str, str], ...] = ()) -> None:
    """Answer a request with a refusal of our own."""
    server.answer(status, _REFUSALS.get(status, "Error"), headers)


def relay(source: Leg, target: Leg, server: ServerTransaction) -> None:
    """Ask the other leg what was asked here, and tell here what it answers. No BYE: that is for the call to
    judge."""
    if server.request.method == "REFER":
        refuse(server, 405)  # it is for the edge to judge, and this call is part of one already
    elif server.request.method == "INVITE":
        _Reinvite(source, target, server).begin()
    else:
        _pass_on(source, target, server)


def _pass_on(source: Leg, target: Leg, server: ServerTransaction) -> None:
    asked = server.request
    is_offer = asked.method == "UPDATE"

    def heard(client: ClientTransaction, answered: Message) -> None:
        status = answered.status or 500
        if status < 200:
            return
        body = answered.body
        if is_offer and body:
            source.dialog, body = source.dialog.answer_body(body)
        if is_offer and status < 300:
            target.dialog = target.dialog.refreshed(answered)
        kind = (("content-type", answered.get("content-type")),) if body else ()
        contact = (("contact", f"<{source.dialog.contact}>"),) if is_offer else ()
        server.answer(status, answered.phrase or "OK", (*contact, *kind), body=body)

    target.send(
        asked.method, heard, asked.kept(*_PASSED), body=asked.body, kind=asked.get("content-type") or SDP_TYPE
    )


@dataclass(slots=True, eq=False)
class _Reinvite:
    """A re-INVITE that is passed on; the ACK, with a late answer in it, as well."""

    source: Leg
    target: Leg
    server: ServerTransaction

    def begin(self) -> None:
        asked = self.server.request
        self.server.answer(100, "Trying")
        client = self.target.send(
            "INVITE",
            self._heard,
            asked.kept(*_PASSED),
            body=asked.body,
            kind=asked.get("content-type") or SDP_TYPE,
        )
        self.server.on_cancel = client.cancel

    def _heard(self, client: ClientTransaction, answered: Message) -> None:
        status = answered.status or 500
        if status < 200:
            return
        if status >= 300:
            self.server.answer(status, answered.phrase or "Error")
            return
        self.target.dialog = self.target.dialog.refreshed(answered)
        if self.server.is_answered:
            self.target.acknowledge(client, answered)
            return
        if self.server.request.body:
            self.target.acknowledge(client, answered)
        else:
            self._wait_for_answer(client, answered)
        self.source.dialog, body = self.source.dialog.answer_body(answered.body)
        contact = ("contact", f"<{self.source.dialog.contact}>")
        self.server.answer(
            200, "OK", (contact, ("content-type", SDP_TYPE)) if body else (contact,), body=body
        )
        self.source.stack.wait_for_ack(self.server)

    def _wait_for_answer(self, client: ClientTransaction, answered: Message) -> None:
        """The offer was in the 2xx: its answer is in the ACK (RFC 3264)."""

        def acked(ack: Message) -> None:
            self.source.dialog = self.source.dialog.refreshed(ack)
            self.target.acknowledge(client, answered, body=ack.body)

        self.server.on_ack = acked
