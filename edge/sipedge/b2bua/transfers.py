"""A transfer on the wire: carries out what `transfer.step` decides, for one adopted call."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass, field, replace
from typing import Any, Final

from sipedge.b2bua import transfer
from sipedge.b2bua.adoption import adopted_legs, invite_to
from sipedge.b2bua.events import (
    Answered,
    Cancel,
    Elapsed,
    Failed,
    Invite,
    LeadBack,
    Refuse,
    Reinvite,
    Start,
    Timer,
)
from sipedge.b2bua.moving import PENDING, Move, Way
from sipedge.b2bua.relaying import Leg, refuse, relay
from sipedge.b2bua.room import Room
from sipedge.b2bua.session import made_active
from sipedge.b2bua.sip.dialog import Dialog, established
from sipedge.b2bua.sip.message import Message
from sipedge.b2bua.timers import seconds_of_glare, set_timer, stop_timer
from sipedge.b2bua.transactions import ClientTransaction, ServerTransaction, no_matter
from sipedge.b2bua.transfer import (
    Accept,
    Action,
    Bye,
    Event,
    Notify,
    Phase,
    Progress,
    Restarted,
    State,
)
from sipedge.b2bua.transfer import (
    Leg as Role,
)
from sipedge.routing.handover import TAKEN, Adopted, Placed, Sought, Spoken

log = logging.getLogger(__name__)

_SIPFRAG: Final = "message/sipfrag;version=2.0"
_PHRASES: Final = {100: "Trying", 180: "Ringing", 183: "Session Progress", 200: "OK"}


@dataclass(slots=True, eq=False)
class Transfer:
    """One adopted call and its target."""

    room: Room
    adopted: Adopted
    transferor: Leg
    transferee: Leg
    state: State = field(default_factory=State)
    target: Leg | None = None
    invite: ClientTransaction | None = None
    refer: ServerTransaction | None = None
    refer_cseq: int = 0
    timers: dict[Timer, asyncio.TimerHandle] = field(default_factory=dict)

    @staticmethod
    def begin(room: Room, adopted: Adopted, refer: ServerTransaction) -> Transfer:
        """A REFER that the edge has judged, with its call."""
        transferor, transferee = adopted_legs(room.stack, adopted)
        transferor.dialog = replace(
            transferor.dialog, remote=replace(transferor.dialog.remote, cseq=refer.request.cseq[0])
        )
        call = Transfer(room, adopted, transferor, transferee)
        call._follow()
        call._referred(refer)
        return call

    @property
    def call_id(self) -> str:
        """Of the call that was adopted."""
        return self.adopted.call_id

    @property
    def call_sid(self) -> str:
        return self.adopted.call_sid

    @property
    def is_up(self) -> bool:
        """False once it is over."""
        return self.state.phase is not Phase.OVER

    def _follow(self) -> None:
        for leg in (self.transferor, self.transferee):
            leg.follow(self._asked)

    def _referred(self, refer: ServerTransaction) -> None:
        self.refer, self.refer_cseq = refer, refer.request.cseq[0]
        stop_timer(self.timers, Timer.GLARE)
        self._become(*transfer.begin())

    def referred(self, refer: ServerTransaction) -> None:
        """Another REFER of the transferor, judged by the edge: only where the call is its own again."""
        if not self.state.may_begin:
            refuse(refer, PENDING)
            return
        adopted = self.room.adopted_by(refer)
        if adopted is None:
            refuse(refer, 403)
            return
        self.adopted = replace(
            self.adopted,
            target=adopted.target,
            placed=adopted.placed,
            caller=adopted.caller,
            diversion=adopted.diversion,
            is_silent=adopted.is_silent,
        )
        # What the B2BUA has passed on since may be what the relay has made of it.
        self.transferee.dialog = replace(self.transferee.dialog, sdp=adopted.far.sdp)
        self._referred(refer)

    # --- what is heard

    def _happened(self, event: Event) -> None:
        if not self.is_up:
            return
        before = self.state.phase
        self._become(*transfer.step(self.state, event))
        log.info(
            "transfer of %s: %s, %s -> %s",
            self.adopted.call_sid,
            type(event).__name__,
            before,
            self.state.phase,
        )

    def _become(self, state: State, actions: tuple[Action, ...]) -> None:
        self.state = state
        if state.phase is not Phase.OVER:
            # First: whoever is told a step must find it done, whatever is killed meanwhile.
            self.room.journal.write(self.call_id, self.to_plain())
        for action in actions:
            self._do(action)
        if self.state.phase is Phase.OVER:
            for timer in tuple(self.timers):
                stop_timer(self.timers, timer)
            self.room.journal.forget(self.call_id)
            self.room.ended(self.call_id)

    def _asked(self, leg: Leg, server: ServerTransaction) -> None:
        """A request of one of the three."""
        role, method = self._role_of(leg), server.request.method
        if method == "BYE":
            server.answer(200, "OK")
            leg.drop()
            self._happened(Bye(role))
        elif method == "REFER" and role is Role.TRANSFEROR:
            self.referred(server)
        elif self._is_busy(role, method):
            refuse(server, PENDING)
        else:
            other = self._peer_of(role)
            if other is None or not other.is_up:
                refuse(server, 481)
            else:
                relay(leg, other, server)

    def _is_busy(self, role: Role, method: str) -> bool:
        """True while a session must not change under the machine's hands."""
        is_apart = self.state.phase is Phase.CONNECTING and role is Role.TRANSFEROR
        return method in ("INVITE", "UPDATE") and not self.state.is_settled and not is_apart

    def _peer_of(self, role: Role) -> Leg | None:
        if self.state.phase in (Phase.CLOSING, Phase.LINKED):
            return {Role.TRANSFEREE: self.target, Role.TARGET: self.transferee}.get(role)
        return {Role.TRANSFEROR: self.transferee, Role.TRANSFEREE: self.transferor}.get(role)

    def _role_of(self, leg: Leg) -> Role:
        if leg is self.transferor:
            return Role.TRANSFEROR
        return Role.TRANSFEREE if leg is self.transferee else Role.TARGET

    # --- what is done

    def _do(self, action: Action) -> None:
        match action:
            case Accept():
                self._answer_refer(202, "Accepted")
            case Refuse(status):
                self._answer_refer(status, "Request Pending")
            case Notify(status, is_final):
                self._notify(status, is_final=is_final)
            case Invite():
                self._call_target()
            case Cancel():
                if self.invite is not None:
                    self.invite.cancel()
            case Reinvite():
                if self.target is not None:
                    self._move_transferee(Spoken.MOVED, self.target.dialog.sdp)
            case LeadBack():
                self._move_transferee(Spoken.BACK, self.transferor.dialog.sdp)
            case Bye(role):
                self._hang_up(role)
            case Start(timer):
                set_timer(self.timers, timer, self._seconds(timer), lambda: self._happened(Elapsed(timer)))

    def _seconds(self, timer: Timer) -> float:
        settings = self.room.settings
        match timer:
            case Timer.BYE:
                return settings.bye_seconds
            case Timer.ANSWER:
                return settings.answer_seconds
        return seconds_of_glare(settings)

    def _answer_refer(self, status: int, phrase: str) -> None:
        if self.refer is not None:
            silent = (("refer-sub", "false"),) if self.adopted.is_silent else ()
            contact = ("contact", f"<{self.transferor.dialog.contact}>")
            self.refer.answer(status, phrase, (contact, *silent))

    def _notify(self, status: int, *, is_final: bool) -> None:
        if self.adopted.is_silent:
            return
        told = "terminated;reason=noresource" if is_final else "active;expires=180"
        self.transferor.send(
            "NOTIFY",
            no_matter,  # whatever it says of it, the transfer goes on
            (("event", f"refer;id={self.refer_cseq}"), ("subscription-state", told)),
            body=f"SIP/2.0 {status} {_PHRASES.get(status, 'Failed')}\r\n",
            kind=_SIPFRAG,
        )

    def _call_target(self) -> None:
        """Whom the REFER names; where it names a call as well, first ask whether that is one of this edge."""
        self.target = self.invite = None
        placed = self.adopted.placed
        replaces = next((value for name, value in placed.headers if name == "Replaces"), "")
        if not replaces:
            self._invite(placed)
            return
        asking = self.state

        def found(call_id: str | None) -> None:
            if self.state.phase is not Phase.DIALING or self.state is not asking:
                return
            if call_id is None:
                stop_timer(self.timers, Timer.ANSWER)
                self._happened(Failed(TAKEN))
            else:
                self._invite(replace(placed, takes_over=call_id))

        self.room.find(Sought(replaces, placed.trunk), found)

    def _invite(self, placed: Placed) -> None:
        adopted, body = self.adopted, made_active(self.transferee.dialog.sdp)
        dialog, message = invite_to(
            self.room.stack, adopted.target, placed, adopted.caller, adopted.diversion, body
        )

        def heard(client: ClientTransaction, answered: Message) -> None:
            self._target_answered(dialog, client, answered)

        self.invite = self.room.stack.request(message, heard)

    def _target_answered(self, dialog: Dialog, client: ClientTransaction, answered: Message) -> None:
        status = answered.status or 500
        if client is not self.invite or self.state.phase is not Phase.DIALING:
            if 200 <= status < 300:
                self.room.stack.end_stray(answered)
        elif status < 200:
            self._happened(Progress(status))
        elif status >= 300:
            stop_timer(self.timers, Timer.ANSWER)
            self._happened(Failed(status))
        else:
            stop_timer(self.timers, Timer.ANSWER)
            self.target = Leg(self.room.stack, established(client.request, answered, dialog))
            self.target.follow(self._asked)
            self.target.acknowledge(client, answered)
            if self.target.dialog.sdp:
                self._happened(Answered())
                return
            # There is nothing to tell the other party.
            self.target.end()
            self.target = None
            self._happened(Failed(488))

    def _move_transferee(self, way: Spoken, session: str) -> None:
        self.transferee.move(
            session, self._happened, spoken=way, is_for_good=lambda: self.state.move.is_for_good
        )

    def _hang_up(self, role: Role) -> None:
        leg = {Role.TRANSFEROR: self.transferor, Role.TRANSFEREE: self.transferee, Role.TARGET: self.target}[
            role
        ]
        if leg is not None:
            leg.end()

    # --- the journal

    def to_plain(self) -> dict[str, Any]:
        """For the journal."""
        return {
            "kind": "transfer",
            "adopted": self.adopted.to_text(),
            "phase": self.state.phase.value,
            "hasTransferor": self.state.has_transferor,
            "way": self.state.move.led.value,
            "referCseq": self.refer_cseq,
            "legs": {
                role.value: leg.dialog.to_plain() if leg is not None and leg.is_up else None
                for role, leg in (
                    (Role.TRANSFEROR, self.transferor),
                    (Role.TRANSFEREE, self.transferee),
                    (Role.TARGET, self.target),
                )
            },
        }

    @staticmethod
    def from_plain(room: Room, plain: dict[str, Any]) -> Transfer:
        """A call that an earlier process has left, taken up again.

        Raises:
            KeyError, TypeError, ValueError: it is no such call.
        """
        adopted = Adopted.from_text(plain["adopted"])
        if adopted is None:
            raise ValueError("no adopted call")
        transferor, transferee = adopted_legs(room.stack, adopted)
        call = Transfer(room, adopted, transferor, transferee, refer_cseq=int(plain["referCseq"]))
        move = Move(Way(plain.get("way", Way.NONE)))
        call.state = State(Phase(plain["phase"]), bool(plain["hasTransferor"]), move=move)
        legs = plain["legs"]
        for leg, role in ((transferor, Role.TRANSFEROR), (transferee, Role.TRANSFEREE)):
            found = legs[role.value]
            leg.is_up = found is not None
            if found is not None:
                leg.dialog = Dialog.from_plain(found)
                leg.follow(call._asked)
        if legs[Role.TARGET.value] is not None:
            call.target = Leg(room.stack, Dialog.from_plain(legs[Role.TARGET.value]))
            call.target.follow(call._asked)
        if call.state.phase is Phase.CLOSING:
            call._do(Start(Timer.BYE))
        call._happened(Restarted())
        return call
