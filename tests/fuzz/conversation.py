"""One case on the wire: the call around its broken message, from the first INVITE until both sides are done.

Each party answers what it hears at once, so many conversations go on side by side; none of them waits by
sleeping. What a broken message leads to is not judged here: whatever comes of it, the call is then ended.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, Protocol

from fuzz import telephone
from fuzz.cases import Case
from fuzz.draft import Draft
from fuzz.forms import SDP
from fuzz.platform import Numbers
from fuzz.telephone import Heard, Side
from support.patience import PATIENCE

PAUSE_SECONDS: Final = 0.15
"""How long after a broken message the call goes on, if nothing else comes of it."""
LIFE_SECONDS: Final = 6.0
"""A conversation with something broken in it is given up then if it is not over; a good call is waited for by
`PATIENCE`, since a busy machine alone makes none of them fail."""
CLEAN_SECONDS: Final = 2.5
"""What is not broken is sent again until then, as a client would over UDP; of a good call all its life."""


class Phones(Protocol):
    """What a conversation needs of the run: every party's lines."""

    def send(self, who: str, transport: str, data: bytes, path: object, label: str) -> None:
        """Send from the party to where `path` leads, or to the edge if it is None."""

    def address(self, who: str) -> str: ...

    @property
    def edge(self) -> str: ...


