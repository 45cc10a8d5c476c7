"""An agent that answers when a test wants it to, in place of the edge's own."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from contextlib import contextmanager

from sipedge.agent.lookups import say_looked_up
from sipedge.store import Change
from sipedge.table import AnswerRow, ResolvedAddress, ResolvedRow, Section
from sipedge.table.codec import pack_row
from sipedge.table.lookup import resolved_key
from support.lab import Lab
from support.patience import PATIENCE

NAME = "desk.example.test"


class Agent:
    """Stands in for the edge's agent: takes questions, writes what it has found, says so."""

    def __init__(self, lab: Lab) -> None:
        self._lab = lab
        path = lab.edge.settings.lookups_socket
        path.unlink(missing_ok=True)
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(str(path))
        self._socket.settimeout(PATIENCE)

    def close(self) -> None:
        self._socket.close()
        self._lab.edge.settings.lookups_socket.unlink(missing_ok=True)

    def question(self) -> list[object]:
        """Transaction, account and questions of the next question."""
        return list(json.loads(self._socket.recv(4096)))

    def answer(
        self, asked: list[object], *addresses: str, transport: str | None = None, name: str = NAME
    ) -> None:
        """What a question of this name has found, at this transport if it named one."""
        learned = self._lab.edge.learned
        assert learned is not None
        if addresses:
            row = ResolvedRow(tuple(ResolvedAddress(each, 5060, "udp") for each in addresses))
            learned.commit({resolved_key(name, None, transport).encode(): pack_row(row)})
        say_looked_up(self._lab.edge.settings, str(asked[0]))

    def answer_text(self, asked: list[object], key: str, text: str) -> None:
        """What a question of another kind than a name has found."""
        learned = self._lab.edge.learned
        assert learned is not None
        learned.apply(Change({Section.ANSWER: {key.encode(): pack_row(AnswerRow(text))}}))
        say_looked_up(self._lab.edge.settings, str(asked[0]))


@contextmanager
def agent_of(lab: Lab) -> Iterator[Agent]:
    agent = Agent(lab)
    try:
        yield agent
    finally:
        agent.close()
