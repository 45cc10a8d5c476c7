"""Calls through the edge that are up and have sound on both sides."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from support.lab import Lab
from support.relay import placed
from support.sipmessage import Message
from support.sipua import Leg, UserAgent, callee_leg
from support.sound import SoundEnd, sound_end

CALLER_TONE, CALLEE_TONE = 400, 700


@dataclass
class SoundCall:
    """Both legs, both ends, and the two descriptions that were agreed upon last, as they came."""

    near: Leg
    far: Leg
    caller: SoundEnd
    callee: SoundEnd
    offer: str
    """As the callee got it."""
    answer: str
    """As the caller got it."""


@contextmanager
def sound_call(
    lab: Lab, caller: UserAgent, callee: UserAgent, *, outgoing: bool = True, **options: Any
) -> Iterator[SoundCall]:
    """A call that is answered at once, and ended by the caller. `secure`: the PBX's end has SRTP; `shown`:
    the address that the PBX's end takes for its own."""
    secure, shown = options.get("secure", False), options.get("shown")
    at_pbx: dict[str, Any] = {"shown": shown}
    at_telco: dict[str, Any] = {}
    with (
        sound_end(caller.address, CALLER_TONE, secure=secure and outgoing) as one,
        sound_end(callee.address, CALLEE_TONE, secure=secure and not outgoing) as other,
    ):
        offered, answered = (at_pbx, at_telco) if outgoing else (at_telco, at_pbx)
        place = lab.call_out if outgoing else lab.call_in
        invite, received = placed(lambda: place(caller, body=one.offer(**offered)), callee)
        callee.respond(received, 200, body=other.answer(received.body, **answered))
        answer = invite.final()
        assert answer.status == 200, answer.first_line
        one.connect(answer.body)
        near = invite.leg(answer)
        near.send("ACK")
        callee.wait("ACK")
        far = callee_leg(callee, received, lab.edge_at)
        yield SoundCall(near, far, one, other, received.body, answer.body)
        end_call(near, far)


def end_call(near: Leg, far: Leg) -> None:
    """`near` hangs up, and both sides are told."""
    near.send("BYE")
    far.agent.respond(far.agent.wait("BYE", call_id=far.call_id), 200)
    near.agent.wait("BYE", status=200, call_id=near.call_id)


def negotiate(asking: Leg, asked: Leg, offering: SoundEnd, answering: SoundEnd, body: str = "") -> Message:
    """A re-INVITE of one side, accepted by the other; gives it as it arrived."""
    asking.send("INVITE", body=body or offering.offer(version=asking.cseq + 1))
    request = asked.agent.wait("INVITE", call_id=asked.call_id)
    asked.agent.respond(request, 200, body=answering.answer(request.body))
    answer = asking.agent.final(asking.call_id)
    assert answer.status == 200, answer.first_line
    offering.connect(answer.body)
    asking.send("ACK", cseq=asking.cseq)
    asked.agent.wait("ACK", call_id=asked.call_id)
    return request
