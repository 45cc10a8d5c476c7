"""Calls as carriers and PBXs place and take them, through one edge pod at a time."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Final

from e2e.wire import WiredAgent
from support.sipmessage import Message, digest_answer, sdp
from support.sipua import Headers, Leg, UserAgent, callee_leg, send_invite

PORT: Final = 5060
PSTN: Final = "+12125550111"
"""A number of carrier telco-a."""
MAIN_LINE: Final = "+14155550100"
LAB_LINE: Final = "+14155550150"
SPARE: Final = "+14155550199"
HQ_URI: Final = f"sip:{PSTN}@acme-hq.pstn.trunkline.test"
USER, PASSWORD = "pbx", "Quickstart-2026"
SECONDS: Final = 8.0


@dataclass
class Call:
    """An established call and both sides of it."""

    caller: Leg
    callee: Leg
    invite: Message
    """As it arrived at the callee."""

    def hang_up(self) -> None:
        """The caller ends it, and both sides have heard of that."""
        self.caller.send("BYE")
        bye = self.callee.agent.wait("BYE", call_id=self.invite.call_id, seconds=SECONDS)
        self.callee.agent.respond(bye, 200, "OK")
        self.caller.agent.wait("BYE", status=200, call_id=self.invite.call_id, seconds=SECONDS)

    def renew(self) -> None:
        """A request within the call goes through and is answered: the call lives."""
        self.callee.send("OPTIONS")
        asked = self.caller.agent.wait("OPTIONS", call_id=self.invite.call_id, seconds=SECONDS)
        self.caller.agent.respond(asked, 200, "OK")
        self.callee.agent.wait("OPTIONS", status=200, call_id=self.invite.call_id, seconds=SECONDS)


def originate(
    carrier: WiredAgent, edge: str, number: str, pbx: WiredAgent | None, *, port: int = PORT
) -> Message:
    """A call of the PSTN to `number` that `pbx` refuses as busy; the carrier's final answer.

    With None for the PBX the edge must answer by itself.
    """
    invite = send_invite(carrier, (edge, port), f"sip:{number}@{edge}", caller=PSTN)
    if pbx is not None:
        pbx.respond(pbx.wait("INVITE", call_id=invite.call_id, seconds=SECONDS), 486, "Busy Here")
    return invite.final(SECONDS)


def reaches(carrier: WiredAgent, edge: str, number: str, pbx: WiredAgent) -> bool:
    """True if a call of the PSTN reaches the PBX; False if the edge sends it away or is silent."""
    invite = send_invite(carrier, (edge, PORT), f"sip:{number}@{edge}", caller=PSTN)
    try:
        pbx.respond(pbx.wait("INVITE", call_id=invite.call_id, seconds=1), 486, "Busy Here")
        return invite.final(SECONDS).status == 486
    except TimeoutError:
        return False


def wait_for_calls(carrier: WiredAgent, edge: str, number: str, pbx: WiredAgent, seconds: float) -> None:
    """Return once a call of the PSTN through the edge reaches the PBX again."""
    end = time.monotonic() + seconds
    while not reaches(carrier, edge, number, pbx):
        assert time.monotonic() < end, f"no call through {edge} reaches {pbx.address}"


def originated_call(
    carrier: WiredAgent, edge: str, number: str, pbx: WiredAgent, *, port: int = PORT
) -> Call:
    """A call of the PSTN to `number` that `pbx` answers."""
    invite = send_invite(carrier, (edge, port), f"sip:{number}@{edge}", caller=PSTN)
    arrived = pbx.wait("INVITE", call_id=invite.call_id, seconds=SECONDS)
    pbx.respond(arrived, 200, "OK", body=sdp(pbx.address))
    answer = invite.final(SECONDS)
    assert answer.status == 200, answer.first_line
    leg = invite.leg(answer)
    leg.send("ACK")
    pbx.wait("ACK", call_id=invite.call_id, seconds=SECONDS)
    return Call(leg, callee_leg(pbx, arrived, arrived.path), arrived)


def terminated_call(
    pbx: UserAgent, edge: str, carrier: WiredAgent, uri: str = HQ_URI, *, port: int = PORT
) -> Call:
    """A call of a PBX to the PSTN that the carrier answers; the PBX proves who it is."""
    challenged = send_invite(pbx, (edge, port), uri, caller=MAIN_LINE)
    challenge = challenged.final(SECONDS)
    assert challenge.status == 407, challenge.first_line
    invite = send_invite(
        *(pbx, (edge, port), uri),
        caller=MAIN_LINE,
        from_header=challenged.local,
        headers=_proof(challenge, uri),
        call_id=challenged.call_id,
        cseq=2,
    )
    arrived = carrier.wait("INVITE", call_id=invite.call_id, seconds=SECONDS)
    carrier.respond(arrived, 200, "OK", body=sdp(carrier.address))
    answer = invite.final(SECONDS)
    assert answer.status == 200, answer.first_line
    leg = invite.leg(answer)
    leg.send("ACK")
    carrier.wait("ACK", call_id=invite.call_id, seconds=SECONDS)
    return Call(leg, callee_leg(carrier, arrived, arrived.path), arrived)


def _proof(challenge: Message, uri: str) -> Headers:
    value = challenge.header("Proxy-Authenticate")
    return [("Proxy-Authorization", digest_answer(value, USER, PASSWORD, "INVITE", uri))]
