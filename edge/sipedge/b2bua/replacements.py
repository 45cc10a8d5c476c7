"""An INVITE with Replaces on the wire: carries out what `replace.step` decides, for one adopted call."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass, field
from typing import Any

from sipedge.b2bua import replace as machine
from sipedge.b2bua.adoption import adopted_legs
from sipedge.b2bua.events import Canceled, Elapsed, LeadBack, Refuse, Reinvite, Start, Timer
from sipedge.b2bua.moving import PENDING
from sipedge.b2bua.relaying import Leg, refuse, relay
from sipedge.b2bua.replace import (
    Accept,
    Action,
    Bye,
    Event,
    Phase,
    Role,
    State,
    TakeBack,
)
from sipedge.b2bua.room import Room
from sipedge.b2bua.sip.dialog import Dialog, opened
from sipedge.b2bua.stack import new_tag
from sipedge.b2bua.timers import seconds_of_glare, set_timer, stop_timer
from sipedge.b2bua.transactions import ClientTransaction, ServerTransaction
from sipedge.routing.dialog.refer import Replaces, read_replaces
from sipedge.routing.handover import Adopted, Spoken
from sipedge.routing.message.sdp import SDP_TYPE

log = logging.getLogger(__name__)


@dataclass(slots=True, eq=False)
class Replacement:
    """One adopted call and the leg that takes the place of one of its sides."""

    room: Room
    adopted: Adopted
    going: Leg
    staying: Leg
    new: Leg
    invite: ServerTransaction | None = None
    state: State = field(default_factory=State)
    timers: dict[Timer, asyncio.TimerHandle] = field(default_factory=dict)
    reinvite: ClientTransaction | None = None

    @staticmethod
    def held(room: Room, adopted: Adopted) -> Replacement:
        """A call that the edge has found, as it is: an INVITE may take it over, or never come."""
        going, staying = adopted_legs(room.stack, adopted)
        call = Replacement(room, adopted, going, staying, Leg(room.stack, staying.dialog, is_up=False))
        for leg in (going, staying):
            leg.follow(call._asked)
        room.journal.write(call.call_id, call.to_plain())
        return call

    def taken_over(self, invite: ServerTransaction) -> None:
        """An INVITE takes the place of the side that goes."""
        if self.state.phase is not Phase.RESTORED:
            refuse(invite, 481)
            return
        self.new = Leg(
            self.room.stack, opened(invite.request, tag=new_tag(), contact=self.room.stack.contact)
        )
        self.invite = invite
        invite.on_cancel = lambda: self._happened(Canceled())
        invite.answer(100, "Trying")
        self._become(*machine.begin(self.state))

    def is_named(self, replaces: str, trunk: str) -> bool:
        """True if a trunk's INVITE with that Replaces may take it over."""
        near, far = self.adopted.near, self.adopted.far
        return (
            self.state.phase is Phase.RESTORED
            and self.adopted.placed.trunk == trunk
            and read_replaces(replaces) == Replaces(self.call_id, far.tag, near.tag)
        )

    @property
    def call_id(self) -> str:
        """Of the call that is taken over."""
        return self.adopted.call_id

    @property
    def call_sid(self) -> str:
        return self.adopted.call_sid

    @property
    def is_up(self) -> bool:
        return self.state.phase is not Phase.OVER

    def _happened(self, event: Event) -> None:
        if not self.is_up:
            return
        before = self.state.phase
        self._become(*machine.step(self.state, event))
        log.info("call %s is taken over: %s -> %s", self.adopted.call_sid, before, self.state.phase)

    def _become(self, state: State, actions: tuple[Action, ...]) -> None:
        self.state = state
        if not state.move.is_waiting:
            stop_timer(self.timers, Timer.GLARE)
        if state.phase is not Phase.OVER and state.is_settled:
            self.room.journal.write(self.call_id, self.to_plain())
        for action in actions:
            self._do(action)
        if self.state.phase is Phase.OVER:
            self.room.journal.forget(self.call_id)
            self.room.ended(self.call_id)

    def _do(self, action: Action) -> None:
        match action:
            case Reinvite():
                self._move_staying(Spoken.MOVED, self.new.dialog.sdp)
            case LeadBack():
                self._move_staying(Spoken.BACK, self.going.dialog.sdp)
            case Accept():
                self._accept()
            case Refuse(status):
                if self.invite is not None:
                    self.invite.answer(status, "Not Replaced", to_tag=self.new.dialog.local.tag)
            case TakeBack():
                if self.reinvite is not None:
                    self.reinvite.cancel()
            case Bye(role):
                self._leg(role).end()
            case Start(timer):
                seconds = seconds_of_glare(self.room.settings)
                set_timer(self.timers, timer, seconds, lambda: self._happened(Elapsed(timer)))

    def _leg(self, role: Role) -> Leg:
        return {Role.NEW: self.new, Role.GOING: self.going, Role.STAYING: self.staying}[role]

    def _move_staying(self, way: Spoken, session: str) -> None:
        self.reinvite = self.staying.move(
            session, self._happened, spoken=way, is_for_good=lambda: self.state.move.is_for_good
        )

    def _accept(self) -> None:
        if self.invite is None:
            return
        self.new.dialog, body = self.new.dialog.answer_body(self.staying.dialog.sdp)
        headers = (("contact", f"<{self.room.stack.contact}>"), ("content-type", SDP_TYPE))
        self.invite.answer(200, "OK", headers, to_tag=self.new.dialog.local.tag, body=body)
        self.room.stack.wait_for_ack(self.invite)
        self.new.follow(self._asked)

    def _asked(self, leg: Leg, server: ServerTransaction) -> None:
        """A request of one of the three."""
        role = next(each for each in Role if self._leg(each) is leg)
        method = server.request.method
        if method == "BYE":
            server.answer(200, "OK")
            leg.drop()
            self._happened(Bye(role))
            return
        if method == "REFER" or (method in ("INVITE", "UPDATE") and not self.state.is_settled):
            refuse(server, PENDING)
            return
        linked = {Role.NEW: self.staying, Role.STAYING: self.new}
        before = {Role.GOING: self.staying, Role.STAYING: self.going}
        other = (linked if self.state.phase is Phase.LINKED else before).get(role)
        if other is None or not other.is_up:
            refuse(server, 481)
        else:
            relay(leg, other, server)

    # --- the journal

    def to_plain(self) -> dict[str, Any]:
        """For the journal."""
        return {
            "kind": "replacement",
            "adopted": self.adopted.to_text(),
            "phase": self.state.phase.value,
            "hasGoing": self.state.has_going,
            "legs": {
                role.value: self._leg(role).dialog.to_plain() if self._leg(role).is_up else None
                for role in Role
            },
        }

    @staticmethod
    def from_plain(room: Room, plain: dict[str, Any]) -> Replacement:
        """A call that an earlier process has left, taken up again.

        Raises:
            KeyError, TypeError, ValueError: it is no such call.
        """
        adopted = Adopted.from_text(plain["adopted"])
        if adopted is None:
            raise ValueError("no adopted call")
        going, staying = adopted_legs(room.stack, adopted)
        new = Leg(room.stack, staying.dialog, is_up=False)
        call = Replacement(room, adopted, going, staying, new)
        call.state = State(Phase(plain["phase"]), bool(plain["hasGoing"]))
        for role in Role:
            found, leg = plain["legs"][role.value], call._leg(role)
            leg.is_up = found is not None
            if found is not None:
                leg.dialog = Dialog.from_plain(found)
                leg.follow(call._asked)
        return call
