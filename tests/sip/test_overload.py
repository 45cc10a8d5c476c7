"""What is too much is refused at once: known callers are told, strangers are not, calls in progress go on."""

from __future__ import annotations

import re
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from sipedge.store import Store
from support.edge import Edge, make_settings, probe, running_edge, started
from support.lab import Lab
from support.patience import PATIENCE, until
from support.sipmessage import sdp
from support.sipua import UserAgent, send_invite

SHED = "new calls are shed"
LIMIT = 3
"""New calls a second."""


@pytest.fixture
def small(lab: Lab) -> Iterator[Lab]:
    """An edge that takes few new calls a second, called by the lab's PBX and carrier."""
    with running_edge(None, lab.block.address(40), calls_per_second=LIMIT) as edge:
        one = Lab(edge, lab.block, lab.stack)
        one.serve(routes=dict.fromkeys(("+", "emergency"), one.platform().routes["+"]))
        yield one


def begin_second() -> None:
    time.sleep(1.02 - time.time() % 1)


def fill_seconds(edge: Edge) -> None:
    """This second and the next minute have had all the new calls that they may."""
    now = int(time.time())  # once: a second that begins meanwhile would be left out
    for second in range(now, now + 60):
        edge.rpc("htable.seti", "load", str(second), LIMIT)


def refused(edge: Edge, reason: str) -> int:
    """How often the edge refused for this reason."""
    dump = edge.rpc("htable.dump", "count")
    slots = {slot["name"]: int(slot["value"]) for entry in dump for slot in entry["slot"]}
    return slots.get(f"-|{reason}", 0)


def shed_in_one_second(small: Lab, pbx: UserAgent, telco: UserAgent) -> bool:
    """Calls above the limit are refused; False if another second had begun, and one was taken."""
    refused_before, said_before = refused(small.edge, "Overloaded"), small.edge.log().count(SHED)
    begin_second()
    invites = [small.call_out(pbx) for _ in range(LIMIT)]
    taken = [telco.wait("INVITE", call_id=invite.call_id) for invite in invites]
    before = small.edge.rpc("tm.stats")["created"]
    more = [small.call_out(pbx) for _ in range(5)]
    answers = [pbx.wait("INVITE", status=0, call_id=invite.call_id) for invite in more]
    for received in taken:
        telco.respond(received, 486)
    assert [invite.final().status for invite in invites] == [486] * LIMIT
    late = [invite for invite, answer in zip(more, answers, strict=True) if answer.status == 100]
    for invite in late:
        telco.respond(telco.wait("INVITE", call_id=invite.call_id), 486)
        assert invite.final().status == 486
    if late:
        return False
    assert [(each.status, each.header("Retry-After")) for each in answers] == [(503, "2")] * 5
    assert small.edge.rpc("tm.stats")["created"] == before
    assert refused(small.edge, "Overloaded") == refused_before + 5
    until(lambda: small.edge.log().count(SHED) > said_before, "it is told")
    assert small.edge.log().count(SHED) == said_before + 1
    return True


def test_what_is_too_much_is_refused_without_a_transaction(
    small: Lab, pbx: UserAgent, telco: UserAgent
) -> None:
    """503 with Retry-After for the calls above the limit, one line in the log, and nothing that stays."""
    # On a busy machine the second may be over before the last call is sent.
    assert any(shed_in_one_second(small, pbx, telco) for _ in range(5))
    begin_second()
    again = small.call_out(pbx)
    telco.respond(telco.wait("INVITE", call_id=again.call_id), 486)
    assert again.final().status == 486


def test_only_new_calls_are_shed(small: Lab, pbx: UserAgent, telco: UserAgent) -> None:
    """Not a repeated INVITE, a CANCEL, a request in a dialog, an emergency call; a stranger hears nothing."""
    talking = small.call_out(pbx)
    telco.respond(telco.wait("INVITE"), 200, body=sdp(telco.address))
    leg = talking.leg(pbx.wait("INVITE", status=200))
    leg.send("ACK")
    telco.wait("ACK")
    ringing = small.call_out(pbx)
    received = telco.wait("INVITE")
    telco.respond(received, 180)
    pbx.wait("INVITE", status=180)
    fill_seconds(small.edge)
    assert small.call_out(pbx).final().status == 503
    emergency = small.call_out(pbx, "911")
    telco.respond(telco.wait("INVITE", call_id=emergency.call_id), 486)
    assert emergency.final().status == 486
    ringing.send_again()
    ringing.cancel()
    telco.respond(telco.wait("CANCEL"), 200)
    telco.respond(received, 487)
    assert ringing.final().status == 487
    leg.send("BYE")
    telco.respond(telco.wait("BYE"), 200)
    pbx.wait("BYE", status=200)
    stranger = small.agent(50)
    small.call_out(stranger)
    assert not stranger.silence(0.2)


