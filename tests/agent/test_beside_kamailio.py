"""A real agent beside a real Kamailio: readiness, the drain, and certificates."""

from __future__ import annotations

import signal
import socket
import ssl
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from sipedge.table import EdgeTable
from sipedge.tls_files import CONFIG, PairError, PairFiles, render_tls, write_pair
from support.agents import AgentRun, Publisher, agent_of, running_kamailio
from support.key_pairs import make_pair
from support.patience import PATIENCE, until
from support.sipmessage import sdp
from support.sipua import Leg, UserAgent, send_invite, user_agent
from support.tables import Platform, make_account, make_carrier, make_target, make_trunk

ADDRESS = "127.20.4.1"
PBX = "127.20.4.10"
CARRIER = "127.20.4.20"
NUMBER = "+14155550100"
CALLER = "+12125550199"
EDGE = (ADDRESS, 5060)


def table() -> EdgeTable:
    trunk = make_trunk(targets=(make_target(PBX, 20_010),))
    return Platform(
        [ADDRESS],
        accounts=[make_account()],
        trunks=[trunk],
        numbers={NUMBER: trunk.id},
        carriers=[make_carrier()],
        sources={f"{CARRIER}/32": "telco"},
    ).table()


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[tuple[AgentRun, Publisher]]:
    """An agent and a Kamailio that serve revision 1."""
    with agent_of(tmp_path, ADDRESS) as (agent, publisher), running_kamailio(agent.settings):
        publisher.publish(table())
        agent.start()
        agent.until(lambda said: said.get("ready") is True, "ready")
        yield agent, publisher


@contextmanager
def ready_pair(directory: Path, drain_seconds: str) -> Iterator[AgentRun]:
    """As `pair`, with a drain of its own length."""
    with agent_of(directory, ADDRESS) as (agent, publisher), running_kamailio(agent.settings):
        publisher.publish(table())
        agent.drain_seconds = drain_seconds
        agent.start()
        agent.until(lambda said: said.get("ready") is True, "ready")
        wait_for_drain_flag(agent, 0)
        yield agent


def test_ready_is_the_revision_that_kamailio_serves(pair: tuple[AgentRun, Publisher]) -> None:
    """Each revision is acknowledged, and nothing is wrong."""
    agent, publisher = pair
    for _ in range(3):
        publisher.publish(table())
        agent.until(lambda said: said["ready"] and said["revision"] == publisher.sequence, "the new revision")
    assert agent.said()["error"] is None


def test_file_says_who_and_when(pair: tuple[AgentRun, Publisher]) -> None:
    """The acknowledgement names its edge and address and is renewed while nothing changes."""
    agent, _ = pair
    said = agent.said()
    assert (said["edge"], said["address"], said["revision"]) == ("ashburn", ADDRESS, 1)
    agent.until(lambda later: later["checkedAt"] > said["checkedAt"], "a heartbeat")


def test_dead_kamailio_is_not_ready_and_a_new_one_is(tmp_path: Path) -> None:
    """Readiness follows Kamailio, not the agent."""
    with agent_of(tmp_path, ADDRESS) as (agent, publisher):
        publisher.publish(table())
        agent.start()
        agent.until_error("Kamailio gives no answer")
        assert agent.said()["ready"] is False
        for _ in range(2):
            with running_kamailio(agent.settings):
                agent.until(lambda said: said["ready"] is True, "ready")
            agent.until(lambda said: said["ready"] is False, "not ready")


def test_kamailio_without_a_table_is_not_ready(tmp_path: Path) -> None:
    """An instance that has nothing to serve says so."""
    with agent_of(tmp_path, ADDRESS) as (agent, publisher), running_kamailio(agent.settings):
        agent.start()
        agent.until_error("there is no table yet")
        assert agent.said()["ready"] is False
        publisher.publish(table())
        agent.until(lambda said: said["ready"] is True, "ready")


def test_sigterm_without_calls_drains_at_once(pair: tuple[AgentRun, Publisher]) -> None:
    """Exit 0, Kamailio told to refuse new calls, and the file says not ready."""
    agent, _ = pair
    assert agent.end(signal.SIGTERM) == 0
    assert "drained, 0 calls in progress are left" in agent.log()
    assert rpc_drain_flag(agent) == 1
    assert agent.said()["ready"] is False


def test_agent_started_again_takes_the_drain_back(pair: tuple[AgentRun, Publisher]) -> None:
    """A restart of the agent alone does not leave its Kamailio refusing calls."""
    agent, _ = pair
    agent.end(signal.SIGTERM)
    assert rpc_drain_flag(agent) == 1
    agent.start()
    agent.until(lambda said: said["ready"] is True, "ready")
    wait_for_drain_flag(agent, 0)


