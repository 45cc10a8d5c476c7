"""A real agent is asked for names by calls: it answers each, keeps what it found, and forgets it again."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from sipedge.agent.names import NameAnswerer
from support.agents import AgentRun, Publisher, agent_of, resolved_in
from support.nameserver import Gate, gate_before, knot
from support.patience import PATIENCE
from support.tables import Platform, make_account, make_target, make_trunk

AT_ONCE_OF_ACCOUNT = NameAnswerer.share.at_once_of_account
ADDRESS, SERVER, RESOLVER, PORT = "127.20.9.1", "127.20.9.53", "127.20.9.54", 20_054
RECORDS = """
desk A 192.0.2.1
other A 192.0.2.2
"""


class Caller:
    """Asks as a worker does, and hears what Kamailio would."""

    def __init__(self, agent: AgentRun, kamailio: socket.socket) -> None:
        self.agent, self._kamailio = agent, kamailio

    def ask(self, host: str, transaction: str = "1:2", account: str = "acme") -> None:
        text = json.dumps([transaction, account, [["name", f"{host}.example.test", None, None]]])
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
            sock.sendto(text.encode(), str(self.agent.settings.lookups_socket))

    def told(self, seconds: float = PATIENCE) -> str:
        """Which transaction is to go on; the agent's readiness probes are not meant."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            self._kamailio.settimeout(max(0.01, deadline - time.monotonic()))
            message = self._kamailio.recv(65_535).decode()
            if message.startswith(f"OPTIONS sip:looked-up@{ADDRESS}:5060 "):
                return message.partition("X-Trunkline-Transaction: ")[2].partition("\r\n")[0]
        raise TimeoutError

    def known(self, host: str) -> list[str]:
        return resolved_in(self.agent.settings, f"{host}.example.test", None, None)


@pytest.fixture
def setting(tmp_path: Path) -> Iterator[tuple[Caller, Gate, Publisher]]:
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as kamailio,
        knot(tmp_path / "knot", SERVER, PORT, "example.test", RECORDS) as server,
        gate_before(server, RESOLVER, PORT) as gate,
        agent_of(tmp_path, ADDRESS, resolver=f"{RESOLVER}:{PORT}") as (agent, publisher),
    ):
        kamailio.bind((ADDRESS, 5060))
        publish(publisher)
        agent.start()
        agent.until_revision(1)
        deadline = time.monotonic() + PATIENCE
        while not agent.settings.lookups_socket.exists():
            assert time.monotonic() < deadline, agent.log()
            time.sleep(0.02)
        yield Caller(agent, kamailio), gate, publisher


def publish(publisher: Publisher, *hosts: str) -> None:
    targets = tuple(make_target(f"{host}.example.test") for host in hosts)
    trunks = [make_trunk(targets=targets)]
    publisher.publish(Platform([ADDRESS], accounts=[make_account()], trunks=trunks).table())


def test_what_is_asked_is_found_kept_and_forgotten(setting: tuple[Caller, Gate, Publisher]) -> None:
    """Readers see it before the call goes on; a revision does not take it away, the end of its TTL does."""
    caller, gate, publisher = setting
    caller.ask("desk", "12:-34")
    assert caller.told() == "12:-34"
    assert caller.known("desk") == ["udp 192.0.2.1:5060"]
    asked = len(gate.asked)
    caller.ask("desk", "5:6")
    assert caller.told() == "5:6"
    assert len(gate.asked) == asked, "it is known"
    publish(publisher, "other")
    caller.agent.until_revision(2)
    deadline = time.monotonic() + PATIENCE
    while not caller.known("other"):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert caller.known("desk") == ["udp 192.0.2.1:5060"]
    deadline = time.monotonic() + PATIENCE
    while caller.known("desk"):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    assert caller.known("other") == ["udp 192.0.2.2:5060"]


def test_every_question_is_answered_and_each_account_has_its_share(
    setting: tuple[Caller, Gate, Publisher],
) -> None:
    """Names that are not there, or of which nobody answers; one account's do not keep another's waiting."""
    caller, gate, _ = setting
    caller.ask("nowhere", "1:1")
    assert caller.told() == "1:1"
    assert caller.known("nowhere") == []
    gate.silent = {f"n{number}.example.test" for number in range(AT_ONCE_OF_ACCOUNT + 2)}
    for number in range(AT_ONCE_OF_ACCOUNT + 2):
        caller.ask(f"n{number}", f"2:{number}", account="beta")
    assert {caller.told(1) for _ in range(2)} == {f"2:{AT_ONCE_OF_ACCOUNT}", f"2:{AT_ONCE_OF_ACCOUNT + 1}"}
    caller.ask("desk", "3:3")
    assert caller.told(1) == "3:3"
    assert caller.known("desk") == ["udp 192.0.2.1:5060"]
    assert len({caller.told() for _ in range(AT_ONCE_OF_ACCOUNT)}) == AT_ONCE_OF_ACCOUNT


def test_a_name_that_has_just_come_with_the_table_is_waited_for(
    setting: tuple[Caller, Gate, Publisher],
) -> None:
    """The first call of a new target: as long as DNS has not answered once; later calls do not wait."""
    caller, gate, publisher = setting
    gate.silent = {"other.example.test"}
    publish(publisher, "other")
    caller.agent.until_revision(2)
    caller.ask("other", "1:1")
    with pytest.raises(TimeoutError):
        caller.told(0.5)
    gate.silent = set()
    assert caller.told() == "1:1"
    assert caller.known("other") == ["udp 192.0.2.2:5060"]
    caller.ask("other", "2:2")
    assert caller.told(0.5) == "2:2"
