"""Asterisk between a phone and the edge: calls both ways, held and resumed by requests that it writes."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from sipedge.tls_files import current_pair
from support.asterisk import SECONDS, Asterisk, Trunk, asterisk, asterisk_root
from support.debian_root import NoRootError
from support.edge import write_certificate
from support.lab import FAR_NUMBER, OWN_NUMBER, PBX, Lab
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


def hold_and_resume(own: Asterisk, leg: Leg, other: UserAgent, call_id: str) -> None:
    """This side's re-INVITEs reach the other one, in dialog `call_id`, in Asterisk's own words."""
    for offered, answered in (("sendonly", "recvonly"), ("sendrecv", "sendrecv")):
        leg.send("INVITE", body=f"{sdp(leg.agent.address)}a={offered}\r\n")
        request = other.wait("INVITE", call_id=call_id, seconds=SECONDS)
        assert f"a={offered}\r\n" in request.body
        other.respond(request, 200, body=f"{sdp(other.address)}a={answered}\r\n")
        other.wait("ACK", call_id=call_id, seconds=SECONDS)
        assert leg.agent.final(leg.call_id, seconds=SECONDS).status == 200
        leg.send("ACK", cseq=leg.cseq)
        own.wait_for_ack(leg.call_id, leg.cseq)


def end(leg: Leg, other: UserAgent, call_id: str) -> None:
    leg.send("BYE")
    other.respond(other.wait("BYE", call_id=call_id, seconds=SECONDS), 200)
    leg.agent.wait("BYE", status=200, seconds=SECONDS)


@TRANSPORTS
def test_a_call_of_its_phone_is_held_resumed_and_ended(
    lab: Lab, root: Path, tmp_path: Path, phone: UserAgent, telco: UserAgent, transport: str
) -> None:
    """From Asterisk to the carrier; the phone does it all, and then the carrier holds and resumes."""
    with pbx(lab, root, tmp_path, transport) as own:
        uri = f"sip:{FAR_NUMBER}@{own.address}"
        invite = send_invite(phone, (own.address, 5060), uri, caller="100")
        received = telco.wait("INVITE", seconds=SECONDS)
        far = take(telco, received)
        near = invite.leg(invite.final(SECONDS))
        near.send("ACK")
        hold_and_resume(own, near, telco, received.call_id)
        hold_and_resume(own, far, phone, near.call_id)
        end(near, telco, received.call_id)


@TRANSPORTS
def test_a_call_to_its_phone_is_held_resumed_and_ended(
    lab: Lab, root: Path, tmp_path: Path, phone: UserAgent, telco: UserAgent, transport: str
) -> None:
    """From the carrier to Asterisk; the phone holds and resumes, then the carrier does, and ends it."""
    with pbx(lab, root, tmp_path, transport) as own:
        invite = lab.call_in(telco)
        received = phone.wait("INVITE", seconds=SECONDS)
        near = take(phone, received)
        far = invite.leg(invite.final(SECONDS))
        far.send("ACK")
        hold_and_resume(own, near, telco, far.call_id)
        hold_and_resume(own, far, phone, near.call_id)
        end(far, phone, near.call_id)
