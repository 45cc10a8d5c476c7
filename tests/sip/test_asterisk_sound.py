"""Asterisk calls with sound: TLS and SRTP towards the edge, RTP behind it (S98); hold, DTMF, and no fax."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from support.asterisk import SECONDS, Asterisk, asterisk_root
from support.asterisk_pbx import PHONE, pbx
from support.debian_root import NoRootError
from support.lab import FAR_NUMBER, Lab
from support.patience import until
from support.sipua import Leg, UserAgent, callee_leg, send_invite
from support.sound import SoundEnd, formats_of, hear_each_other, sound_end, talk

PHONE_TONE, FAR_TONE = 400, 700
DIRECTIONS = pytest.mark.parametrize("outgoing", (True, False), ids=("termination", "origination"))
KINDS = pytest.mark.parametrize("secure", (True, False), ids=("srtp", "rtp"))


@dataclass
class Call:
    """Between Asterisk's phone and the carrier: a leg of each, and what each hears."""

    server: Asterisk
    near: Leg
    far: Leg
    phone: SoundEnd
    carrier: SoundEnd
    offered: str
    """As the callee got it."""


@pytest.fixture(scope="module")
def root() -> Path:
    try:
        return asterisk_root()
    except NoRootError as error:
        pytest.skip(str(error))


@pytest.fixture
def phone(lab: Lab) -> UserAgent:
    """It knows Asterisk alone."""
    return lab.agent(PHONE)


@contextmanager
def sounding(
    lab: Lab, server: Asterisk, phone: UserAgent, telco: UserAgent, outgoing: bool
) -> Iterator[Call]:
    """A call that is up and whose sides hear each other; the phone hangs up."""
    with sound_end(phone.address, PHONE_TONE) as near_end, sound_end(telco.address, FAR_TONE) as far_end:
        caller, callee = (near_end, far_end) if outgoing else (far_end, near_end)
        answering = telco if outgoing else phone
        if outgoing:
            uri = f"sip:{FAR_NUMBER}@{server.address}"
            invite = send_invite(phone, (server.address, 5060), uri, caller="100", body=caller.offer())
        else:
            invite = lab.call_in(telco, body=caller.offer())
        received = answering.wait("INVITE")
        answering.respond(received, 200, body=callee.answer(received.body))
        answering.wait("ACK", call_id=received.call_id)
        answer = invite.final(SECONDS)
        assert answer.status == 200
        caller.connect(answer.body)
        calling, called = invite.leg(answer), callee_leg(answering, received, received.path)
        calling.send("ACK")
        server.wait_for_bridge()
        near, far = (calling, called) if outgoing else (called, calling)
        call = Call(server, near, far, near_end, far_end, received.body)
        talk(near_end, far_end, seconds=0.2)
        hear_each_other(near_end, far_end)
        yield call
        near.send("BYE")
        telco.respond(telco.wait("BYE", call_id=far.call_id), 200)
        phone.wait("BYE", status=200)


def re_invite(call: Call, by: Leg, asking: SoundEnd, asked: SoundEnd, direction: str, answer: str) -> None:
    """One side says that it holds the call or goes on, and the other agrees."""
    other = call.far if by is call.near else call.near
    by.send("INVITE", body=asking.offer(extra=f"a={direction}\r\n", version=by.cseq + 1))
    request = other.agent.wait("INVITE", call_id=other.call_id)
    assert f"a={direction}\r\n" in request.body
    body = f"{asked.answer(request.body)}a={answer}\r\n"
    other.agent.respond(request, 200, body=body)
    other.agent.wait("ACK", call_id=other.call_id)
    answered = by.agent.final(by.call_id)
    assert answered.status == 200
    asking.connect(answered.body)
    by.send("ACK", cseq=by.cseq)
    if by is call.near:
        call.server.wait_for_ack(by.call_id, by.cseq)


@KINDS
@DIRECTIONS
def test_both_are_heard_before_and_after_a_hold_and_by_their_keys(
    relayed: Lab, root: Path, tmp_path: Path, phone: UserAgent, telco: UserAgent, outgoing: bool, secure: bool
) -> None:
    """By its own SRTP and re-INVITEs; who is on hold hears the holder alone; digits arrive on both sides."""
    transport = "tls" if secure else "udp"
    with (
        pbx(relayed, root, tmp_path, transport, secure=secure, site_changes={"relay": "Always"}) as server,
        sounding(relayed, server, phone, telco, outgoing) as call,
    ):
        assert ("a=crypto" in server.said()) is secure
        hold_and_resume(call, call.near, call.phone, call.carrier)
        hold_and_resume(call, call.far, call.carrier, call.phone)
        for sender, hearer in ((call.phone, call.carrier), (call.carrier, call.phone)):
            hearer.forget()
            sender.press("17*#")
            until(lambda hearer=hearer: pressed(hearer) == "17*#", "not all digits were heard")  # type: ignore[misc]


def is_held(asking: SoundEnd, asked: SoundEnd) -> bool:
    """True if the holder alone is heard, once what is under way has come."""
    asking.forget()
    asked.forget()
    talk(asking, asked, seconds=0.3)
    return (asked.heard.tone, asking.heard.packets) == (asking.tone, 0)


def pressed(hearer: SoundEnd) -> str:
    """The digits that it has heard so far."""
    talk(hearer, seconds=0.1)
    return "".join(hearer.heard.digits)


def hold_and_resume(call: Call, by: Leg, asking: SoundEnd, asked: SoundEnd) -> None:
    re_invite(call, by, asking, asked, "sendonly", "recvonly")
    asked.silent = True
    until(lambda: is_held(asking, asked), "the holder alone is heard")
    re_invite(call, by, asking, asked, "sendrecv", "sendrecv")
    asked.silent = False
    hear_each_other(call.phone, call.carrier)


FAX = (
    "v=0\r\no=- 1 9 IN IP4 {0}\r\ns=-\r\nc=IN IP4 {0}\r\nt=0 0\r\nm=image 40900 udptl t38\r\n"
    "a=T38FaxVersion:0\r\na=T38MaxBitRate:14400\r\na=T38FaxRateManagement:transferredTCF\r\n"
    "a=T38FaxUdpEC:t38UDPRedundancy\r\n"
)


@KINDS
def test_fax_by_t38_is_refused_and_the_call_goes_on(
    relayed: Lab, root: Path, tmp_path: Path, phone: UserAgent, telco: UserAgent, secure: bool
) -> None:
    """By the edge, whoever asks; Asterisk takes that and stays with sound, as does the carrier."""
    transport = "tls" if secure else "udp"
    with (
        pbx(relayed, root, tmp_path, transport, secure=secure, site_changes={"relay": "Always"}) as server,
        sounding(relayed, server, phone, telco, outgoing=True) as call,
    ):
        for leg in (call.far, call.near):
            leg.send("INVITE", body=FAX.format(leg.agent.address))
            answer = leg.agent.final(leg.call_id)
            assert answer.status == 488, answer.first_line
            leg.send("ACK", cseq=leg.cseq)
            hear_each_other(call.phone, call.carrier)
        assert formats_of(call.offered)