@dataclass
class Conversation:
    """A call from `caller` to `callee`, which `case` breaks; whole if it has none."""

    label: str
    """Its Call-ID: which case it is of."""
    case: Case | None
    caller: str
    callee: str
    transport: str
    termination: bool
    numbers: Numbers
    phones: Phones
    send_broken: Callable[[Conversation, Draft, str, object], None]
    """Sends the draft's broken form from a party; the run counts it."""
    state: State = field(default_factory=lambda: State())

    # ---------------------------------------------------------------------------------- what it sends

    def begin(self) -> None:
        self.state.begun = time.monotonic()
        invite = self._invite()
        if self.case is None or self.case.moment not in ("invite", "outside", "torture"):
            self._say(self.caller, invite, again=True)
            return
        draft = invite
        if self.case.moment == "outside":
            draft = self._outside(invite, self.case.subject)
        self._break(draft)

    def _invite(self) -> Draft:
        user = (self.numbers.far if self.termination else self.numbers.own)[self.transport]
        host = self.numbers.domain if self.termination else self.phones.edge
        own = self.numbers.own["udp"] if self.termination else "+442079469999"
        sender = self.caller
        if self.case is not None and self.case.sender == "stranger":
            sender = "stranger"
        contact = self._contact(sender)
        return telephone.invite(
            f"sip:{user}@{host}", own, self.phones.address(sender), self._via(sender), contact, self.label
        )

    def _outside(self, invite: Draft, method: str) -> Draft:
        draft = invite.copy()
        draft.first[0] = method
        draft.change(lambda _: f"1 {method}", "CSeq")
        return draft

    def _contact(self, who: str) -> str:
        port, tail = (5062, "") if who == "stranger" else (5060, "")
        if self.transport == "tcp":
            tail = ";transport=tcp"
        return f"sip:{who.replace(' ', '-')}@{self.phones.address(who)}:{port}{tail}"

    def _via(self, who: str) -> str:
        self.state.branches += 1
        port = 5062 if who == "stranger" else 5060
        sent_by = f"SIP/2.0/{self.transport.upper()} {self.phones.address(who)}:{port}"
        return f"{sent_by};branch=z9hG4bK{self.label}.{self.state.branches}"

    def _say(self, who: str, draft: Draft, path: object = None, *, again: bool = False) -> None:
        """Send what is whole; `again` until it was answered, if the transport may lose it."""
        data = draft.render()
        self.phones.send(who, self.transport, data, path, self.label)
        self.state.repeat = (time.monotonic() + 0.5, who, data) if again and self.transport == "udp" else None

    def _break(self, draft: Draft, path: object = None) -> None:
        assert self.case is not None
        self.state.broken_at = time.monotonic()
        self.send_broken(self, draft, self.case.sender, path)

    # ---------------------------------------------------------------------------------- what it hears

    def hear(self, who: str, heard: Heard, path: object) -> None:
        self.state.last = time.monotonic()
        self.state.repeat = None
        if heard.is_request:
            self._asked(who, heard, path)
        else:
            self._answered(who, heard)

    def _asked(self, who: str, heard: Heard, path: object) -> None:
        state = self.state
        match heard.method:
            case "ACK":
                return
            case "INVITE" if state.invite is None:
                state.invite, state.invite_path = heard, path
                self._called(who, heard, path)
            case "INVITE" if state.invite is not None and not state.reinvited:
                return  # repeated, or another attempt of a call that is answered below
            case "CANCEL":
                self._say(who, telephone.answer(heard, "200", "", self._tag), path)
                self._finish_invite(who, "487")
            case "BYE":
                self._say(who, telephone.answer(heard, "200", "", self._tag), path)
            case _:
                self._asked_in_dialog(who, heard, path)

    def _called(self, who: str, heard: Heard, path: object) -> None:
        moment = self.case.moment if self.case else "none"
        ending = self.case.ending if self.case else "200"
        match moment:
            case "cancel":
                self._say(who, telephone.answer(heard, "180", self._contact(who), self._tag), path)
            case "answer":
                assert self.case is not None
                self._break(self._answer(who, heard, self.case.subject), path)
            case "invite" | "torture" | "outside" | "ack":
                self._finish_invite(who, ending)
            case _:
                self._finish_invite(who, "200")

    def _asked_in_dialog(self, who: str, heard: Heard, path: object) -> None:
        case = self.case
        is_its_turn = case is not None and case.moment == "in-dialog-answer" and who == case.sender
        if case is not None and is_its_turn and not self.state.broken_at:
            self.state.pending = (who, heard, path)
            self._break(self._answer(who, heard, case.subject), path)
            return
        self._say(who, self._answer(who, heard, "200"), path)

    def _answer(self, who: str, heard: Heard, status: str) -> Draft:
        body = SDP if heard.method == "INVITE" and status in ("183", "200") else ""
        return telephone.answer(heard, status, self._contact(who), self._tag, body)

    def _finish_invite(self, who: str, status: str) -> None:
        state = self.state
        if state.invite is not None and not state.is_final and who == self.callee:
            state.is_final = True
            self._say(who, self._answer(who, state.invite, status), state.invite_path, again=False)

    @property
    def _tag(self) -> str:
        return f"uas{self.label[-8:]}"

    def _answered(self, who: str, heard: Heard) -> None:
        state, method = self.state, heard.method
        if method == "INVITE" and heard.status >= 300:
            self._say(who, telephone.acknowledgement(heard))
            state.is_refused = True
        elif method == "INVITE" and heard.status >= 200:
            self._taken(who, heard)
        elif method == "INVITE" and heard.status > 100 and self.case and self.case.moment == "cancel":
            if not state.broken_at:
                self._break(self._cancel())
        elif method == "BYE" and heard.status >= 200:
            state.is_ended = True

    def _cancel(self) -> Draft:
        draft = self._outside(self._invite(), "CANCEL")
        draft.change(lambda value: value.rpartition(".")[0] + ".1", "Via")
        return draft

    # ------------------------------------------------------------------------------------ in the dialog

    def _taken(self, who: str, heard: Heard) -> None:
        """A 2xx has come: acknowledged, and the case goes on in the dialog."""
        state, case = self.state, self.case
        side = telephone.caller_side(heard)
        acknowledge = side.request("ACK", self._via(who), self._contact(who), heard.sequence)
        if case is not None and case.moment == "ack" and not state.broken_at:
            self._break(acknowledge)
        self._say(who, acknowledge)
        if state.caller is None:
            state.caller = side
            if state.invite is not None:
                state.callee = telephone.callee_side(state.invite, self._tag)
            self._established()

    def _established(self) -> None:
        case = self.case
        if case is None or case.moment not in ("in-dialog", "in-dialog-answer", "stray-answer", "ended"):
            self._hang_up()
        elif case.moment == "in-dialog":
            self._break(self._request(case.sender, case.subject))
        elif case.moment == "in-dialog-answer":
            asks = self.callee if case.is_by_caller else self.caller
            self.state.reinvited = True
            method = ("INFO", "UPDATE", "OPTIONS", "INVITE")[case.dice % 4]
            self._say(asks, self._request(asks, method), again=True)
        elif case.moment == "stray-answer":
            side = self.state.caller
            assert side is not None
            victim = self._via("stranger" if case.dice % 3 else case.sender).replace("5062", "5060")
            self._break(telephone.stray_answer(side, case.subject, self.phones.edge, victim))
        else:
            self._hang_up()

    def _request(self, who: str, method: str) -> Draft:
        """A request in the dialog; a stranger's is the caller's, sent from elsewhere."""
        side = self.state.callee if who == self.callee else self.state.caller
        assert side is not None
        self.state.sequence += 1
        self.state.reinvited = self.state.reinvited or method == "INVITE"
        return side.request(method, self._via(who), self._contact(who), self.state.sequence)

    def _hang_up(self) -> None:
        state = self.state
        if state.is_hanging_up or state.caller is None:
            return
        state.is_hanging_up = True
        die = self.case.dice if self.case else int(self.label.rpartition("-")[2]) // 4
        who = self.callee if die % 2 else self.caller
        if (state.callee if who == self.callee else state.caller) is None:
            who = self.caller
        self._say(who, self._request(who, "BYE"), again=True)

    # ------------------------------------------------------------------------------------------- time

    def tick(self, now: float) -> None:
        """Go on where nothing more comes of the broken message; send again what was lost."""
        state, case = self.state, self.case
        clean = PATIENCE if case is None else CLEAN_SECONDS
        if state.repeat is not None and now >= state.repeat[0] and now < state.begun + clean:
            _, who, data = state.repeat
            self.phones.send(who, self.transport, data, None, self.label)
            state.repeat = (now + 0.7, who, data)
        if case is not None and case.moment == "ended" and state.is_ended and not state.broken_at:
            self._break(self._request(case.sender, case.subject))
        if case is None or now < max(state.begun, state.broken_at, state.last) + PAUSE_SECONDS:
            return
        if not state.broken_at:
            state.is_over = state.is_refused
            return
        match case.moment:
            case "answer" if not state.is_final:
                self._finish_invite(self.callee, case.ending)
                state.broken_at = now
                return
            case "cancel" if not state.is_final:
                self._say(self.caller, self._cancel())
                self._finish_invite(self.callee, "487")
                state.broken_at = now
                return
            case "in-dialog-answer" if state.pending is not None:
                who, heard, path = state.pending
                state.pending = None
                self._say(who, self._answer(who, heard, "200"), path)
                state.broken_at = now
                return
        if state.caller is not None and not state.is_hanging_up:
            self._hang_up()
        elif state.caller is None or state.is_ended or now > state.last + 4 * PAUSE_SECONDS:
            state.is_over = True

    def is_over(self, now: float) -> bool:
        """True if nothing more will be said."""
        if self.case is None:
            return self.state.is_ended or now > self.state.begun + PATIENCE
        return self.state.is_over or now > self.state.begun + LIFE_SECONDS


@dataclass
class State:
    """How far a conversation is."""

    begun: float = 0.0
    last: float = 0.0
    """When something was heard last."""
    broken_at: float = 0.0
    branches: int = 0
    sequence: int = 10
    invite: Heard | None = None
    invite_path: object = None
    caller: Side | None = None
    callee: Side | None = None
    pending: tuple[str, Heard, object] | None = None
    repeat: tuple[float, str, bytes] | None = None
    is_final: bool = False
    is_refused: bool = False
    reinvited: bool = False
    is_hanging_up: bool = False
    is_ended: bool = False
    is_over: bool = False
