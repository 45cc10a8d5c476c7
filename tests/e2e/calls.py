"""Calls as carriers and PBXs place and take them, through one edge pod at a time."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from typing import Final

from cluster.lan import Host
from e2e.own_node import entered
from e2e.wire import WiredAgent
from support.sipmessage import Message, digest_answer, sdp
from support.sipua import Headers, Invite, Leg, UserAgent, callee_leg, send_invite
from support.sound import SoundEnd, sound_end, talk

PORT: Final = 5060
PSTN: Final = "+12125550111"
"""A number of carrier telco-a."""
MAIN_LINE: Final = "+14155550100"
LAB_LINE: Final = "+14155550150"
SPARE: Final = "+14155550199"
LAB_URI: Final = f"sip:{PSTN}@acme-lab.pstn.trunkline.test"
HQ_URI: Final = f"sip:{PSTN}@acme-hq.pstn.trunkline.test"
USER, PASSWORD = "pbx", "Quickstart-2026"
SECONDS: Final = 20.0
"""The longest wait for a message, which takes a moment on a quiet machine."""

_LOOK_SECONDS: Final = 0.1


@dataclass(eq=False)
class Call:
    """An established call and both sides of it."""

    caller: Leg
    callee: Leg
    invite: Message
    """As it arrived at the callee."""

    def __post_init__(self) -> None:
        _established.append(self)

    def hang_up(self) -> None:
        """The caller ends it, and both sides have heard of that."""
        self.caller.send("BYE")
        bye = self.callee.agent.wait("BYE", call_id=self.invite.call_id, seconds=SECONDS)
        self.callee.agent.respond(bye, 200, "OK")
        self.caller.agent.wait("BYE", status=200, call_id=self.invite.call_id, seconds=SECONDS)
        _established.remove(self)

    def cut(self) -> None:
        """The caller ends it, whatever becomes of that."""
        with suppress(OSError, ValueError):  # a caller that is closed
            self.caller.send("BYE")

    def renew(self) -> None:
        """A request within the call goes through and is answered: the call lives."""
        self.callee.send("OPTIONS")
        self.callee.agent.wait("OPTIONS", status=200, call_id=self.invite.call_id, seconds=SECONDS)


_established: list[Call] = []


def end_all_calls() -> None:
    """None of a test stays, also of one that failed: a pod that ends would wait for it."""
    for call in _established:
        call.cut()
    _established.clear()


def originate(
    carrier: WiredAgent, edge: str, number: str, pbx: WiredAgent | None, *, port: int = PORT
) -> Message:
    """A call of the PSTN to `number` that `pbx` refuses as busy; the carrier's final answer.

    With None for the PBX the edge must answer by itself.
    """
    invite = send_invite(carrier, (edge, port), f"sip:{number}@{edge}", caller=PSTN)
    if pbx is not None:
        pbx.respond(arrived(pbx, invite), 486, "Busy Here")
    return invite.final(SECONDS)


def arrived(callee: WiredAgent, invite: Invite) -> Message:
    """The INVITE at its callee. Raises AssertionError with what its caller was told instead."""
    end = time.monotonic() + SECONDS
    while time.monotonic() < end:
        try:
            return callee.wait("INVITE", call_id=invite.call_id, seconds=_LOOK_SECONDS)
        except TimeoutError:
            told = refused(invite)
            assert told is None, f"the edge answered: {told.first_line}"
    raise AssertionError(f"neither {callee.address} nor {invite.agent.address} heard of {invite.uri}")


def refused(invite: Invite) -> Message | None:
    """The final answer that an edge has given by itself; None if there is none so far."""
    try:
        return invite.final(_LOOK_SECONDS)
    except TimeoutError:
        return None


def reaches(
    carrier: WiredAgent, edge: str, number: str, pbx: WiredAgent, *, seconds: float = SECONDS
) -> bool:
    """True if a call of the PSTN reaches the PBX; False if the edge sends it away or is silent."""
    invite = send_invite(carrier, (edge, PORT), f"sip:{number}@{edge}", caller=PSTN)
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            pbx.respond(pbx.wait("INVITE", call_id=invite.call_id, seconds=_LOOK_SECONDS), 486, "Busy Here")
            return invite.final(SECONDS).status == 486
        except TimeoutError:
            if refused(invite) is not None:
                return False
    return False


def wait_for_calls(carrier: WiredAgent, edge: str, number: str, pbx: WiredAgent, seconds: float) -> None:
    """Return once a call of the PSTN through the edge reaches the PBX again."""
    end = time.monotonic() + seconds
    while not reaches(carrier, edge, number, pbx, seconds=1):
        assert time.monotonic() < end, f"no call through {edge} reaches {pbx.address}"


def originated_call(
    carrier: WiredAgent, edge: str, number: str, pbx: WiredAgent, *, port: int = PORT, body: str | None = None
) -> Call:
    """A call of the PSTN to `number` that `pbx` answers; `body`: the carrier's offer."""
    invite = send_invite(carrier, (edge, port), f"sip:{number}@{edge}", caller=PSTN, body=body)
    taken = arrived(pbx, invite)
    pbx.respond(taken, 200, "OK", body=sdp(pbx.address))
    answer = invite.final(SECONDS)
    assert answer.status == 200, answer.first_line
    leg = invite.leg(answer)
    leg.send("ACK")
    pbx.wait("ACK", call_id=invite.call_id, seconds=SECONDS)
    return Call(leg, callee_leg(pbx, taken, taken.path), taken)


