"""The agent's watch of Secrets on bad connections to a real API server."""

from __future__ import annotations

import asyncio
import http.client
import itertools
import json
import secrets
import socket
import ssl
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar

import pytest

from cluster.apiserver import ApiServer
from sipedge.agent import kube_api
from sipedge.agent.kube_api import Access, KubernetesApi
from sipedge.agent.secret_watch import SecretWatch, Sight
from support.patience import PATIENCE

pytestmark = pytest.mark.apiserver

SECONDS = PATIENCE


class Seen:
    """What a watch told, newest last."""

    def __init__(self) -> None:
        self.sights: list[Sight] = []
        self.watch: SecretWatch | None = None

    def names(self) -> set[str]:
        """The Secrets that there are, as far as was told."""
        names: set[str] = set()
        for sight in self.sights:
            names = set() if sight.whole else names
            names |= {name for name, data in sight.secrets.items() if data is not None}
            names -= {name for name, data in sight.secrets.items() if data is None}
        return names

    async def until(self, happens: Callable[[], bool]) -> None:
        async with asyncio.timeout(SECONDS):
            while not happens():  # noqa: ASYNC110 -- what happens is told to a list
                await asyncio.sleep(0.02)


@pytest.fixture
def namespace(api: ApiServer) -> str:
    name = f"watched-{secrets.token_hex(3)}"
    api.request("/api/v1/namespaces", method="POST", body={"metadata": {"name": name}})
    return name


def make_secret(api: ApiServer, namespace: str, name: str) -> None:
    body = {"metadata": {"name": name}}
    api.request(f"/api/v1/namespaces/{namespace}/secrets", method="POST", body=body)


def follow(
    api: ApiServer, port: int, namespace: str, folder: Path, during: Callable[[Seen], Awaitable[None]]
) -> None:
    """Watch through `port` while `during` runs."""
    (folder / "ca.crt").write_bytes(api.certificate.read_bytes())
    (folder / "token").write_text(api.token)

    async def run() -> None:
        seen = Seen()
        access = KubernetesApi(Access("127.0.0.1", port, folder))
        seen.watch = SecretWatch(access, namespace, {}, seen.sights.append)
        seen.watch.start()
        try:
            await during(seen)
        finally:
            seen.watch.close()

    asyncio.run(run())


class Passage:
    """A TCP port that leads to the API server. Connections that it froze stay open and carry nothing."""

    def __init__(self, target: int) -> None:
        self._target = target
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.connections = 0
        self._frozen = threading.Event()
        self._open: list[socket.socket] = [self._listener]
        threading.Thread(target=self._accept, daemon=True).start()

    def freeze(self) -> None:
        """The other end is gone without a word: a node that lost its power, a firewall that forgot."""
        self._frozen.set()
        self._frozen = threading.Event()

    def cut(self) -> None:
        """End every connection at once."""
        for each in self._open[1:]:
            try:
                each.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def close(self) -> None:
        self.cut()
        self._listener.shutdown(socket.SHUT_RDWR)
        for each in self._open:
            each.close()

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            far = socket.create_connection(("127.0.0.1", self._target))
            self._open += [near, far]
            for source, sink in ((near, far), (far, near)):
                threading.Thread(target=_carry, args=(source, sink, self._frozen), daemon=True).start()


def _carry(source: socket.socket, sink: socket.socket, frozen: threading.Event) -> None:
    try:
        while data := source.recv(65_536):
            if frozen.is_set():
                return
            sink.sendall(data)
        if not frozen.is_set():
            sink.shutdown(socket.SHUT_WR)
    except OSError:
        pass


@contextmanager
def passage(api: ApiServer) -> Iterator[Passage]:
    made = Passage(int(api.url.rpartition(":")[2]))
    try:
        yield made
    finally:
        made.close()


def test_changes_are_told_in_their_order(api: ApiServer, namespace: str, tmp_path: Path) -> None:
    """All there is at first, then what is made and deleted."""

    async def during(seen: Seen) -> None:
        await seen.until(lambda: bool(seen.sights) and seen.sights[0].whole)
        assert seen.names() == {"first"}
        make_secret(api, namespace, "second")
        await seen.until(lambda: seen.names() == {"first", "second"})
        api.request(f"/api/v1/namespaces/{namespace}/secrets/first", method="DELETE")
        await seen.until(lambda: seen.names() == {"second"})
        assert sum(sight.whole for sight in seen.sights) == 1

    make_secret(api, namespace, "first")
    follow(api, int(api.url.rpartition(":")[2]), namespace, tmp_path, during)


