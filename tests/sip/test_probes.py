"""Each side of a call that is up is asked whether it has it still: a lost BYE frees the call's places."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from support.addresses import reserved_block
from support.dialogs import end, established, hold, killed_and_restarted
from support.edge import running_edge
from support.events import all_events_of_sid
from support.lab import EDGE, PBX, TELCO, Lab
from support.patience import PATIENCE
from support.sipmessage import Message, render, sdp
from support.sipua import Leg, callee_leg, client_context
from support.tables import make_carrier, make_ha1

REALM = "telco.example"
DIRECTIONS = pytest.mark.parametrize("outgoing", (True, False), ids=("termination", "origination"))


@pytest.fixture(scope="module")
def place() -> Iterator[Lab]:
    """An edge that asks every second."""
    with (
        reserved_block() as block,
        running_edge(None, block.address(EDGE), probe_seconds=1) as edge,
        ExitStack() as stack,
    ):
        yield Lab(edge, block, stack)
        assert "fault in" not in edge.log()
        assert "bogus ref" not in edge.log()


@pytest.fixture
def probed(place: Lab) -> Iterator[Lab]:
    with ExitStack() as stack:
        one = Lab(place.edge, place.block, stack)
        one.serve()
        yield one


def probes(legs: tuple[Leg, ...], answers: dict[str, int], seconds: float = PATIENCE) -> list[Message]:
    """Probes that come until each leg was asked once more; each is answered as its agent's address says."""
    found: dict[str, Message] = {}
    deadline = time.monotonic() + seconds
    while len(found) < len(legs):
        assert time.monotonic() < deadline, "no probe came"
        for leg in legs:
            for message in [each for each in leg.agent.silence(0.02) if is_probe(each, leg)]:
                leg.agent.inbox.remove(message)
                found[leg.local] = message
                if status := answers.get(leg.agent.address, 200):
                    leg.agent.respond(message, status)
    return [found[leg.local] for leg in legs]


def is_probe(message: Message, leg: Leg) -> bool:
    return message.is_request and message.method == "OPTIONS" and message.call_id == leg.call_id


def end_of(near: Leg, far: Leg, answers: dict[str, int]) -> None:
    """Probes are answered so, until both sides get the edge's own BYE."""
    byes: dict[str, Message] = {}
    deadline = time.monotonic() + PATIENCE
    while len(byes) < 2:
        assert time.monotonic() < deadline, "the call was not ended"
        for leg in (near, far):
            for message in [each for each in leg.agent.silence(0.02) if each.call_id == leg.call_id]:
                leg.agent.inbox.remove(message)
                if message.is_request and message.method == "BYE":
                    byes[leg.local] = message
                    leg.agent.respond(message, 200)
                elif is_probe(message, leg) and (status := answers.get(leg.agent.address, 200)):
                    leg.agent.respond(message, status)
    for leg in (near, far):
        bye = byes[leg.local]
        assert (bye.header("From"), bye.header("To")) == (leg.remote, leg.local)


def last_event(lab: Lab, sid: str) -> dict[str, str]:
    return all_events_of_sid(lab.edge, sid)[-1]


@DIRECTIONS
def test_a_side_that_answers_keeps_its_call_whatever_it_says(probed: Lab, outgoing: bool) -> None:
    """200, 405, 500 prove the call; the probe is as the other side's, and takes no number of it."""
    pbx, telco = probed.agent(PBX), probed.agent(TELCO)
    caller, callee = (pbx, telco) if outgoing else (telco, pbx)
    near, far, received, _ = established(probed, caller, callee, outgoing=outgoing)
    for status in (405, 500):
        found = probes((near, far), {caller.address: status})
        for leg, message, cseq in zip((near, far), found, (0, received.cseq), strict=True):
            assert (message.header("From"), message.header("To")) == (leg.remote, leg.local)
            assert (message.cseq, message.uri) == (cseq, leg.agent.contact)
            assert (len(message.all("Via")), message.all("Route")) == (1, [])
            assert ";tk=" not in message.raw.decode()
    hold(near, callee)
    hold(far, caller)
    found = probes((near, far), {})
    assert [each.cseq for each in found] == [far.cseq, near.cseq]
    end(near, callee)


