"""The tests' own router: what passes, under which address, and what is lost when it forgets."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from support.addresses import Block
from support.lab import FAR_NUMBER, OWN_NUMBER, PBX, Lab
from support.nat import Nat, nat
from support.patience import PATIENCE
from support.sipmessage import sdp
from support.sipua import UserAgent, callee_leg, send_invite

INSIDE, OUTSIDE, SERVER = 81, 80, 82


@pytest.fixture
def server(block: Block) -> Iterator[socket.socket]:
    """A UDP server that waits at most two seconds."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
        udp.bind((block.address(SERVER), 0))
        udp.settimeout(PATIENCE)
        yield udp


@pytest.fixture
def router(block: Block, server: socket.socket) -> Iterator[Nat]:
    with nat((block.address(INSIDE), 0), block.address(OUTSIDE), server.getsockname()) as one:
        yield one


@pytest.fixture
def client(block: Block) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
        udp.bind((block.address(PBX), 5060))
        udp.settimeout(PATIENCE)
        yield udp


def test_a_client_is_seen_at_a_port_of_the_router_and_reached_there(
    block: Block, server: socket.socket, router: Nat, client: socket.socket
) -> None:
    """Both ways; what others send to that port is kept out."""
    client.sendto(b"one", router.inside)
    data, seen = server.recvfrom(100)
    assert (data, seen) == (b"one", (block.address(OUTSIDE), router.ports[0]))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
        stranger.sendto(b"hello", seen)
    server.sendto(b"two", seen)
    assert client.recvfrom(100) == (b"two", router.inside)


def test_a_client_has_another_port_after_the_router_forgot_it(
    server: socket.socket, router: Nat, client: socket.socket
) -> None:
    """Nothing comes by the old port any more."""
    client.sendto(b"one", router.inside)
    _, before = server.recvfrom(100)
    router.remap()
    server.sendto(b"lost", before)
    client.sendto(b"two", router.inside)
    _, after = server.recvfrom(100)
    assert after[0] == before[0]
    assert after[1] != before[1]
    server.sendto(b"three", after)
    assert client.recvfrom(100)[0] == b"three"


def test_a_connection_passes_until_it_is_dropped(block: Block) -> None:
    """Bytes both ways; then both ends see a reset, and a new connection passes."""
    with (
        socket.create_server((block.address(SERVER), 0)) as listener,
        nat((block.address(INSIDE), 0), block.address(OUTSIDE), listener.getsockname()) as router,
    ):
        listener.settimeout(PATIENCE)
        for _ in range(2):
            with socket.create_connection(router.inside, 2) as near:
                far, seen = listener.accept()
                far.settimeout(PATIENCE)
                with far:
                    assert seen[0] == block.address(OUTSIDE)
                    near.sendall(b"x" * 100_000 + b"end")
                    received = b""
                    while not received.endswith(b"end"):
                        received += far.recv(65_535)
                    far.sendall(b"back")
                    assert near.recv(10) == b"back"
                    assert router.connections == 1
                    router.drop_connections()
                    assert router.connections == 0
                    for each in (near, far):
                        with pytest.raises(ConnectionResetError):
                            each.recv(10)


@pytest.mark.parametrize("transport", ("udp", "tcp"))
def test_a_call_passes_the_router(lab: Lab, telco: UserAgent, transport: str) -> None:
    """With private addresses in its headers: answers and the callee's BYE find the way back."""
    outside = lab.block.address(OUTSIDE)
    lab.serve(trunk={"access": (f"{outside}/32",)})
    pbx = lab.agent(PBX, 5070, transport)
    with nat((lab.block.address(INSIDE), 0), outside, lab.edge_at) as router:
        uri = f"sip:{FAR_NUMBER}@acme-hq.pstn.trunkline.test"
        private = "sip:pbx@192.0.2.20:5070"
        invite = send_invite(pbx, router.inside, uri, caller=OWN_NUMBER, contact=private)
        received = telco.wait("INVITE")
        telco.respond(received, 200, body=sdp(telco.address))
        invite.leg(pbx.wait("INVITE", status=200)).send("ACK")
        telco.wait("ACK")
        callee_leg(telco, received, received.path).send("BYE")
        pbx.respond(pbx.wait("BYE"), 200)
        telco.wait("BYE", status=200)
