"""What the edge does by itself in a call that was transferred: its probes, and its own end of it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from sipedge.table.transfer import TransferRow
from support.addresses import reserved_block
from support.asked_to_end import ask_to_end, place_of
from support.b2bua import QUICK, running_b2bua
from support.dialogs import established
from support.edge import running_edge
from support.lab import EDGE, PBX, TELCO, Lab
from support.patience import PATIENCE, until
from support.sipmessage import Message, sdp
from support.sipua import Leg, UserAgent

TARGET = 40


@pytest.fixture(scope="module")
def place() -> Iterator[Lab]:
    """An edge that asks every second, with its B2BUA."""
    with (
        reserved_block() as block,
        running_edge(None, block.address(EDGE), probe_seconds=1, b2bua=QUICK) as edge,
        running_b2bua(edge),
        ExitStack() as stack,
    ):
        yield Lab(edge, block, stack)
        assert "fault in" not in edge.log()


@pytest.fixture
def watched(place: Lab) -> Iterator[Lab]:
    with ExitStack() as stack:
        one = Lab(place.edge, place.block, stack)
        one.serve(trunk={"transfer": TransferRow("EnableAll")})
        yield one


def transferred(lab: Lab, pbx: UserAgent, telco: UserAgent, target: UserAgent) -> tuple[Leg, Leg, str, str]:
    """The PBX's leg, which it has ended, the other party's, the call's id and the target's Call-ID."""
    far, near, received, _ = established(lab, telco, pbx, outgoing=False)
    near.send("REFER", headers=[("Refer-To", f"<sip:bob@{target.address}>"), ("Refer-Sub", "false")])
    assert pbx.wait("REFER", status=0, call_id=near.call_id).status == 202
    invite = target.wait("INVITE")
    target.respond(invite, 200, body=sdp(target.address))
    target.wait("ACK", call_id=invite.call_id)
    telco.respond(telco.wait("INVITE", call_id=far.call_id), 200, body=sdp(telco.address))
    telco.wait("ACK", call_id=far.call_id)
    near.send("BYE")
    pbx.wait("BYE", status=200, call_id=near.call_id)
    return near, far, received.header("X-Trunkline-CallSid"), invite.call_id


def asked(
    agents: tuple[UserAgent, ...],
    status: dict[str, int],
    is_all: Callable[[list[Message]], bool],
    seconds: float,
) -> list[Message]:
    """Requests until they are all that must come, and of so many seconds at least.

    Each OPTIONS is answered as its agent's address says, a BYE by 200.
    """
    found: list[Message] = []
    begun = time.monotonic()
    while (waited := time.monotonic() - begun) < seconds or not is_all(found):
        assert waited < PATIENCE, [each.first_line for each in found]
        for agent in agents:
            for message in agent.silence(0.02):
                agent.inbox.remove(message)
                if message.is_request:
                    found.append(message)
                    answer = 200 if message.method == "BYE" else status.get(agent.address, 200)
                    agent.respond(message, answer)
    return found


def byes(found: list[Message]) -> set[tuple[str, str]]:
    """Which calls are ended, and where."""
    return {(each.call_id, each.uri) for each in found if each.method == "BYE"}


def two_byes(found: list[Message]) -> bool:
    return len(byes(found)) >= 2


def test_who_has_transferred_is_asked_no_more_and_who_is_gone_ends_all(watched: Lab) -> None:
    """He would say that he has no such call: it is the other party's, with the target, now."""
    pbx, telco, target = watched.agent(PBX), watched.agent(TELCO), watched.agent(TARGET)
    near, far, _, with_target = transferred(watched, pbx, telco, target)
    agents = (pbx, telco, target)
    # An earlier test's agents may still be told how their transfer ended.
    calls = {near.call_id, far.call_id, with_target}

    def of_both(found: list[Message]) -> bool:
        return {near.call_id, with_target} <= {each.call_id for each in found}

    found = [each for each in asked(agents, {pbx.address: 481}, of_both, 4) if each.call_id in calls]
    assert {each.method for each in found} == {"OPTIONS"}
    assert {each.call_id for each in found} == {near.call_id, with_target}
    assert {each.uri for each in found} == {telco.contact, target.contact}
    ended = byes(asked(agents, {telco.address: 481}, two_byes, 5))
    assert ended == {(far.call_id, telco.contact), (with_target, target.contact)}
    until(lambda: watched.dialogs() == 0)


def test_a_transferred_call_that_is_ended_from_outside_ends_for_all(watched: Lab) -> None:
    pbx, telco, target = watched.agent(PBX), watched.agent(TELCO), watched.agent(TARGET)
    _, far, sid, with_target = transferred(watched, pbx, telco, target)
    assert ask_to_end(watched, place_of(watched, sid)) == "SIP/2.0 200 OK"
    ended = byes(asked((pbx, telco, target), {}, two_byes, 4))
    assert ended == {(far.call_id, telco.contact), (with_target, target.contact)}
    until(lambda: watched.dialogs() == 0)


def test_a_call_whose_transfer_failed_ends_for_both_sides_from_outside(watched: Lab) -> None:
    """The NOTIFYs have used numbers that the proxy's dialog does not know: a lower one is refused."""
    pbx, telco, target = watched.agent(PBX), watched.agent(TELCO), watched.agent(TARGET)
    _, near, received, _ = established(watched, telco, pbx, outgoing=False)
    near.send("REFER", headers=[("Refer-To", f"<sip:bob@{target.address}>")])
    target.respond(target.wait("INVITE"), 486)
    last = 0
    for _ in range(2):
        notify = pbx.wait("NOTIFY", call_id=near.call_id)
        pbx.respond(notify, 200)
        last = notify.cseq
    sid = received.header("X-Trunkline-CallSid")
    assert ask_to_end(watched, place_of(watched, sid)) == "SIP/2.0 200 OK"
    found = asked((pbx, telco, target), {}, two_byes, 4)
    assert {to for _, to in byes(found)} == {pbx.contact, telco.contact}
    (bye,) = (each for each in found if (each.method, each.uri) == ("BYE", pbx.contact))
    assert bye.cseq > last
