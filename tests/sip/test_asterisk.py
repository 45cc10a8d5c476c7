"""Asterisk between a phone and the edge: calls both ways, held and resumed by requests that it writes."""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from support.asterisk import SECONDS, Asterisk, asterisk_root
from support.asterisk_pbx import PHONE, pbx
from support.debian_root import NoRootError
from support.edge import restart, running_edge
from support.lab import EDGE, FAR_NUMBER, Lab
from support.sipmessage import Message, sdp
from support.sipua import Leg, UserAgent, callee_leg, send_invite

TRANSPORTS = pytest.mark.parametrize("transport", ("udp", "tcp", "tls"))


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


@pytest.fixture
def own(lab: Lab, tmp_path: Path) -> Iterator[Lab]:
    """With an edge of this test alone, which may be restarted."""
    with running_edge(None, lab.block.address(EDGE + 1), tmp_path / "edge") as edge:
        yield Lab(edge, lab.block, lab.stack)


def take(callee: UserAgent, request: Message) -> Leg:
    """Answer a call; the callee's side of it."""
    callee.respond(request, 200, body=sdp(callee.address))
    callee.wait("ACK", call_id=request.call_id)
    return callee_leg(callee, request, request.path)


def hold_and_resume(server: Asterisk, leg: Leg, other: UserAgent, call_id: str) -> None:
    """This side's re-INVITEs reach the other one, in dialog `call_id`, in Asterisk's own words."""
    for offered, answered in (("sendonly", "recvonly"), ("sendrecv", "sendrecv")):
        leg.send("INVITE", body=f"{sdp(leg.agent.address)}a={offered}\r\n")
        request = other.wait("INVITE", call_id=call_id)
        assert f"a={offered}\r\n" in request.body
        other.respond(request, 200, body=f"{sdp(other.address)}a={answered}\r\n")
        other.wait("ACK", call_id=call_id)
        assert leg.agent.final(leg.call_id).status == 200
        leg.send("ACK", cseq=leg.cseq)
        server.wait_for_ack(leg.call_id, leg.cseq)


def end(leg: Leg, other: UserAgent, call_id: str) -> None:
    leg.send("BYE")
    other.respond(other.wait("BYE", call_id=call_id), 200)
    leg.agent.wait("BYE", status=200)


def outgoing_call(lab: Lab, server: Asterisk, phone: UserAgent, telco: UserAgent) -> tuple[Leg, Leg]:
    """From the phone to the carrier; each one's side of its dialog."""
    uri = f"sip:{FAR_NUMBER}@{server.address}"
    invite = send_invite(phone, (server.address, 5060), uri, caller="100")
    far = take(telco, telco.wait("INVITE"))
    near = invite.leg(invite.final(SECONDS))
    near.send("ACK")
    server.wait_for_bridge()
    return near, far


def incoming_call(lab: Lab, server: Asterisk, phone: UserAgent, telco: UserAgent) -> tuple[Leg, Leg]:
    """From the carrier to the phone; the phone's side first."""
    invite = lab.call_in(telco)
    near = take(phone, phone.wait("INVITE"))
    far = invite.leg(invite.final(SECONDS))
    far.send("ACK")
    server.wait_for_ack(far.call_id, far.cseq)
    server.wait_for_bridge()
    return near, far


CALLS = pytest.mark.parametrize("call", (outgoing_call, incoming_call))
Call = Callable[[Lab, Asterisk, UserAgent, UserAgent], tuple[Leg, Leg]]


@TRANSPORTS
@CALLS
def test_a_call_is_held_resumed_and_ended(
    lab: Lab, root: Path, tmp_path: Path, phone: UserAgent, telco: UserAgent, transport: str, call: Call
) -> None:
    """From its phone and to it; the phone holds and resumes, the carrier does, and the caller hangs up."""
    with pbx(lab, root, tmp_path, transport) as server:
        near, far = call(lab, server, phone, telco)
        hold_and_resume(server, near, telco, far.call_id)
        hold_and_resume(server, far, phone, near.call_id)
        if call is outgoing_call:
            end(near, telco, far.call_id)
        else:
            end(far, phone, near.call_id)


@TRANSPORTS
@CALLS
def test_its_calls_outlive_kamailio(
    own: Lab, root: Path, tmp_path: Path, phone: UserAgent, telco: UserAgent, transport: str, call: Call
) -> None:
    """Killed and started anew between making a call and holding it, either side first to speak."""
    with pbx(own, root, tmp_path, transport) as server:
        near, far = call(own, server, phone, telco)
        os.killpg(own.edge.process.pid, signal.SIGKILL)
        restart(own.edge)
        hold_and_resume(server, near, telco, far.call_id)
        hold_and_resume(server, far, phone, near.call_id)
        end(far, phone, near.call_id)


def probed(agent: UserAgent, call_id: str, times: int) -> None:
    """So many probes of this call come, and are answered."""
    for _ in range(times):
        agent.respond(agent.wait("OPTIONS", call_id=call_id), 200)


@pytest.mark.parametrize("transport", ("udp", "tls"))
def test_a_call_is_ended_that_it_has_lost_and_no_other(
    lab: Lab, root: Path, tmp_path: Path, phone: UserAgent, telco: UserAgent, transport: str
) -> None:
    """It proves its calls in its own words, and goes on with them; killed and started anew it has none."""
    with running_edge(None, lab.block.address(EDGE + 1), tmp_path / "edge", probe_seconds=1) as edge:
        often = Lab(edge, lab.block, lab.stack)
        with pbx(often, root, tmp_path, transport) as server:
            near, far = outgoing_call(often, server, phone, telco)
            probed(telco, far.call_id, 4)
            hold_and_resume(server, near, telco, far.call_id)
            probed(telco, far.call_id, 1)
            hold_and_resume(server, far, phone, near.call_id)
        shutil.rmtree(tmp_path / "asterisk")
        if (tmp_path / "tls").exists():
            shutil.rmtree(tmp_path / "tls")
        with pbx(often, root, tmp_path, transport):
            bye = telco.wait("BYE", call_id=far.call_id)
            telco.respond(bye, 200)


def test_a_reliable_ringing_is_acknowledged(
    lab: Lab, root: Path, tmp_path: Path, phone: UserAgent, telco: UserAgent
) -> None:
    """Asterisk's PRACK (RFC 3262) names what the carrier sent, with an offer answered before the call is."""
    with pbx(lab, root, tmp_path, "udp") as server:
        invite = send_invite(
            phone, (server.address, 5060), f"sip:{FAR_NUMBER}@{server.address}", caller="100"
        )
        received = telco.wait("INVITE")
        reliable = [("Require", "100rel"), ("RSeq", "7"), ("Contact", f"<{telco.contact}>")]
        telco.respond(received, 183, headers=reliable, body=sdp(telco.address))
        prack = telco.wait("PRACK")
        assert prack.header("RAck") == f"7 {received.header('CSeq')}"
        telco.respond(prack, 200)
        far = take(telco, received)
        near = invite.leg(invite.final(SECONDS))
        near.send("ACK")
        end(near, telco, far.call_id)
