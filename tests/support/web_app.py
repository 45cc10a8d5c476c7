"""A tenant's application: answers with call instructions and sounds, and remembers what it was asked."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl

from support.patience import PATIENCE


@dataclass(frozen=True)
class Asked:
    """One request."""

    method: str
    path: str
    form: dict[str, str]
    headers: dict[str, str]


@dataclass
class WebApp:
    """What it answers, by path: bytes, or a number that is the status of a refusal."""

    server: ThreadingHTTPServer
    answers: dict[str, bytes | int] = field(default_factory=dict)
    asked: queue.Queue[Asked] = field(default_factory=queue.Queue)
    held: threading.Event = field(default_factory=threading.Event)
    """Not set: requests that it has noted wait for their answers."""

    @property
    def url(self) -> str:
        """Its root, without a slash at the end."""
        host, port = self.server.server_address[:2]
        return f"http://{host!s}:{port}"

    def say(self, path: str, verbs: str) -> str:
        """Answer with these verbs from now on; the URL."""
        self.answers[path] = f"<Response>{verbs}</Response>".encode()
        return f"{self.url}{path}"

    def hold(self) -> None:
        """Answer nothing until `release`."""
        self.held.clear()

    def release(self) -> None:
        """Answer all that waits, and what comes."""
        self.held.set()

    def all(self) -> list[Asked]:
        """All requests that it got, and nobody has taken yet."""
        return [self.asked.get() for _ in range(self.asked.qsize())]

    def next(self) -> Asked:
        """The next request that it got."""
        return self.asked.get(timeout=PATIENCE)


class _Handler(BaseHTTPRequestHandler):
    app: WebApp

    def _answer(self) -> None:
        path, _, query = self.path.partition("?")
        body = self.rfile.read(int(self.headers.get("content-length") or 0)).decode()
        form = dict(parse_qsl(body or query, keep_blank_values=True))
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.app.asked.put(Asked(self.command, path, form, headers))
        self.app.held.wait(PATIENCE)
        found = self.app.answers.get(path, 404)
        self.send_response(found if isinstance(found, int) else 200)
        data = b"" if isinstance(found, int) else found
        kind = "audio/wav" if path.endswith(".wav") else "text/xml"
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data)))
        with suppress(ConnectionError):  # who asked has gone
            self.end_headers()
            self.wfile.write(data)

    do_GET = _answer  # noqa: N815
    do_POST = _answer  # noqa: N815

    def log_message(self, format: str, *args: object) -> None:
        """Says nothing."""


@contextmanager
def running_app(address: str) -> Iterator[WebApp]:
    """An application at a port of this address."""
    handler = type("Handler", (_Handler,), {})
    server = ThreadingHTTPServer((address, 0), handler)
    handler.app = app = WebApp(server)  # type: ignore[attr-defined]
    app.release()
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield app
    finally:
        app.release()
        server.shutdown()
        server.server_close()
        thread.join()