@pytest.mark.parametrize(
    ("outgoing", "lost", "status"),
    ((True, "caller", 481), (True, "callee", 408), (False, "caller", 0)),
    ids=("481", "408", "silence"),
)
def test_a_call_that_a_side_has_lost_is_ended_and_its_place_is_free(
    probed: Lab, outgoing: bool, lost: str, status: int
) -> None:
    """By the edge's own BYEs, and the event says why; another call may be made then."""
    pbx, telco = probed.agent(PBX), probed.agent(TELCO)
    access = (f"{pbx.address}/32",)
    probed.serve(trunk={"access": access, "max_concurrent_calls": 1} if outgoing else {"access": access})
    caller, callee = (pbx, telco) if outgoing else (telco, pbx)
    near, far, received, answer = established(probed, caller, callee, outgoing=outgoing)
    if outgoing:
        assert probed.call_out(pbx).final().status == 503
    end_of(near, far, {(caller if lost == "caller" else callee).address: status})
    sid = (answer if outgoing else received).header("X-Trunkline-CallSid")
    ended = last_event(probed, sid)
    assert (ended["endedBy"], ended["endReason"]) == ("edge", "probe")
    again, _, _, _ = established(probed, caller, callee, outgoing=outgoing)
    end(again, callee)


@pytest.mark.parametrize("transport", ("tcp", "tls"))
def test_a_side_is_asked_by_its_living_connection(probed: Lab, transport: str) -> None:
    """And is ended by it as well."""
    tls = client_context() if transport == "tls" else None
    pbx, telco = probed.agent(PBX, 0, transport, tls=tls), probed.agent(TELCO)
    near, far, _, _ = established(probed, pbx, telco, outgoing=True, contact="sip:pbx@192.168.7.7:5060")
    probes((near, far), {})
    end_of(near, far, {pbx.address: 481})


def test_a_side_behind_a_nat_is_asked_where_it_sent_from(probed: Lab) -> None:
    """Its Contact is an address of its own network."""
    pbx, telco = probed.agent(PBX, 40_123), probed.agent(TELCO)
    near, far, _, _ = established(probed, pbx, telco, outgoing=True, contact="sip:pbx@192.168.7.7:5060")
    [found, _] = probes((near, far), {})
    assert found.uri == "sip:pbx@192.168.7.7:5060"
    end_of(near, far, {pbx.address: 481})


def test_the_number_is_that_which_a_challenged_carrier_has_seen(probed: Lab) -> None:
    pbx, telco = probed.agent(PBX), probed.agent(TELCO)
    probed.serve(carriers=[make_carrier(realm=REALM, username="us", ha1=make_ha1("us", "Carrier-1", REALM))])
    invite = probed.call_out(pbx, cseq=7)
    first = telco.wait("INVITE", call_id=invite.call_id)
    telco.respond(first, 407, headers=[("Proxy-Authenticate", f'Digest realm="{REALM}", nonce="n"')])
    second = telco.wait("INVITE", call_id=invite.call_id)
    while second.cseq == first.cseq:
        second = telco.wait("INVITE", call_id=invite.call_id)
    telco.respond(second, 200, body=sdp(telco.address))
    near = invite.leg(pbx.wait("INVITE", status=200, call_id=invite.call_id))
    near.send("ACK")
    telco.wait("ACK", call_id=invite.call_id)
    far = callee_leg(telco, second, second.path)
    _, asked = probes((near, far), {})
    assert asked.cseq == second.cseq
    end_of(near, far, {telco.address: 481})


def test_nobody_else_ends_a_call_by_an_answer(probed: Lab) -> None:
    """Neither who knows the dialog but not the branch, nor who knows both and is at neither side."""
    pbx, telco, stranger = probed.agent(PBX), probed.agent(TELCO), probed.agent(66)
    near, far, _, _ = established(probed, pbx, telco, outgoing=True)
    [asked, _] = probes((near, far), {pbx.address: 0})
    copied = [each for each in asked.headers if each[0] not in ("Via", "Max-Forwards", "Content-Length")]
    for via in (asked.header("Via").replace("branch=z9hG4bK", "branch=z9hG4bK0"), asked.header("Via")):
        stranger.send(render("SIP/2.0 481 Gone", [("Via", via), *copied]), probed.edge_at)
    for _ in range(2):
        probes((near, far), {})
    assert not [each for each in (*pbx.inbox, *telco.inbox) if each.method == "BYE"]
    end(near, telco)


def test_a_call_that_a_restart_has_forgotten_is_left_alone(probed: Lab) -> None:
    """Its sides still end it themselves."""
    pbx, telco = probed.agent(PBX), probed.agent(TELCO)
    near, _, _, _ = established(probed, pbx, telco, outgoing=True)
    killed_and_restarted(probed)
    assert not [each for each in (*pbx.silence(2.5), *telco.silence(0.1)) if each.is_request]
    end(near, telco)
