"""Asterisk between a phone and the edge: calls both ways, held and resumed by requests that it writes."""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from sipedge.tls_files import current_pair
from support.asterisk import SECONDS, Asterisk, Trunk, asterisk, asterisk_root
from support.debian_root import NoRootError
from support.edge import restart, running_edge, write_certificate
from support.lab import EDGE, FAR_NUMBER, OWN_NUMBER, PBX, Lab
from support.sipmessage import Message, sdp
from support.sipua import Leg, UserAgent, callee_leg, send_invite
from support.tables import make_target

PHONE = 41
DOMAIN = "acme-hq.pstn.trunkline.test"
PASSWORD = "Correct-Horse-9"
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


@contextmanager
def pbx(lab: Lab, root: Path, place: Path, transport: str) -> Iterator[Asterisk]:
    """Asterisk at the PBX's address, where its phone finds it. By UDP its address opens the trunk, else a
    password does; over TLS it checks the edge's certificate."""
    address, username = lab.block.address(PBX), "" if transport == "udp" else "pbx"
    trunk = Trunk(
        domain=DOMAIN,
        number=OWN_NUMBER,
        edge=lab.edge.address,
        transport=transport,
        username=username,
        password=PASSWORD,
        certificates=certificates(lab, place / "tls") if transport == "tls" else None,
    )
    lab.serve(
        trunk={
            "targets": (make_target(address, trunk.port, transport=transport),),
            **({"access": None, "credential_lists": ("acme/users",)} if username else {}),
        },
        credentials={("acme/users", "pbx"): PASSWORD},
    )
    with asterisk(root, place / "asterisk", address, lab.block.address(PHONE), trunk) as one:
        yield one


def certificates(lab: Lab, folder: Path) -> Path:
    """A pair of the PBX's own, and the edge's certificate as the authority that it trusts."""
    pair = current_pair(lab.edge.settings.tls_directory)
    assert pair is not None
    folder.mkdir()
    write_certificate(folder, "pbx.acme.example", lab.block.address(PBX))
    shutil.copy(pair.certificate, folder / "edge.crt")
    return folder


def take(callee: UserAgent, request: Message) -> Leg:
    """Answer a call; the callee's side of it."""
    callee.respond(request, 200, body=sdp(callee.address))
    callee.wait("ACK", call_id=request.call_id, seconds=SECONDS)
    return callee_leg(callee, request, request.path)


def hold_and_resume(server: Asterisk, leg: Leg, other: UserAgent, call_id: str) -> None:
    """This side's re-INVITEs reach the other one, in dialog `call_id`, in Asterisk's own words."""
    for offered, answered in (("sendonly", "recvonly"), ("sendrecv", "sendrecv")):
        leg.send("INVITE", body=f"{sdp(leg.agent.address)}a={offered}\r\n")
        request = other.wait("INVITE", call_id=call_id, seconds=SECONDS)
        assert f"a={offered}\r\n" in request.body
        other.respond(request, 200, body=f"{sdp(other.address)}a={answered}\r\n")
        other.wait("ACK", call_id=call_id, seconds=SECONDS)
        assert leg.agent.final(leg.call_id, seconds=SECONDS).status == 200
        leg.send("ACK", cseq=leg.cseq)
        server.wait_for_ack(leg.call_id, leg.cseq)


def end(leg: Leg, other: UserAgent, call_id: str) -> None:
    leg.send("BYE")
    other.respond(other.wait("BYE", call_id=call_id, seconds=SECONDS), 200)
    leg.agent.wait("BYE", status=200, seconds=SECONDS)


def outgoing_call(lab: Lab, server: Asterisk, phone: UserAgent, telco: UserAgent) -> tuple[Leg, Leg]:
    """From the phone to the carrier; each one's side of its dialog."""
    uri = f"sip:{FAR_NUMBER}@{server.address}"
    invite = send_invite(phone, (server.address, 5060), uri, caller="100")
    far = take(telco, telco.wait("INVITE", seconds=SECONDS))
    near = invite.leg(invite.final(SECONDS))
    near.send("ACK")
    server.wait_for_bridge()
    return near, far


def incoming_call(lab: Lab, server: Asterisk, phone: UserAgent, telco: UserAgent) -> tuple[Leg, Leg]:
    """From the carrier to the phone; the phone's side first."""
    invite = lab.call_in(telco)
    near = take(phone, phone.wait("INVITE", seconds=SECONDS))
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


def test_a_reliable_ringing_is_acknowledged(
    lab: Lab, root: Path, tmp_path: Path, phone: UserAgent, telco: UserAgent
) -> None:
    """Asterisk's PRACK (RFC 3262) names what the carrier sent, with an offer answered before the call is."""
    with pbx(lab, root, tmp_path, "udp") as server:
        invite = send_invite(
            phone, (server.address, 5060), f"sip:{FAR_NUMBER}@{server.address}", caller="100"
        )
        received = telco.wait("INVITE", seconds=SECONDS)
        reliable = [("Require", "100rel"), ("RSeq", "7"), ("Contact", f"<{telco.contact}>")]
        telco.respond(received, 183, headers=reliable, body=sdp(telco.address))
        prack = telco.wait("PRACK", seconds=SECONDS)
        assert prack.header("RAck") == f"7 {received.header('CSeq')}"
        telco.respond(prack, 200)
        far = take(telco, received)
        near = invite.leg(invite.final(SECONDS))
        near.send("ACK")
        end(near, telco, far.call_id)