def terminated_call(
    pbx: UserAgent,
    edge: str,
    carrier: WiredAgent,
    uri: str = HQ_URI,
    *,
    port: int = PORT,
    caller: str = MAIN_LINE,
    sound: tuple[SoundEnd, SoundEnd] | None = None,
) -> Call:
    """A call of a PBX to the PSTN that the carrier answers; the PBX proves who it is.

    `sound`: the ends of the PBX and of the carrier, which send each other their tones from then on.
    """
    body = None if sound is None else sound[0].offer()
    challenged = send_invite(pbx, (edge, port), uri, caller=caller, body=body)
    challenge = challenged.final(SECONDS)
    assert challenge.status == 407, challenge.first_line
    invite = send_invite(
        *(pbx, (edge, port), uri),
        caller=caller,
        from_header=challenged.local,
        headers=_proof(challenge, uri),
        body=body,
        call_id=challenged.call_id,
        cseq=2,
    )
    taken = arrived(carrier, invite)
    taking = sdp(carrier.address) if sound is None else sound[1].answer(taken.body)
    carrier.respond(taken, 200, "OK", body=taking)
    answer = invite.final(SECONDS)
    assert answer.status == 200, answer.first_line
    if sound is not None:
        sound[0].connect(answer.body)
    leg = invite.leg(answer)
    leg.send("ACK")
    carrier.wait("ACK", call_id=invite.call_id, seconds=SECONDS)
    return Call(leg, callee_leg(carrier, taken, taken.path), taken)


def _proof(challenge: Message, uri: str) -> Headers:
    value = challenge.header("Proxy-Authenticate")
    return [("Proxy-Authorization", digest_answer(value, USER, PASSWORD, "INVITE", uri))]


@contextmanager
def end_at(host: Host, tone: int, *, secure: bool = False) -> Iterator[SoundEnd]:
    """An end of a call on another host of the LAN."""
    with ExitStack() as stack:
        with entered(host):
            made = stack.enter_context(sound_end(host.address, tone, secure=secure))
        yield made


def until_they_hear(one: SoundEnd, other: SoundEnd, seconds: float) -> None:
    """Both talk until both hear each other."""
    deadline = time.monotonic() + seconds
    while True:
        one.forget()
        other.forget()
        talk(one, other, seconds=0.4)
        if one.heard.tone == other.tone and other.heard.tone == one.tone:
            return
        assert time.monotonic() < deadline, f"{one.heard}; {other.heard}"
