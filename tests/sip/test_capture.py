"""Copies of messages for a collector: each message of a call, of which call it is, and nothing secret."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from sipedge.secret import Secret
from sipedge.table import CaptureRow
from support.addresses import reserved_block
from support.edge import Edge, running_edge
from support.hep import Collector, HepPacket, captured
from support.lab import EDGE, PBX, TELCO, Lab
from support.other_release import image_prefix
from support.patience import until
from support.sipmessage import digest_answer, sdp
from support.sipua import UserAgent

URI = "sip:+442079460000@acme-hq.pstn.trunkline.test"
PASSWORD = "Right-horse-1"


@pytest.fixture(scope="module", params=["debian", "image"])
def captured_edge(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """An edge of either release of Kamailio."""
    place = tmp_path_factory.mktemp("captured")
    prefix = image_prefix(place) if request.param == "image" else []
    with (
        reserved_block() as block,
        running_edge(None, block.address(EDGE), place, prefix=prefix) as edge,
        ExitStack() as stack,
    ):
        lab = Lab(edge, block, stack)
        lab.serve(
            trunk={"access": ("127.0.0.0/8",), "credential_lists": ("acme/users",)},
            credentials={("acme/users", "pbx"): PASSWORD},
        )
        yield lab
        faults = [line for line in edge.log().splitlines() if "fault in" in line or "CRITICAL" in line]
        assert not faults


@pytest.fixture(scope="module")
def sides(captured_edge: Lab) -> tuple[UserAgent, UserAgent]:
    return captured_edge.agent(PBX), captured_edge.agent(TELCO)


@pytest.fixture
def collector() -> Iterator[Collector]:
    found = Collector()
    yield found
    found.close()


REQUESTS = (b"INVITE", b"ACK", b"BYE")


def way_of(packet: HepPacket) -> tuple[bytes, tuple[str, int], tuple[str, int]]:
    """The method of a request or the status of an answer, from where, and where to."""
    words = packet.message.split(None, 2)
    what = b" ".join(words[:2]) if words[0] == b"SIP/2.0" else words[0]
    return what, packet.source, packet.destination


def answered_call(lab: Lab, pbx: UserAgent, telco: UserAgent) -> str:
    """A call with a digest, answered and ended; its Call-ID."""
    first = lab.call_out(pbx)
    challenge = first.final()
    proof = digest_answer(challenge.header("Proxy-Authenticate"), "pbx", PASSWORD, "INVITE", uri=URI)
    second = lab.call_out(
        pbx,
        call_id=first.call_id,
        from_header=first.local,
        cseq=2,
        headers=[("Proxy-Authorization", proof)],
    )
    received = telco.wait("INVITE", call_id=first.call_id)
    telco.respond(received, 200, body=sdp(telco.address))
    leg = second.leg(second.final())
    leg.send("ACK")
    telco.wait("ACK", call_id=first.call_id)
    leg.send("BYE")
    telco.respond(telco.wait("BYE", call_id=first.call_id), 200)
    pbx.wait("BYE", status=200, call_id=first.call_id)
    return first.call_id


@pytest.mark.parametrize("transport", ("udp", "tcp"))
def test_each_message_of_a_call_reaches_the_collector_without_its_secrets(
    captured_edge: Lab, sides: tuple[UserAgent, UserAgent], collector: Collector, transport: str
) -> None:
    """As it was received and as it was sent, with the CallSid; digests are named, never told."""
    row = CaptureRow("127.0.0.1", collector.port, transport, 2001, Secret("only-homer-knows"))
    with captured(captured_edge.edge, row):
        call_id = answered_call(captured_edge, *sides)
        edge, (pbx, telco) = (captured_edge.edge.address, 5060), ((each.address, 5060) for each in sides)
        requests = {(method, *way) for method in REQUESTS for way in ((pbx, edge), (edge, telco))}
        ways = requests | {(b"SIP/2.0 200", *way) for way in ((telco, edge), (edge, pbx))}
        # Each worker sends its own copies: they come in any order.
        until(lambda: ways <= set(map(way_of, collector.of_call(call_id))), "a copy of each")
        packets = collector.of_call(call_id, "SIP/2.0 407")
    sids = {each.correlation for each in packets}
    assert len(sids) == 1
    (sid,) = sids
    assert sid is not None
    assert sid.startswith("CA")
    assert {(each.capture_id, each.auth_key, each.protocol) for each in packets} == {
        (2001, "only-homer-knows", socket.IPPROTO_UDP)
    }
    everything = b"".join(each.message for each in packets).lower()
    for secret in (b"digest", b"nonce", b"response="):
        assert secret not in everything
    assert b"x-trunkline-left-out: proxy-authorization" in everything
    assert b"m=audio" in everything


def test_a_collector_that_is_gone_costs_no_call(
    captured_edge: Lab, sides: tuple[UserAgent, UserAgent]
) -> None:
    """Nobody listens at its port, by either transport; nor has its name an address."""
    for host, transport in (("127.0.0.1", "udp"), ("127.0.0.1", "tcp"), ("no-such-name.invalid", "udp")):
        with captured(captured_edge.edge, CaptureRow(host, 9, transport, 1, None)):
            answered_call(captured_edge, *sides)


def test_an_agent_that_is_gone_costs_no_call(captured_edge: Lab, sides: tuple[UserAgent, UserAgent]) -> None:
    """What nobody takes is counted."""
    edge: Edge = captured_edge.edge
    edge.rpc("siptrace.status", "on")
    try:
        answered_call(captured_edge, *sides)
    finally:
        edge.rpc("siptrace.status", "off")
    until(lambda: edge.counted("capture|lost") >= 10, "what was lost is counted")