def test_drain_refuses_new_calls_and_waits_for_the_one_in_progress(tmp_path: Path) -> None:
    """The call goes on for as long as it lasts, and its end is the agent's end."""
    with ready_pair(tmp_path, drain_seconds=str(PATIENCE)) as agent, answered_call() as (caller, called, leg):
        agent.process.send_signal(signal.SIGTERM)
        wait_for_drain_flag(agent, 1)
        refused = send_invite(caller, EDGE, f"sip:{NUMBER}@{ADDRESS}", caller=CALLER).final()
        assert refused.status == 503
        with pytest.raises(subprocess.TimeoutExpired):
            agent.process.wait(1)
        leg.send("BYE")
        called.respond(called.wait("BYE"), 200)
        caller.wait("BYE", status=200)
        assert agent.process.wait(PATIENCE) == 0
        assert "drained, 0 calls in progress are left" in agent.log()


def test_drain_ends_when_its_time_is_over(tmp_path: Path) -> None:
    """A call that lasts longer does not hold the agent up for ever."""
    with ready_pair(tmp_path, drain_seconds="1") as agent, answered_call():
        start = time.monotonic()
        assert agent.end(signal.SIGTERM) == 0
        assert time.monotonic() - start > 0.9
        assert "drained, 1 calls in progress are left" in agent.log()


def test_second_sigterm_ends_the_drain_at_once(tmp_path: Path) -> None:
    """Whoever cannot wait need not kill."""
    with ready_pair(tmp_path, drain_seconds="60") as agent, answered_call():
        agent.process.send_signal(signal.SIGTERM)
        wait_for_drain_flag(agent, 1)
        assert agent.end(signal.SIGTERM) == 0


def test_new_certificate_is_served_without_restart(pair: tuple[AgentRun, Publisher], tmp_path: Path) -> None:
    """The pair on disk changes, the pair that callers see follows; the log says so."""
    agent, _ = pair
    old = served_certificate(agent)
    write_pair(agent.settings, *make_pair(tmp_path, "renewed"))
    until(lambda: served_certificate(agent) != old, "the new one is served")
    assert agent.said()["error"] is None


def test_key_of_another_certificate_is_refused(pair: tuple[AgentRun, Publisher], tmp_path: Path) -> None:
    """The old pair stays served, the fault is said, and the right key heals it."""
    agent, _ = pair
    old = served_certificate(agent)
    certificate, key = make_pair(tmp_path, "renewed")
    other = make_pair(tmp_path, "other")[1]
    with pytest.raises(PairError, match="are not a certificate and its key"):
        write_pair(agent.settings, certificate, other)
    name_unchecked(agent, certificate, other)
    agent.until_error("are not a certificate and its key")
    assert served_certificate(agent) == old
    write_pair(agent.settings, certificate, key)
    agent.until_no_error("certificate")
    assert served_certificate(agent) != old


def rpc_drain_flag(agent: AgentRun) -> int:
    """htable ctl=>drain as Kamailio has it."""
    return int(agent.rpc("htable.get", "ctl", "drain")["item"]["value"])


def wait_for_drain_flag(agent: AgentRun, flag: int) -> None:
    until(lambda: rpc_drain_flag(agent) == flag, f"the drain flag is {flag}")


@contextmanager
def answered_call() -> Iterator[tuple[UserAgent, UserAgent, Leg]]:
    """A call from the carrier to the PBX: both user agents, and the caller's leg."""
    with user_agent(CARRIER) as caller, user_agent(PBX, 20_010) as called:
        invite = send_invite(caller, EDGE, f"sip:{NUMBER}@{ADDRESS}", caller=CALLER)
        called.respond(called.wait("INVITE"), 200, body=sdp(PBX))
        leg = invite.leg(invite.final())
        leg.send("ACK")
        called.wait("ACK")
        yield caller, called, leg


def served_certificate(agent: AgentRun) -> bytes:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with (
        socket.create_connection((ADDRESS, agent.settings.ports.tls), PATIENCE) as plain,
        context.wrap_socket(plain) as wrapped,
    ):
        return wrapped.getpeercert(binary_form=True) or b""


def name_unchecked(agent: AgentRun, certificate: bytes, key: bytes) -> None:
    """Have tls.cfg name this pair whatever it is, as on a disk that was damaged."""
    directory = agent.settings.tls_directory
    pair = PairFiles(directory, 1000)
    pair.certificate.write_bytes(certificate)
    pair.key.write_bytes(key)
    fresh = directory / "fresh"
    fresh.write_text(render_tls(agent.settings, pair))
    fresh.replace(directory / CONFIG)