def test_strangers_shed_nobodys_call(small: Lab, pbx: UserAgent, telco: UserAgent) -> None:
    """Counted are calls that went on, not what anybody sends."""
    stranger = small.agent(50)
    begin_second()
    for _ in range(10 * LIMIT):
        send_invite(stranger, small.edge_at, "sip:1@unknown.example")
    invite = small.call_out(pbx)
    telco.respond(telco.wait("INVITE"), 486)
    assert invite.final().status == 486


def test_new_calls_are_shed_while_memory_is_short(lab: Lab, tmp_path: Path) -> None:
    """Emergency calls go on for longer; a caller whose emergency call went on is told of the others."""
    settings = make_settings(tmp_path, lab.block.address(40))
    text = settings.config_file.read_text()
    wanted = settings.shared_memory_mb * 1024 * 1024 // 8
    assert f"#!define FREE_FOR_CALLS {wanted}\n" in text
    everything = f"#!define FREE_FOR_CALLS {settings.shared_memory_mb * 1024 * 1024}"
    settings.config_file.write_text(re.sub(r"#!define FREE_FOR_CALLS \d+", everything, text))
    with started(settings) as process:
        edge = Edge(settings, process, Store(settings.lmdb_directory, settings.edge))
        deadline = time.monotonic() + PATIENCE
        while not probe(edge, 0.2):
            assert time.monotonic() < deadline
        one = Lab(edge, lab.block, lab.stack)
        one.serve(routes=dict.fromkeys(("+", "emergency"), one.platform().routes["+"]))
        pbx, telco = one.agent(20), one.agent(30)
        one.call_out(pbx)
        assert not pbx.silence(0.2)
        emergency = one.call_out(pbx, "+1911")
        telco.respond(telco.wait("INVITE"), 486)
        assert emergency.final().status == 486

        def call_again() -> bool:
            """The worker that sent the INVITE on notes the source after that, and silence ends."""
            one.call_out(pbx)
            return pbx.silence(0.1) != []

        until(call_again, "calls of one who is known are answered")
        assert pbx.wait(status=0).status == 503
        edge.store.close()


def test_a_message_of_more_than_16_kb_is_not_looked_at(small: Lab, pbx: UserAgent, telco: UserAgent) -> None:
    """Neither a request nor an answer; counted, and without an answer. What is just smaller passes."""
    padding = ("X-Padding", "a" * 15_000)
    invite = small.call_out(pbx, headers=[padding])
    received = telco.wait("INVITE")
    telco.respond(received, 183, headers=[("X-Padding", "b" * 16_500)])
    telco.respond(received, 486)
    assert invite.final().status == 486
    assert not [each for each in pbx.all_received if each.status == 183]
    telco.wait("ACK")
    small.call_out(pbx, headers=[("X-Padding", "a" * 16_500)])
    assert not telco.silence(0.2)
    assert not pbx.silence(0.1)
    assert refused(small.edge, "MessageTooLarge") == 2


def test_a_message_of_more_than_16_kb_ends_its_connection(small: Lab, telco: UserAgent) -> None:
    """Over TCP: what is no smaller than the buffer is never read to its end."""
    with socket.create_connection((small.edge.address, small.edge.ports.tcp), timeout=PATIENCE) as connection:
        head = "OPTIONS sip:acme-hq.pstn.trunkline.test SIP/2.0\r\nX-Padding: "
        try:
            connection.sendall((head + "a" * 40_000).encode())
            assert connection.recv(1) == b""
        except ConnectionError:
            pass
    pbx = small.agent(20, 0, "tcp")
    invite = small.call_out(pbx, headers=[("X-Padding", "a" * 14_000)])
    telco.respond(telco.wait("INVITE"), 486)
    assert invite.final().status == 486