def test_watch_that_has_gone_silent_is_noticed(
    api: ApiServer, namespace: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Half open: nothing arrives, nothing is closed. The time is shortened here from 75 seconds."""
    assert kube_api.SILENCE_SECONDS == 75
    monkeypatch.setattr(kube_api, "SILENCE_SECONDS", 1.5)

    with passage(api) as way:

        async def during(seen: Seen) -> None:
            await seen.until(lambda: len(seen.sights) >= 2)
            way.freeze()
            make_secret(api, namespace, "missed")
            await asyncio.sleep(0.5)
            assert seen.names() == set()
            await seen.until(lambda: seen.names() == {"missed"})
            assert sum(sight.whole for sight in seen.sights) == 1, "it goes on where it was"
            assert seen.watch is not None
            await seen.until(lambda: seen.watch is not None and seen.watch.fault is None)

        follow(api, way.port, namespace, tmp_path, during)


def test_connection_cut_in_the_middle_goes_on_where_it_was(
    api: ApiServer, namespace: str, tmp_path: Path
) -> None:
    """Between changes that follow each other quickly; none is lost."""
    made = [f"number-{turn}" for turn in range(10)]

    with passage(api) as way:

        async def during(seen: Seen) -> None:
            await seen.until(lambda: bool(seen.sights))
            for name in made:
                make_secret(api, namespace, name)
                way.cut()
                await asyncio.sleep(0.05)
            await seen.until(lambda: seen.names() == set(made))

        follow(api, way.port, namespace, tmp_path, during)


Refusal = tuple[int, dict[str, str]]
"""Status and headers."""


class Reluctant(BaseHTTPRequestHandler):
    """Answers the first requests with these refusals, and hands the others on to the API server."""

    refusals: ClassVar[list[Refusal | None]] = []
    """None = this one is handed on."""
    asked: ClassVar[list[tuple[float, str]]] = []
    target: ClassVar[ApiServer]

    def do_GET(self) -> None:
        self.asked.append((time.monotonic(), self.path))
        refusal = self.refusals.pop(0) if self.refusals else None
        if refusal is not None:
            status, headers = refusal
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(json.dumps({"message": "not now"}).encode())
            return
        host, _, port = self.target.url.removeprefix("https://").partition(":")
        context = ssl.create_default_context(cafile=str(self.target.certificate))
        connection = http.client.HTTPSConnection(host, int(port), context=context, timeout=SECONDS)
        connection.request("GET", self.path, headers={"Authorization": self.headers["Authorization"]})
        answer = connection.getresponse()
        self.send_response(answer.status)
        self.end_headers()
        try:
            while data := answer.read1():
                self.wfile.write(data)
        except (OSError, http.client.HTTPException):
            pass  # one of the two has ended
        connection.close()

    def log_message(self, format: str, *args: object) -> None:
        """Nothing."""


@contextmanager
def reluctant(api: ApiServer, *refusals: Refusal | None) -> Iterator[int]:
    """The port of a server with the API server's own certificate that refuses at first."""
    Reluctant.refusals, Reluctant.asked, Reluctant.target = list(refusals), [], api
    server = ThreadingHTTPServer(("127.0.0.1", 0), Reluctant)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(api.certificate, api.certificate.with_suffix(".key"))
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()


def test_retry_after_is_obeyed_and_other_refusals_are_retried(
    api: ApiServer, namespace: str, tmp_path: Path
) -> None:
    """429 with its own time, 500 and 503 with ours."""
    make_secret(api, namespace, "there")

    with reluctant(api, (429, {"Retry-After": "1"}), (500, {}), (503, {})) as port:

        async def during(seen: Seen) -> None:
            await seen.until(lambda: seen.names() == {"there"})
            assert seen.watch is not None
            await seen.until(lambda: seen.watch is not None and seen.watch.fault is None)

        follow(api, port, namespace, tmp_path, during)
    times = [moment for moment, _ in Reluctant.asked]
    assert times[1] - times[0] >= 1
    assert all(later - earlier > 0.1 for earlier, later in itertools.pairwise(times[:4]))


def test_watch_refused_as_too_old_lists_again(api: ApiServer, namespace: str, tmp_path: Path) -> None:
    """410 as the answer itself, not within the stream."""
    make_secret(api, namespace, "there")

    with reluctant(api, None, (410, {})) as port:

        async def during(seen: Seen) -> None:
            await seen.until(lambda: len(Reluctant.asked) >= 4)
            make_secret(api, namespace, "more")
            await seen.until(lambda: seen.names() == {"there", "more"})

        follow(api, port, namespace, tmp_path, during)
    assert ["watch=true" in path for _, path in Reluctant.asked[:4]] == [False, True, False, True]
