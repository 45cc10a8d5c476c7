"""An instructed call that a process has left behind: what the next one needs to end it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from sipedge.b2bua.relaying import Leg
from sipedge.b2bua.sip.dialog import Dialog
from sipedge.b2bua.sip.message import read
from sipedge.b2bua.sip.transaction import begin_server
from sipedge.b2bua.stack import Stack
from sipedge.b2bua.transactions import ServerTransaction

KIND: Final = "instructed"


@dataclass(frozen=True, slots=True)
class Left:
    """As its file in the journal tells it."""

    call_id: str
    """Of the caller's dialog."""
    invite: str | None
    """The INVITE, if it was not answered."""
    dialogs: tuple[Dialog, ...]
    """Of who is to get a BYE."""
    ng_id: str
    """Of the session by which the caller hears the edge; "" = there is none."""

    def to_plain(self) -> dict[str, Any]:
        """For the journal."""
        return {
            "kind": KIND,
            "callId": self.call_id,
            "invite": self.invite,
            "dialogs": [each.to_plain() for each in self.dialogs],
            "ngId": self.ng_id,
        }

    @staticmethod
    def from_plain(plain: dict[str, Any]) -> Left:
        """What `to_plain` has told.

        Raises:
            KeyError, TypeError, ValueError: it is no such call.
        """
        invite = plain["invite"]
        dialogs = tuple(Dialog.from_plain(each) for each in plain["dialogs"])
        return Left(
            str(plain["callId"]), None if invite is None else str(invite), dialogs, str(plain["ngId"])
        )

    def end(self, stack: Stack) -> None:
        """Its instructions are lost with the process that followed them: refuse it, or hang up.

        Raises:
            ValueError: its INVITE cannot be read.
        """
        if self.invite is not None:
            request = read(self.invite.encode("utf-8", "surrogateescape"))
            state, _ = begin_server(is_invite=True)
            ServerTransaction(stack, request, state).answer(503, "Service Unavailable")
        for dialog in self.dialogs:
            Leg(stack, dialog).end()
