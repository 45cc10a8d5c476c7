"""Calls with sound, for tests of media: whoever is up can be heard."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from support.lab import Lab
from support.relay import placed
from support.sipmessage import Message, render
from support.sipua import Invite, Leg, UserAgent, callee_leg
from support.sound import SoundEnd, hear_each_other, sound_end

CALLER_TONE, CALLEE_TONE, OTHER_TONE = 400, 700, 1000
"""Hz."""


@dataclass
class Talk:
    """A call with sound: who calls, who is called, and the end of each that makes the sound.

    `stack` closes the ends with the test.
    """

    lab: Lab
    stack: ExitStack
    caller: UserAgent
    callee: UserAgent
    near_sound: SoundEnd
    far_sound: SoundEnd
    outgoing: bool = True

    invite: Invite = field(init=False)
    received: Message = field(init=False)
    """The INVITE as the callee got it."""
    answer: Message = field(init=False)
    """The 2xx as the caller got it."""
    near: Leg = field(init=False)
    far: Leg = field(init=False)

    # ------------------------------------------------------------------------ setting up

    def call(self, *, offer: bool = True, **options: Any) -> Message:
        """The INVITE, as it reaches the callee."""
        _, self.received = placed(lambda: self.begin(offer=offer, **options), self.callee)
        return self.received

    def begin(self, *, offer: bool = True, **options: Any) -> Invite:
        """Send the INVITE."""
        send = self.lab.call_out if self.outgoing else self.lab.call_in
        contact = {"contact": self.caller.contact} if self.caller.transport != "udp" else {}
        body = self.near_sound.offer() if offer else ""
        self.invite = send(self.caller, **{"body": body} | contact | options)
        return self.invite

    def arrived(self) -> Message:
        """The INVITE as the callee gets it."""
        self.received = self.callee.wait("INVITE", call_id=self.invite.call_id)
        return self.received

    def answered(self, body: str | None = None, **options: Any) -> Message:
        """200 to the INVITE, by default with the callee's answer; as it reaches the caller."""
        text = self.far_sound.answer(self.received.body) if body is None else body
        self.callee.respond(self.received, 200, body=text, **options)
        self.answer = self.caller.wait("INVITE", status=200, call_id=self.invite.call_id)
        self.near = self.invite.leg(self.answer)
        if self.caller.transport == "tls":
            self.near.to = (self.lab.edge.address, 5061)
        self.far = callee_leg(self.callee, self.received, self.received.path, options.get("tag", "uas"))
        return self.answer

    def acknowledged(self, body: str = "") -> Message:
        """ACK, as it reaches the callee."""
        self.near.send("ACK", body=body)
        return self.callee.wait("ACK", call_id=self.near.call_id)

    def set_up(self) -> Talk:
        """The usual call: the offer in the INVITE, the answer in the 2xx."""
        self.call()
        self.near_sound.connect(self.answered().body)
        self.acknowledged()
        return self

    # ------------------------------------------------------------------------ what comes later

    def leg(self, *, by_caller: bool) -> tuple[Leg, UserAgent, SoundEnd, SoundEnd]:
        """Of one side: its leg and sound, and the other's agent and sound."""
        if by_caller:
            return self.near, self.callee, self.near_sound, self.far_sound
        return self.far, self.caller, self.far_sound, self.near_sound

    def offer_later(
        self, *, by_caller: bool, method: str = "INVITE", extra: str = "", reply: str = ""
    ) -> Message:
        """An offer of one side, answered by the other: both send where they are told. Gives the 2xx.

        `extra`: lines of the offer; `reply`: of the answer.
        """
        leg, other, sound, other_sound = self.leg(by_caller=by_caller)
        leg.send(method, body=sound.offer(version=leg.cseq + 2, extra=extra))
        received = other.wait(method, call_id=leg.call_id)
        other.respond(received, 200, body=other_sound.answer(received.body, extra=reply, version=leg.cseq))
        answer = leg.agent.wait(method, status=200, call_id=leg.call_id)
        sound.connect(answer.body)
        if method == "INVITE":
            leg.send("ACK", cseq=leg.cseq)
            other.wait("ACK", call_id=leg.call_id)
        return answer

    def offer_refused(self, status: int, *, by_caller: bool, method: str = "INVITE", body: str = "") -> None:
        """An offer of one side that the other refuses."""
        leg, other, sound, _ = self.leg(by_caller=by_caller)
        branch = leg.send(method, body=body or sound.offer(version=leg.cseq + 2))
        received = other.wait(method, call_id=leg.call_id)
        other.respond(received, status)
        refused = leg.agent.wait(method, status=status, call_id=leg.call_id)
        if method == "INVITE":
            acknowledge_refusal(leg, refused, branch)

    def heard_both_ways(self, seconds: float = 0.3) -> None:
        hear_each_other(self.near_sound, self.far_sound, seconds)

    def hang_up(self, *, by_caller: bool = True) -> None:
        leg, other, _, _ = self.leg(by_caller=by_caller)
        leg.send("BYE")
        other.respond(other.wait("BYE", call_id=leg.call_id), 200)
        leg.agent.wait("BYE", status=200, call_id=leg.call_id)


def acknowledge_refusal(leg: Leg, refused: Message, branch: str) -> None:
    """ACK for a refused re-INVITE: of the same transaction."""
    fields = [leg.agent.via(branch), ("Max-Forwards", "70"), *(("Route", each) for each in leg.routes)]
    fields += [("From", leg.local), ("To", refused.header("To")), ("Call-ID", leg.call_id)]
    fields += [("CSeq", f"{leg.cseq} ACK")]
    leg.agent.send(render(f"ACK {leg.target} SIP/2.0", fields), leg.to)


def talk(
    lab: Lab,
    stack: ExitStack,
    caller: UserAgent,
    callee: UserAgent,
    *,
    outgoing: bool = True,
    near: Mapping[str, Any] = MappingProxyType({}),
    far: Mapping[str, Any] = MappingProxyType({}),
) -> Talk:
    """A call that is not placed yet. `near`, `far`: options of the caller's and the callee's end of sound."""
    return Talk(
        lab,
        stack,
        caller,
        callee,
        stack.enter_context(sound_end(caller.address, CALLER_TONE, **near)),
        stack.enter_context(sound_end(callee.address, CALLEE_TONE, **far)),
        outgoing,
    )
