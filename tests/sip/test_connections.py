"""Connections that nobody uses, and junk: neither takes what calls need.

`SOAK=1` runs the long form: 3,000 connections of each kind, whose end it waits for, and junk for 10 seconds.
"""

from __future__ import annotations

import os
import resource
import socket
import ssl
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from threading import Event
from typing import Any

import pytest

from support.edge import Edge, connections, running_edge, write_certificate
from support.lab import Lab
from support.patience import PATIENCE, until
from support.sipmessage import new_token, render, sdp
from support.sipua import UserAgent, client_context
from support.tables import make_target

LONG = bool(os.environ.get("SOAK"))
IDLE = 3_000 if LONG else 400
"""Connections of each kind that are tried."""
JUNK_SECONDS = 10 if LONG else 2
JUNK_A_SECOND = 2_000
UNKNOWN, SERVED = 20, 3605
"""Seconds that a connection may be silent."""


@pytest.fixture
def small(lab: Lab) -> Iterator[Lab]:
    """An edge with the least shared memory, so that few connections reach what it allows."""
    changes: dict[str, Any] = {} if LONG else {"shm_mb": 32}
    with running_edge(None, lab.block.address(40), **changes) as edge:
        one = Lab(edge, lab.block, lab.stack)
        one.serve()
        yield one
        edge.store.close()


def call_through(lab: Lab, pbx: UserAgent, telco: UserAgent) -> float:
    """One whole call over UDP; the seconds it took. Raises if any message of it is lost for good."""
    began = time.monotonic()
    invite = lab.call_out(pbx)
    received = telco.wait("INVITE", call_id=invite.call_id)
    telco.respond(received, 200, body=sdp(telco.address))
    leg = invite.leg(pbx.wait("INVITE", status=200, call_id=invite.call_id))
    leg.send("ACK")
    telco.wait("ACK", call_id=invite.call_id)
    leg.send("BYE")
    telco.respond(telco.wait("BYE", call_id=invite.call_id), 200)
    pbx.wait("BYE", status=200)
    return time.monotonic() - began


def free_share(edge: Edge) -> float:
    """How much of shared memory is free, from 0 to 1."""
    found = edge.rpc("core.shmmem")
    return float(found["free"]) / float(found["total"])


@contextmanager
def many_files() -> Iterator[None]:
    """This process may hold as many connections as the test opens."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(hard, 3 * IDLE + 1_000)), hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_idle_connections_leave_half_of_the_memory_to_calls(
    small: Lab, pbx: UserAgent, telco: UserAgent
) -> None:
    """TCP without a byte, TLS that is set up and silent: as many as there may be, and no more."""
    edge = small.edge
    at_rest = free_share(edge)
    context, source = client_context(), small.block.address(60)
    with many_files(), ExitStack() as stack:
        for _ in range(IDLE):
            plain = stack.enter_context(socket.socket())
            plain.bind((source, 0))
            plain.settimeout(5)
            try:
                plain.connect((edge.address, edge.ports.tls))
                stack.enter_context(context.wrap_socket(plain))
            except OSError:
                pass  # refused: there are as many as there may be
        for _ in range(IDLE):
            plain = stack.enter_context(socket.socket())
            plain.bind((source, 0))
            plain.connect((edge.address, edge.ports.tcp))
        assert call_through(small, pbx, telco) < 20
        held = edge.rpc("core.tcp_info")
        assert held["opened_tls_connections"] <= edge.settings.tls_connections
        assert held["opened_connections"] <= edge.settings.connections
        if not LONG:  # a list of thousands fits into no answer
            assert {each["lifetime"] for each in connections(edge, source)} == {UNKNOWN}
            assert held["opened_tls_connections"] > 0.9 * edge.settings.tls_connections, "nothing was tried"
            assert held["opened_connections"] > 0.9 * edge.settings.connections, "nothing was tried"
        assert at_rest - free_share(edge) < 0.5
        if LONG:
            time.sleep(32)
            assert edge.rpc("core.tcp_info")["opened_connections"] == 0


def lifetimes(lab: Lab, agent: UserAgent) -> set[int]:
    """Seconds, of the edge's connections with this agent."""
    return {each["lifetime"] for each in connections(lab.edge, agent.address)}


