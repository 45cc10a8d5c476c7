"""An edge with its real agent, whose calls leave records; either may be killed and started again."""

from __future__ import annotations

import json
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sipedge.store import Store
from sipedge.table import EdgeTable
from support.agents import AgentRun, Publisher
from support.edge import Edge, end_group, kill_group, make_settings, restart, started
from support.events import whole_lines
from support.patience import PATIENCE

RECORD_SECONDS = PATIENCE


@dataclass(kw_only=True)
class RecordedEdge(Edge):
    """What it publishes is taken by its agent."""

    agent: AgentRun
    publisher: Publisher

    def publish(self, table: EdgeTable) -> None:
        self.publisher.publish(table)
        self.agent.until_revision(self.publisher.sequence)
        self.agent.until(lambda said: bool(said.get("ready")), "readiness")

    def kill_agent(self) -> None:
        """With SIGKILL; another one starts at once."""
        self.agent.end()
        self.agent.start()

    def kill_kamailio(self) -> None:
        """With SIGKILL, all of it; another one starts at once."""
        kill_group(self.process)
        restart(self)

    def all_records(self) -> list[dict[str, Any]]:
        """Every record that there is, oldest file first."""
        path = self.settings.records_file
        files = sorted(path.parent.glob(f"{path.name}*"), key=lambda each: -len(each.name))
        return [json.loads(line) for file in files for line in whole_lines(file)]

    def records(self, *call_ids: str) -> list[dict[str, Any]]:
        """The one record of each of these calls, in their order."""
        deadline = time.monotonic() + RECORD_SECONDS
        while True:
            found = [each for each in self.all_records() if each.get("sipCallId") in call_ids]
            if len(found) >= len(call_ids):
                break
            assert time.monotonic() < deadline, (
                f"{len(found)} of {len(call_ids)}: {found}\n{self.agent.log()}"
            )
            time.sleep(0.05)
        by_call = {each["sipCallId"]: each for each in found}
        assert len(found) == len(by_call) == len(call_ids), found
        return [by_call[call_id] for call_id in call_ids]

    def ask(self, **question: str) -> list[dict[str, Any]]:
        """What the agent answers to a question about calls in progress."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as sock:
            sock.settimeout(PATIENCE)
            sock.connect(str(self.settings.calls_socket))
            sock.sendall(json.dumps(question).encode() + b"\n")
            with sock.makefile() as answer:
                return [json.loads(line) for line in answer]


@contextmanager
def recorded_edge(address: str, directory: Path, /, **changes: object) -> Iterator[RecordedEdge]:
    """An instance and its agent, both running; nothing is published yet."""
    settings = make_settings(directory, address, **changes)
    agent = AgentRun(settings)
    with started(settings) as process:
        edge = RecordedEdge(
            settings, process, _NO_STORE, agent=agent, publisher=Publisher(settings.source, settings.edge)
        )
        agent.start()
        try:
            yield edge
        finally:
            agent.end()
            _end(edge.process)


def _end(process: subprocess.Popen[bytes]) -> None:
    end_group(process)


_NO_STORE: Store = None  # type: ignore[assignment]  # the agent is the only writer
