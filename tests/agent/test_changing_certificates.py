"""Certificate and key change again and again while Kamailio reads them: it never meets parts of two pairs."""

from __future__ import annotations

import asyncio
import itertools
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from sipedge.agent.certificates import own_certificate, served_certificate
from sipedge.instance import InstanceSettings
from sipedge.tls_files import current_pair, remove_older, write_pair
from support.addresses import reserved_block
from support.agents import AgentRun, agent_of
from support.edge import end_group, running_edge, started
from support.key_pairs import make_pair
from support.patience import PATIENCE
from support.tables import Platform

RELOADS = 100
STARTS = 8
PAUSE_SECONDS = 0.002
"""Between two changes: some hundred in each start of Kamailio."""

Pem = tuple[bytes, bytes]


@pytest.fixture(scope="module")
def pairs(tmp_path_factory: pytest.TempPathFactory) -> tuple[Pem, ...]:
    """Three pairs with a key each."""
    return tuple(make_pair(tmp_path_factory.mktemp(name), name) for name in ("one", "two", "three"))


@contextmanager
def changing(settings: InstanceSettings, pairs: tuple[Pem, ...]) -> Iterator[list[int]]:
    """One pair after the other, without end. Gives how many so far."""
    count, over = [0], threading.Event()

    def change() -> None:
        for pair in itertools.cycle(pairs):
            if over.wait(PAUSE_SECONDS):
                return
            write_pair(settings, *pair)
            count[0] += 1

    thread = threading.Thread(target=change)
    thread.start()
    try:
        yield count
    finally:
        over.set()
        thread.join()


def test_every_reload_while_pairs_change_succeeds(pairs: tuple[Pem, ...], tmp_path: Path) -> None:
    """Kamailio loads a whole pair each time, also where older ones are removed after every load."""
    with reserved_block() as block, running_edge(None, block.address(1), tmp_path) as edge:
        directory = edge.settings.tls_directory
        with changing(edge.settings, pairs) as count:
            for _ in range(RELOADS):
                pair = current_pair(directory)
                assert pair is not None
                edge.rpc("tls.reload")
                remove_older(pair)
        assert count[0] > RELOADS / 2
        last = current_pair(directory)
        assert last is not None
        edge.rpc("tls.reload")
        assert shown(edge.settings) == own_certificate(last.certificate)


def test_every_start_while_pairs_change_succeeds(pairs: tuple[Pem, ...], tmp_path: Path) -> None:
    """An agent reloads and removes meanwhile; at the end the last pair alone is there, and is served."""
    with reserved_block() as block, agent_of(tmp_path, block.address(1)) as (agent, publisher):
        publisher.publish(Platform([block.address(1)]).table())
        agent.start()
        with changing(agent.settings, pairs) as count:
            for _ in range(STARTS):
                started_well(agent)
        assert count[0] > STARTS * 10
        with started(agent.settings):
            served(agent)


def started_well(agent: AgentRun) -> None:
    """Start Kamailio, wait until it serves, and end it."""
    with started(agent.settings) as process:
        deadline = time.monotonic() + PATIENCE
        while not shown(agent.settings):
            log = (agent.settings.directory / "kamailio.log").read_text()
            assert process.poll() is None, log[-3000:]
            assert time.monotonic() < deadline, log[-3000:]
            time.sleep(0.02)
        end_group(process)


def served(agent: AgentRun) -> None:
    """Wait until the pair that tls.cfg names is served, and is the only one there."""
    directory, deadline = agent.settings.tls_directory, time.monotonic() + PATIENCE
    pair = current_pair(directory)
    assert pair is not None
    wanted = {pair.certificate.name, pair.key.name, "tls.cfg"}
    while {path.name for path in directory.iterdir()} != wanted:
        assert time.monotonic() < deadline, agent.log()[-3000:]
        time.sleep(0.1)
    assert shown(agent.settings) == own_certificate(pair.certificate)


def shown(settings: InstanceSettings) -> bytes | None:
    """The certificate that callers see; None if nobody listens."""
    return asyncio.run(served_certificate(settings.address, settings.ports.tls))
