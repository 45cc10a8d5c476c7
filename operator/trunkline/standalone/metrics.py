"""`up --metrics`: one page for Prometheus, of the agents of all edges that run here."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar, Final

from sipedge.call_questions import AskError, ask
from sipedge.metrics.catalogue import metric
from sipedge.metrics.merging import merged, page_of
from trunkline.standalone.options import Endpoint

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
ANSWER_SECONDS: Final = 4.0
"""Less than Prometheus waits for a page, as a rule."""
REQUEST_SECONDS: Final = 5.0
_QUESTION: Final = '{"ask": "metrics"}'
_AT_ONCE: Final = 8

Agents = Sequence[tuple[str, str, Path]]
"""Edge, address, and the socket where its agent is asked."""


def metrics_page(agents: Agents) -> str:
    """What all of them say; one that does not answer costs its own samples alone."""
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        pages = list(pool.map(_page, [path for _, _, path in agents]))
    return merged(
        ({"edge": edge, "address": address}, page)
        for (edge, address, _), page in zip(agents, pages, strict=True)
    )


def _page(path: Path) -> str:
    is_up = metric("trunkline_edge_agent_up")
    try:
        lines = ask(path, _QUESTION, ANSWER_SECONDS)
    except AskError:
        return page_of(is_up, 0.0)
    return page_of(is_up, 1.0) + "".join(f"{line}\n" for line in lines)


class MetricsServer:
    """Answers `GET /metrics` in threads of its own, from the moment that it is made until `stop`."""

    def __init__(self, endpoint: Endpoint, agents: Callable[[], Agents]) -> None:
        """Raises OSError if the port cannot be listened on. `agents` is called in any thread."""
        handler = type("Handler", (_Handler,), {"agents": staticmethod(agents)})
        server = _Server6 if ":" in endpoint.address else _Server
        self._server = server((endpoint.address, endpoint.port), handler)
        threading.Thread(target=self._server.serve_forever, name="metrics", daemon=True).start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    # The standard library would ask DNS for the host's name.
    server_name, server_port = "", 0

    def server_bind(self) -> None:
        self.socket.bind(self.server_address)
        self.server_address = self.socket.getsockname()


class _Server6(_Server):
    address_family = socket.AF_INET6


class _Handler(BaseHTTPRequestHandler):
    agents: ClassVar[Any]
    timeout = REQUEST_SECONDS

    def do_GET(self) -> None:
        is_page = self.path.partition("?")[0] == "/metrics"
        body = metrics_page(self.agents()).encode() if is_page else b"not found: /metrics is what there is\n"
        self.send_response(200 if is_page else 404)
        self.send_header("Content-Type", CONTENT_TYPE)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def version_string(self) -> str:
        return "trunkline"

    def log_message(self, format: str, *args: Any) -> None:
        """Prometheus comes every few seconds: nothing is logged."""
