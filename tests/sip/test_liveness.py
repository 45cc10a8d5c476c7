"""Targets that ask for it are probed by OPTIONS: who does not answer comes last, before any call is late."""

from __future__ import annotations

import ssl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event, Thread

import pytest

from support.edge import write_certificate
from support.lab import Lab
from support.patience import PATIENCE
from support.sipmessage import Message
from support.sipua import Invite, UserAgent
from support.tables import make_carrier, make_gateway, make_target


@pytest.fixture
def server_context(tmp_path: Path) -> ssl.SSLContext:
    """A gateway's own self-signed certificate."""
    write_certificate(tmp_path, "gw.one.example")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "server.crt", tmp_path / "server.key")
    return context


@contextmanager
def answering(agent: UserAgent, status: int) -> Iterator[list[Message]]:
    """Every OPTIONS is answered so meanwhile; those that came are told, repetitions as well."""
    over, came = Event(), list[Message]()

    def work() -> None:
        while not over.is_set():
            for message in [
                each for each in agent.silence(0.05) if each.is_request and each.method == "OPTIONS"
            ]:
                agent.inbox.remove(message)
                came.append(message)
                if status:
                    agent.respond(message, status)

    thread = Thread(target=work)
    thread.start()
    try:
        yield came
    finally:
        over.set()
        thread.join()


def numbers(came: list[Message]) -> set[int]:
    return {message.cseq for message in came}


def asked(agent: UserAgent, status: int, times: int) -> list[Message]:
    """The probes, until so many have come, each answered so (0: not at all)."""
    deadline = time.monotonic() + PATIENCE
    with answering(agent, status) as came:
        while len(numbers(came)) < times:
            assert time.monotonic() < deadline, "no probe came"
            time.sleep(0.05)
    return came


def meets(call: Invite, agent: UserAgent, *, before: UserAgent) -> None:
    """This call is tried here first; its answer ends the search, so that no other target shows any life."""
    received = agent.wait("INVITE", call_id=call.call_id)
    assert call.call_id not in {each.call_id for each in before.silence(0.02)}
    agent.respond(received, 486)
    assert call.final().status == 486


def probes_at(agent: UserAgent) -> list[Message]:
    return [each for each in agent.silence(0.1) if each.is_request and each.method == "OPTIONS"]


def test_a_silent_target_comes_last_until_it_answers(lab: Lab, telco: UserAgent) -> None:
    """No call waits for it. It is asked from the edge's own address, outside of any dialog."""
    first, second, denied = lab.agent(21), lab.agent(22), lab.agent(23)
    lab.serve(
        trunk={
            "targets": (
                make_target(first.address, 5060, priority=1, probe_seconds=1),
                make_target(second.address, 5060, priority=2),
                make_target(denied.address, 5060, priority=3, probe_seconds=1),
            )
        },
        site_changes={"denied_targets": (f"{denied.address}/32",)},
    )
    came = asked(first, 0, 4)
    assert {message.call_id for message in came} == {came[0].call_id}
    assert came[0].uri == f"sip:{first.address}:5060"
    assert came[0].header("From").startswith(f"<sip:{lab.edge.address}>")
    assert came[0].path == lab.edge_at
    meets(lab.call_in(telco), second, before=first)

    asked(first, 404, 3)
    meets(lab.call_in(telco), first, before=second)
    assert not probes_at(second), "it is not probed"
    assert not probes_at(denied), "nothing is sent to a denied network"
    assert lab.edge.logs("answers again")


def test_a_gateway_that_takes_no_calls_comes_last_until_it_does(
    lab: Lab, pbx: UserAgent, server_context: ssl.SSLContext
) -> None:
    """503 is as no answer. Over TLS the gateway is asked for by its name (SNI), as by calls."""
    names = []
    server_context.sni_callback = lambda _connection, name, _context: names.append(name)
    first, second = lab.agent(21, 5061, "tls", tls=server_context), lab.agent(22)
    lab.serve(
        carriers=[make_carrier("one"), make_carrier("two")],
        sources={},
        routes={
            "+": [
                make_gateway(
                    first.address,
                    5061,
                    carrier="one",
                    transport="tls",
                    priority=1,
                    server_name="gw.one.example",
                    probe_seconds=1,
                ),
                make_gateway(second.address, 5060, carrier="two", priority=2),
            ]
        },
    )
    asked(first, 503, 4)
    meets(lab.call_out(pbx), second, before=first)
    asked(first, 200, 3)
    meets(lab.call_out(pbx), first, before=second)
    assert set(names) == {"gw.one.example"}
