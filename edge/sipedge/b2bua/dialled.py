"""Whom the instructions of a call have asked for by `Dial`: their leg, on the wire."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

from sipedge.b2bua.adoption import invite_to
from sipedge.b2bua.events import Answered, Failed
from sipedge.b2bua.relaying import Leg
from sipedge.b2bua.sip.dialog import Dialog, established
from sipedge.b2bua.sip.message import Message
from sipedge.b2bua.stack import Stack
from sipedge.b2bua.transactions import ClientTransaction, ServerTransaction
from sipedge.b2bua.twiml.verbs import Dial, DialNumber
from sipedge.e164 import is_e164
from sipedge.routing.handover import Instructed

_NO_SESSION: Final = 488
"""Of a target that answers without a session: there is nothing that the caller could be told."""


@dataclass(slots=True, eq=False)
class Dialled:
    """One target after another, of one call."""

    stack: Stack
    happened: Callable[[Answered | Failed], None]
    asked: Callable[[Leg, ServerTransaction], None]
    """Gets the target's requests."""
    invite: ClientTransaction | None = None
    leg: Leg | None = None
    linked_at: float | None = None
    """By the loop's clock: since when caller and target are connected."""

    def call(self, told: Instructed, dial: Dial, base_domain: str, body: str) -> None:
        """Send the INVITE; `body` is the caller's own session."""
        self.leg = self.linked_at = None
        placed, caller = told.placed, told.caller
        if isinstance(dial.target, DialNumber) and not is_e164(placed.calling):
            # A carrier is told a number that the customer may show.
            placed, caller = replace(placed, calling=told.called), f"<sip:{told.called}@{base_domain}>"
        if dial.caller_id:
            placed = replace(placed, calling=dial.caller_id, is_anonymous=False, is_chosen=True)
            caller = f"<sip:{dial.caller_id}@{base_domain}>"
        dialog, message = invite_to(
            self.stack, uri_of(dial, base_domain), placed, caller, told.diversion, body
        )

        def heard(client: ClientTransaction, answered: Message) -> None:
            self._answered(dialog, client, answered)

        self.invite = self.stack.request(message, heard)

    def cancel(self) -> None:
        """Take the INVITE back; whoever answers it all the same gets ACK and BYE."""
        invite, self.invite = self.invite, None
        if invite is not None:
            invite.cancel()

    def link(self) -> None:
        """Caller and target are connected from now on."""
        self.linked_at = asyncio.get_running_loop().time()

    def seconds(self) -> int:
        """For how long they were, to now."""
        if self.linked_at is None:
            return 0
        return round(asyncio.get_running_loop().time() - self.linked_at)

    def _answered(self, dialog: Dialog, client: ClientTransaction, answered: Message) -> None:
        status = answered.status or 500
        if status < 200:
            return
        if client is not self.invite or self.leg is not None:
            if status < 300:
                self.stack.end_stray(answered)
            return
        if status >= 300:
            self.invite = None
            self.happened(Failed(status))
            return
        self.leg = Leg(self.stack, established(client.request, answered, dialog))
        self.leg.follow(self.asked)
        self.leg.acknowledge(client, answered)
        if self.leg.dialog.sdp:
            self.happened(Answered())
            return
        self.leg.end()
        self.invite = None
        self.happened(Failed(_NO_SESSION))


def uri_of(dial: Dial, base_domain: str) -> str:
    """Where the INVITE goes: a number to the platform's own name, as the edge reads numbers for the PSTN."""
    if isinstance(dial.target, DialNumber):
        return f"sip:{dial.target.number}@{base_domain}"
    return dial.target.uri
