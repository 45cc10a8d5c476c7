"""What the pod's agent answers over HTTP: /readyz, /livez and /metrics, to whoever may reach the port.

In threads of its own; what it tells of the agent is read from there, or asked of the event loop.
"""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import CancelledError
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar, Final

REQUEST_SECONDS: Final = 5.0
LOOP_SECONDS: Final = 5.0
"""An event loop that takes longer to come round is not alive."""


@dataclass(frozen=True, slots=True)
class Page:
    """One answer."""

    status: int
    text: str
    content_type: str = "text/plain; charset=utf-8"


Pages = dict[str, Callable[[], Page]]
"""Path to what makes its answer. Called in threads of the server."""


class HttpServer:
    """Serves `pages`, from the moment that it can bind its port until the process ends."""

    def __init__(self, address: str, port: int, pages: Pages) -> None:
        """Raises OSError if the port cannot be bound."""
        handler = type("Handler", (_Handler,), {"pages": pages})
        server = _Server6 if ":" in address else _Server
        self._server = server((address, port), handler)
        threading.Thread(target=self._server.serve_forever, name="http", daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    # The standard library would ask DNS for the host's name.
    server_name, server_port = "", 0

    def server_bind(self) -> None:
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(self.server_address)
        self.server_address = self.socket.getsockname()


class _Server6(_Server):
    address_family = socket.AF_INET6


class _Handler(BaseHTTPRequestHandler):
    pages: ClassVar[Pages] = {}
    timeout = REQUEST_SECONDS

    def do_GET(self) -> None:
        make = self.pages.get(self.path.partition("?")[0])
        page = make() if make else Page(404, "not found\n")
        body = page.text.encode()
        self.send_response(page.status)
        self.send_header("Content-Type", page.content_type)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def version_string(self) -> str:
        return "trunkline"

    def log_message(self, format: str, *args: object) -> None:
        """Probes come every second: nothing is logged."""


class LoopQuestions:
    """Lets other threads ask the agent's event loop."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()

    def ask(self, question: Coroutine[Any, Any, Any]) -> Any:
        """What `question` comes to. Raises TimeoutError if the loop does not come round to it."""
        try:
            return asyncio.run_coroutine_threadsafe(question, self._loop).result(LOOP_SECONDS)
        except (CancelledError, RuntimeError) as error:
            raise TimeoutError("the agent is ending") from error

    def is_alive(self) -> bool:
        try:
            self.ask(asyncio.sleep(0))
        except TimeoutError:
            return False
        return True
