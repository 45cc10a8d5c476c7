"""A real agent asks a real HTTP server for callers' names: bounded, kept, and without telling its key."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from sipedge.agent.caller_names import CallerNames
from sipedge.agent.metrics import AgentCounts, KamailioCounts, exposition
from sipedge.metrics.calls import CallCounts, Labels
from sipedge.routing.lookups import CallerNameQuestion
from sipedge.secret import Secret
from sipedge.store import LmdbRows
from sipedge.table import Table
from support.agents import AgentRun, Publisher, agent_of
from support.patience import PATIENCE, until
from support.tables import Platform, make_account, make_trunk

ADDRESS = "127.20.10.1"
NAMES = {"+14155550100": "ACME HQ", "+14155550101": "", "+14155550103": "LATE"}


class Source:
    """Answers as the number says; remembers who was asked for."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.connections: set[tuple[str, int]] = set()
        self.answers_late = threading.Event()
        """Set: it answers for the number of whom it knows the name late."""
        source = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                (number,) = parse_qs(urlsplit(self.path).query)["n"]
                source.asked.append(number)
                source.connections.add(self.client_address)
                if number == "+14155550103":
                    source.answers_late.wait(PATIENCE)
                status = 500 if number.startswith("+1500") else 200 if number in NAMES else 404
                body = json.dumps({"name": NAMES.get(number)}).encode()
                if number == "+14155550104":
                    status, body = 200, b"[" * 9_000
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/names?key=s3cret&n={{number}}"


@contextmanager
def source_of_names() -> Iterator[Source]:
    source = Source()
    threading.Thread(target=source.server.serve_forever, daemon=True).start()
    try:
        yield source
    finally:
        source.server.shutdown()
        source.server.server_close()


class Asker:
    """Asks as a worker does, and hears what Kamailio would."""

    def __init__(self, agent: AgentRun, kamailio: socket.socket) -> None:
        self.agent, self._kamailio = agent, kamailio
        self._turn = 0

    def ask(self, number: str, account: str = "acme") -> float:
        """Seconds until the call would go on."""
        self._turn += 1
        begun = time.monotonic()
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
            text = json.dumps([f"{self._turn}:1", account, [["callerName", number]]])
            sock.sendto(text.encode(), str(self.agent.settings.lookups_socket))
        while time.monotonic() - begun < PATIENCE:
            self._kamailio.settimeout(PATIENCE)
            if f"X-Trunkline-Transaction: {self._turn}:1\r\n" in self._kamailio.recv(65_535).decode():
                return time.monotonic() - begun
        raise TimeoutError

    def known(self, number: str) -> str | None:
        settings = self.agent.settings
        rows = LmdbRows(settings.lmdb_directory, settings.learned_directory)
        with rows.transaction() as found:
            answer = Table(found).answer(f"callerName|{number}")
        rows.close()
        return answer

    def until_known(self, number: str) -> str:
        deadline = time.monotonic() + PATIENCE
        while (answer := self.known(number)) is None:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        return answer


@pytest.fixture
def setting(tmp_path: Path) -> Iterator[tuple[Asker, Source, Publisher]]:
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as kamailio,
        source_of_names() as source,
        agent_of(tmp_path, ADDRESS) as (agent, publisher),
    ):
        kamailio.bind((ADDRESS, 5060))
        publish(publisher, source.url)
        agent.start()
        agent.until_revision(1)
        deadline = time.monotonic() + PATIENCE
        while not agent.settings.lookups_socket.exists():
            assert time.monotonic() < deadline, agent.log()
            time.sleep(0.02)
        yield Asker(agent, kamailio), source, publisher


def publish(publisher: Publisher, url: str | None) -> None:
    platform = Platform([ADDRESS], accounts=[make_account()], trunks=[make_trunk()])
    secret = None if url is None else Secret(url)
    publisher.publish(replace(platform, site_changes={"caller_name_url": secret}).table())


def test_names_are_asked_for_once_and_late_ones_are_there_for_the_next_call(
    setting: tuple[Asker, Source, Publisher],
) -> None:
    """By connections that stay. What is said wrongly is no name; a source that fails is left alone."""
    asker, source, publisher = setting
    for number, name in (("+14155550100", "ACME HQ"), ("+14155550101", ""), ("+14155550102", "")):
        asker.ask(number)
        assert asker.until_known(number) == name
        asker.ask(number)
        assert source.asked.count(number) == 1
    asker.ask("+14155550103")
    assert asker.known("+14155550103") is None
    source.answers_late.set()
    assert asker.until_known("+14155550103") == "LATE"
    asker.ask("+14155550104")
    assert asker.until_known("+14155550104") == ""
    assert len(source.connections) < len(source.asked)
    for each in range(12):
        asker.ask(f"+1500555{each:04}")
    assert sum(each.startswith("+1500") for each in source.asked) < 12
    until(lambda: "callers' names cannot be looked up: HTTP status 500" in asker.agent.log())
    assert "s3cret" not in asker.agent.log()
    # A table without a source: nobody is asked.
    before = len(source.asked)
    publish(publisher, None)
    asker.agent.until_revision(2)
    asker.ask("+14155550109")
    assert len(source.asked) == before


def test_look_ups_are_counted_by_what_came_of_them() -> None:
    """S71: those that succeed, a name or none; in Prometheus' words as well."""
    counts: Counter[str] = Counter()
    with source_of_names() as source:
        names = CallerNames(counts)
        names.set_url(Secret(source.url))
        for number in ("+14155550100", "+14155550101", "+14155550102", "+15005550100"):
            asyncio.run(names.answer(CallerNameQuestion(number)))
        names.set_url(None)
        asyncio.run(names.answer(CallerNameQuestion("+14155550100")))
        names.close()
    assert counts == {"named": 1, "nameless": 2, "failed": 1}
    told: dict[tuple[str, Labels], float] = {
        ("caller_name_lookups", (result,)): float(count) for result, count in counts.items()
    }
    text = exposition("ashburn", AgentCounts(None, None, True, events=told), KamailioCounts(), CallCounts())
    assert 'caller_name_lookups_total{edge="ashburn",result="nameless"} 2.0' in text
