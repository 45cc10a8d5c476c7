"""The agent as one of several that count together: heard by who has the edge secret, and by nobody else."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from sipedge.instance import read_edge_secret
from sipedge.secret import Secret
from sipedge.store import LmdbRows
from sipedge.table import Table
from sipedge.table.rows import TallyRow
from sipedge.table.tally_names import calls_in_progress, tally_id
from sipedge.tallies.messages import Message, State, seal, sealing_key, unseal
from sipedge.tallies.parts import Part
from sipedge.tallies.told import told_text
from support.addresses import reserved_block
from support.agents import AgentRun, agent_of
from support.patience import PATIENCE

NAME = calls_in_progress("trunk:acme/hq")
MINE, OTHER = 1, 2
"""Last bytes of the agent's address, and of the test's, which plays another instance."""


@pytest.fixture
def agent(tmp_path: Path) -> Iterator[AgentRun]:
    with reserved_block() as block, agent_of(tmp_path, block.address(MINE)) as (run, _):
        run.start()
        run.until(lambda said: bool(said.get("tallies")), "it says where it hears")
        yield run


@pytest.fixture
def other(agent: AgentRun) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        prefix = agent.settings.address.rpartition(".")[0]
        sock.bind((f"{prefix}.{OTHER}", 0))
        sock.settimeout(PATIENCE)
        yield sock


def hears_at(agent: AgentRun) -> tuple[str, int]:
    _, address, port, *_ = agent.said()["tallies"].split(" ")
    return address, int(port)


def say(agent: AgentRun, other: socket.socket, value: int, key: Secret, *, at: float | None = None) -> bytes:
    """What the other instance tells, once more after `at`."""
    address, port = other.getsockname()
    sent = int((time.time() if at is None else at) * 1e9)
    parts = (Part(tally_id(NAME), value),)
    data = seal(Message("ashburn", "another", address, port, sent, State.SERVING, parts), key)
    other.sendto(data, hears_at(agent))
    return data


def row(agent: AgentRun) -> TallyRow | None:
    rows = LmdbRows(agent.settings.lmdb_directory, agent.settings.learned_directory)
    try:
        with rows.transaction() as found:
            return Table(found).tally(NAME)
    finally:
        rows.close()


def until_heard(agent: AgentRun, other: socket.socket, value: int, *, own: int = 0) -> bytes:
    """Until it counts this value of the other instance beside its own; what has told it last.

    It is told again and again: whom it has not heard for a moment it counts no more.
    """
    wanted, deadline = TallyRow(0, (own,), (value,)), time.monotonic() + PATIENCE
    while True:
        said = say(agent, other, value, key_of(agent))
        time.sleep(0.05)
        if row(agent) == wanted:
            return said
        assert time.monotonic() < deadline, row(agent)


def key_of(agent: AgentRun) -> Secret:
    return sealing_key(read_edge_secret(agent.settings.edge_secret_file))


def test_it_hears_and_is_heard(agent: AgentRun, other: socket.socket) -> None:
    """Who speaks to it is answered, with what its workers tell it; workers read what is said."""
    until_heard(agent, other, 3)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as worker:
        worker.sendto(told_text(NAME, 2, 0, time.time_ns()), str(agent.settings.tallies_socket))
    until_heard(agent, other, 3, own=2)
    deadline = time.monotonic() + PATIENCE
    while True:
        say(agent, other, 3, key_of(agent))  # again: whom it does not hear it tells nothing
        message = unseal(other.recv(2_000), key_of(agent), time.time())
        assert isinstance(message, Message)
        if message.parts == (Part(tally_id(NAME), 2),):
            break
        assert time.monotonic() < deadline


def test_it_hears_nobody_else(agent: AgentRun, other: socket.socket) -> None:
    """Another secret, noise, what was recorded, a worker's nonsense: nothing changes, and it lives."""
    key, at = key_of(agent), time.time()
    old = say(agent, other, 1, key, at=at - 60)
    said = until_heard(agent, other, 7)
    until_heard(agent, other, 8)
    for data in (old, said, b"", b"x" * 1_400, os.urandom(2_000)):
        other.sendto(data, hears_at(agent))
    for _ in range(2_000):
        other.sendto(os.urandom(200), hears_at(agent))
    say(agent, other, 9, sealing_key(Secret("e5" * 32)))
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as worker:
        for data in (b"", b"\xff" * 600, b"1 2", b"9 9 9 \xff\xfe", os.urandom(600)):
            worker.sendto(data, str(agent.settings.tallies_socket))
    until_heard(agent, other, 5)  # at last: the noise has filled the socket
    assert agent.process.poll() is None
    assert "unexpected" not in agent.log()


def test_clocks_that_differ_are_told(agent: AgentRun, other: socket.socket) -> None:
    """As long as such messages come; they change nothing."""
    what = "the clocks of their machines"
    deadline = time.monotonic() + PATIENCE
    while what not in (agent.said().get("error") or ""):
        assert time.monotonic() < deadline, agent.said()
        say(agent, other, 4, key_of(agent), at=time.time() - 30)
        time.sleep(0.05)
    assert row(agent) is None
    agent.until_no_error(what)
