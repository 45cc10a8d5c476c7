"""Calls that are plain though more is asked of them: counted ones, and those of a secure trunk."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from support.addresses import reserved_block
from support.dialogs import end
from support.edge import write_certificate
from support.entered import entries, telling_edge
from support.lab import EDGE, PBX, TELCO, Lab
from support.patience import until
from support.sipmessage import sdp
from support.sipua import UserAgent, callee_leg, client_context
from support.tables import make_account, make_target

ONCE = ["ksr_request_route INVITE"]
SRTP = "RTP/SAVP"
SIDES = pytest.mark.parametrize("by", ("caller", "callee"))


@pytest.fixture(scope="module")
def entered_lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    with (
        reserved_block() as block,
        telling_edge(block.address(EDGE), tmp_path_factory.mktemp("edge")) as edge,
        ExitStack() as stack,
    ):
        yield Lab(edge, block, stack)


@pytest.fixture
def lab(entered_lab: Lab) -> Iterator[Lab]:
    """The same edge for all tests, and agents of each test's own."""
    with ExitStack() as stack:
        yield Lab(entered_lab.edge, entered_lab.block, stack)


def talk(lab: Lab, caller: UserAgent, callee: UserAgent, by: str, *, outgoing: bool, answer: str) -> str:
    """A whole call, whose offer is SRTP if its answer is; its Call-ID."""
    profile = SRTP if SRTP in answer else "RTP/AVP"
    call = lab.call_out if outgoing else lab.call_in
    invite = call(caller, body=sdp(caller.address, profile=profile))
    received = callee.wait("INVITE", call_id=invite.call_id)
    callee.respond(received, 180)
    caller.wait("INVITE", status=180, call_id=invite.call_id)
    callee.respond(received, 200, body=answer)
    leg = invite.leg(caller.wait("INVITE", status=200, call_id=invite.call_id))
    leg.send("ACK")
    callee.wait("ACK", call_id=invite.call_id)
    far = callee_leg(callee, received, received.path)
    end(*((leg, callee) if by == "caller" else (far, caller)))
    return invite.call_id


@SIDES
def test_a_counted_call_enters_python_once(lab: Lab, by: str) -> None:
    """Kamailio gives its places back."""
    limits = {"max_concurrent_calls": 1, "calls_per_second": 100}
    lab.serve(trunk=limits, accounts=[make_account(max_concurrent_calls=1)])
    pbx, telco = lab.agent(PBX), lab.agent(TELCO)
    for _ in range(2):
        call_id = talk(lab, pbx, telco, by, outgoing=True, answer=sdp(telco.address))
        assert entries(lab.edge, call_id) == ONCE
    until(lambda: set(counters(lab)) == {0}, "its places are free")


def counters(lab: Lab) -> list[int]:
    """How many calls are in progress, of each limit."""
    return [slot["value"] for entry in lab.edge.rpc("htable.dump", "calls") for slot in entry["slot"]]


@SIDES
def test_a_secure_customers_call_enters_python_once(lab: Lab, by: str) -> None:
    lab.serve(trunk={"secure": True})
    pbx, telco = lab.agent(PBX, 0, "tls", tls=client_context()), lab.agent(TELCO)
    call_id = talk(lab, pbx, telco, by, outgoing=True, answer=sdp(telco.address, profile=SRTP))
    assert entries(lab.edge, call_id) == ONCE


@SIDES
def test_a_call_to_a_secure_customer_enters_python_once(lab: Lab, tmp_path: Path, by: str) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    write_certificate(tmp_path, "pbx")
    context.load_cert_chain(tmp_path / "server.crt", tmp_path / "server.key")
    pbx, telco = lab.agent(PBX, 5062, "tls", tls=context), lab.agent(TELCO)
    lab.serve(trunk={"secure": True, "targets": (make_target(pbx.address, 5062, transport="tls"),)})
    call_id = talk(lab, telco, pbx, by, outgoing=False, answer=sdp(pbx.address, profile=SRTP))
    assert entries(lab.edge, call_id) == ONCE


@pytest.mark.parametrize(
    "answer",
    (
        pytest.param(sdp("192.0.2.1"), id="plain RTP"),
        pytest.param(sdp("192.0.2.1", profile=SRTP).replace("m=", "M="), id="a line that is none"),
        pytest.param(sdp("192.0.2.1", profile=SRTP) + "m=audio 4 RTP/AVP 0\r\n", id="a second medium"),
        pytest.param(sdp("192.0.2.1", profile=SRTP) + '\0m="audio 4 RTP/AVP 0\r\n', id="a NUL"),
    ),
)
def test_what_a_secure_trunk_does_not_take_goes_through_the_door(lab: Lab, answer: str) -> None:
    lab.serve(trunk={"secure": True})
    pbx, telco = lab.agent(PBX, 0, "tls", tls=client_context()), lab.agent(TELCO)
    invite = lab.call_out(pbx, body=sdp(pbx.address, profile=SRTP))
    telco.respond(telco.wait("INVITE", call_id=invite.call_id), 200, body=answer)
    telco.wait("BYE", call_id=invite.call_id)
    assert "ksr_onreply_call INVITE" in entries(lab.edge, invite.call_id)
