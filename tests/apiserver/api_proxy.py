"""A proxy in front of a real API server that refuses, delays and cuts as a test wants.

What an overloaded, restarted or distant API server does at a moment of its own, it does when it is told to.
Everything else passes through unchanged.
"""

from __future__ import annotations

import asyncio
import json
import re
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

import aiohttp
from aiohttp import web
from yarl import URL

from cluster.apiserver import ApiServer, write_kubeconfig
from support.patience import PATIENCE

_HOPS: Final = frozenset({"transfer-encoding", "content-length", "connection", "content-encoding", "host"})
_AUTOMATIC: Final = ("Accept", "Accept-Encoding", "Content-Type", "User-Agent")


@dataclass(frozen=True)
class Question:
    """One request, as it came."""

    method: str
    path: str
    watches: bool
    at: float
    """When it came, monotonic."""


@dataclass(frozen=True)
class Refusal:
    """An answer of the proxy's own: a Status object with this code."""

    code: int
    reason: str
    retry_after: int | None = None


CUT: Final = Refusal(0, "the connection is reset without an answer")

Rule = Callable[[Question], Refusal | None]


def _nothing(question: Question) -> None:
    return None


@dataclass
class ApiProxy:
    """What it is told to do; may be changed at any time."""

    server: ApiServer
    rule: Rule = _nothing
    """Decides on each request: a refusal, or None to pass it on."""
    delay: Callable[[Question], float] = lambda question: 0.0
    """How many seconds a request waits before it is passed on."""
    answer_lost: Callable[[Question], bool] = lambda question: False
    """True: the request is carried out, and its answer never arrives."""
    questions: list[Question] = field(default_factory=list)
    url: str = ""
    _loop: asyncio.AbstractEventLoop | None = None
    _ended: threading.Event = field(default_factory=threading.Event)
    _streams: dict[int, web.Request] = field(default_factory=dict)

    def count(self, *, methods: str = "GET POST PUT PATCH DELETE", path: str = "") -> int:
        """How many requests came with one of these methods, and a path that this expression is found in."""
        wanted = re.compile(path)
        return sum(
            each.method in methods.split() and bool(wanted.search(each.path)) for each in self.questions
        )

    def forget(self) -> None:
        """Count anew."""
        self.questions = []

    def cut_streams(self) -> None:
        """Reset every watch that is open."""
        assert self._loop is not None
        self._loop.call_soon_threadsafe(self._cut)

    def _cut(self) -> None:
        for request in list(self._streams.values()):
            _reset(request)

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        watches = request.query.get("watch") in ("true", "1")
        question = Question(request.method, request.path, watches, time.monotonic())
        self.questions.append(question)
        refusal = self.rule(question)
        if refusal is CUT:
            return _reset(request)
        if refusal is not None:
            return _refused(refusal, watches)
        await asyncio.sleep(self.delay(question))
        return await self._pass_on(request, question)

    async def _pass_on(self, request: web.Request, question: Question) -> web.StreamResponse:
        headers = {name: value for name, value in request.headers.items() if name.lower() not in _HOPS}
        session: aiohttp.ClientSession = request.app[_SESSION]
        body, url = await request.read(), URL(self.server.url + request.raw_path, encoded=True)
        try:
            async with session.request(
                request.method, url, headers=headers, data=body or None, skip_auto_headers=_AUTOMATIC
            ) as answer:
                if self.answer_lost(question):
                    return _reset(request)
                kept = {name: value for name, value in answer.headers.items() if name.lower() not in _HOPS}
                reply = web.StreamResponse(status=answer.status, headers=kept)
                await reply.prepare(request)
                if question.watches:
                    self._streams[id(request)] = request
                async for chunk in answer.content.iter_any():
                    await reply.write(chunk)
                await reply.write_eof()
                return reply
        except (aiohttp.ClientError, ConnectionError):
            return _reset(request)
        finally:
            self._streams.pop(id(request), None)


_SESSION: Final = web.AppKey("session", aiohttp.ClientSession)


def _reset(request: web.Request) -> web.Response:
    if request.transport is not None:
        request.transport.abort()
    return web.Response()


def _refused(refusal: Refusal, watches: bool) -> web.Response:
    status: dict[str, Any] = {
        "kind": "Status",
        "apiVersion": "v1",
        "status": "Failure",
        "message": f"refused by the tests' proxy: {refusal.reason}",
        "reason": refusal.reason,
        "code": refusal.code,
    }
    if watches and refusal.code == 410:
        # As the API server does it: the watch begins, and this is its first and last event.
        return web.Response(text=json.dumps({"type": "ERROR", "object": status}) + "\n")
    headers = {} if refusal.retry_after is None else {"Retry-After": str(refusal.retry_after)}
    return web.json_response(status, status=refusal.code, headers=headers)


@contextmanager
def proxy_before(server: ApiServer, folder: Path) -> Iterator[tuple[ApiProxy, ApiServer]]:
    """The proxy, and the API server with a kubeconfig that leads through it: for operators alone."""
    proxy = ApiProxy(server)
    ready = threading.Event()
    thread = threading.Thread(target=asyncio.run, args=(_serve(proxy, ready),))
    thread.start()
    try:
        assert ready.wait(PATIENCE)
        seen = replace(server, kubeconfig=folder / "proxy.kubeconfig")
        write_kubeconfig(seen.kubeconfig, proxy.url, server.certificate, {"token": server.token})
        yield proxy, seen
    finally:
        proxy._ended.set()
        thread.join()


async def _serve(proxy: ApiProxy, ready: threading.Event) -> None:
    trusted = ssl.create_default_context(cafile=str(proxy.server.certificate))
    own = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    # The API server's own pair: clients trust it already.
    own.load_cert_chain(proxy.server.certificate, proxy.server.certificate.with_suffix(".key"))
    application = web.Application(client_max_size=2**24)
    application.router.add_route("*", "/{path:.*}", proxy._handle)
    limits = aiohttp.ClientTimeout(total=None)
    connector = aiohttp.TCPConnector(ssl=trusted, limit=0)
    async with aiohttp.ClientSession(connector=connector, timeout=limits, auto_decompress=True) as session:
        application[_SESSION] = session
        runner = web.AppRunner(application, access_log=None, shutdown_timeout=1)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=own)
        await site.start()
        host, port = runner.addresses[0][:2]
        proxy._loop = asyncio.get_running_loop()
        proxy.url = f"https://{host}:{port}"
        ready.set()
        await proxy._loop.run_in_executor(None, proxy._ended.wait)
        proxy._cut()
        await runner.cleanup()