@pytest.mark.parametrize("transport", ("tcp", "tls"))
def test_a_connection_that_we_opened_stays_once_it_has_answered(
    lab: Lab, telco: UserAgent, tmp_path: Path, transport: str
) -> None:
    """20 s until then: nobody may be there who speaks SIP."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    write_certificate(tmp_path, "pbx")
    context.load_cert_chain(tmp_path / "server.crt", tmp_path / "server.key")
    pbx = lab.agent(20, 5062, transport, tls=context if transport == "tls" else None)
    lab.serve(trunk={"targets": (make_target(pbx.address, pbx.port, transport=transport),)})
    invite = lab.call_in(telco)
    received = pbx.wait("INVITE")
    assert lifetimes(lab, pbx) == {UNKNOWN}
    pbx.respond(received, 486)
    assert invite.final().status == 486
    until(lambda: lifetimes(lab, pbx) == {SERVED}, "it stays")


@pytest.mark.parametrize("transport", ("tcp", "tls"))
def test_a_callers_connection_stays_once_a_call_went_on(lab: Lab, telco: UserAgent, transport: str) -> None:
    """Who is only asked for a password, or refused, has shown nothing yet."""
    pbx = lab.agent(20, 0, transport, tls=client_context() if transport == "tls" else None)
    assert lab.call_out(pbx, caller="+15005550000").final().status == 403
    assert lifetimes(lab, pbx) == {UNKNOWN}
    invite = lab.call_out(pbx)
    telco.respond(telco.wait("INVITE"), 486)
    assert invite.final().status == 486
    # The worker that sent the INVITE on says so after that, and others have its answers at once.
    until(lambda: lifetimes(lab, pbx) == {SERVED}, "it stays")


def test_a_request_in_a_dialog_keeps_its_connection(lab: Lab, telco: UserAgent) -> None:
    """A PBX that connected anew in the middle of a call; a stranger's BYE keeps nothing."""
    pbx = lab.agent(20, 0, "tcp")
    invite = lab.call_out(pbx)
    telco.respond(telco.wait("INVITE"), 200, body=sdp(telco.address))
    leg = invite.leg(pbx.wait("INVITE", status=200))
    leg.send("ACK")
    telco.wait("ACK")
    pbx.hang_up_connections()
    leg.send("INFO")
    telco.respond(telco.wait("INFO"), 200)
    pbx.wait("INFO", status=200)
    until(lambda: SERVED in lifetimes(lab, pbx), "the new one stays")
    stranger = lab.agent(50, 0, "tcp")
    fields = [stranger.via(), ("Max-Forwards", "70"), ("From", "<sip:a@b>;tag=1"), ("To", "<sip:c@d>;tag=2")]
    fields += [("Call-ID", new_token()), ("CSeq", "1 BYE")]
    stranger.send(render(f"BYE sip:x@{lab.edge.address} SIP/2.0", fields), lab.edge_at)
    stranger.wait("BYE", status=481)
    assert lifetimes(lab, stranger) == {UNKNOWN}
    leg.send("BYE")
    telco.respond(telco.wait("BYE"), 200)
    pbx.wait("BYE", status=200)


def _junk(edge: Edge, source: str, over: Event) -> int:
    """Garbage, unknown hosts, stray requests and answers of dialogs, at an even rate; the number sent."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as own:
        own.bind((source, 0))
        at, port = (edge.address, edge.ports.udp), own.getsockname()[1]
        began, sent = time.monotonic(), 0
        while not over.is_set() and time.monotonic() - began < PATIENCE:
            token = new_token()
            common = (
                f"Via: SIP/2.0/UDP {source}:{port};branch=z9hG4bK{token}\r\nFrom: <sip:a@b>;tag={token}\r\n"
                f"Call-ID: {token}\r\nMax-Forwards: 9\r\n"
            )
            route = f"<sip:{edge.address};lr;tk={'0' * 32};dn=t>"
            for message in (
                os.urandom(200),
                f"INVITE sip:1@unknown.example SIP/2.0\r\n{common}To: <sip:c@d>\r\nCSeq: 1 INVITE\r\n\r\n",
                f"BYE sip:1@127.0.0.9 SIP/2.0\r\n{common}To: <sip:c@d>;tag=2\r\nRoute: {route}\r\n"
                "CSeq: 2 BYE\r\n\r\n",
                f"SIP/2.0 200 OK\r\n{common}To: <sip:c@d>;tag=2\r\nRecord-Route: {route}\r\n"
                "CSeq: 1 INVITE\r\n\r\n",
            ):
                own.sendto(message.encode() if isinstance(message, str) else message, at)
                sent += 1
            time.sleep(max(0.0, began + sent / JUNK_A_SECOND - time.monotonic()))
    return sent


def test_junk_costs_no_call(small: Lab, pbx: UserAgent, telco: UserAgent) -> None:
    """2,000 messages a second from one source, and calls over UDP meanwhile: every one goes through."""
    over = Event()
    with ThreadPoolExecutor(1) as sender:
        junk = sender.submit(_junk, small.edge, small.block.address(60), over)
        calls, end = 0, time.monotonic() + JUNK_SECONDS
        try:
            while calls < 3 * JUNK_SECONDS or time.monotonic() < end:
                call_through(small, pbx, telco)
                calls += 1
                time.sleep(0.05)  # at full speed they would be more new calls than the edge takes
        finally:
            over.set()
        sent = junk.result()
    assert sent > JUNK_SECONDS * JUNK_A_SECOND // 4
    assert small.edge.process.poll() is None
    assert free_share(small.edge) > 0.5
