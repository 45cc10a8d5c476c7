"""A real web server of this machine: what an application of a tenant may answer, good and bad."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from aiohttp import web

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass
class Asked:
    """One request."""

    method: str
    path: str
    """With its query."""
    headers: dict[str, str]
    form: list[tuple[str, str]]


@dataclass
class WebServer:
    """Where it listens, and what it was asked."""

    port: int = 0
    asked: list[Asked] = field(default_factory=list)

    def url(self, path: str, host: str = "127.0.0.1") -> str:
        return f"http://{host}:{self.port}{path}"


@asynccontextmanager
async def web_server(answers: dict[str, Handler]) -> AsyncIterator[WebServer]:
    """It listens at 127.0.0.1 and answers by path."""
    server = WebServer()

    async def answer(request: web.Request) -> web.StreamResponse:
        form = [(name, str(value)) for name, value in (await request.post()).items()]
        server.asked.append(Asked(request.method, request.path_qs, dict(request.headers), form))
        return await answers[request.path](request)

    application = web.Application()
    application.router.add_route("*", "/{rest:.*}", answer)
    runner = web.AppRunner(application, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    server.port = runner.addresses[0][1]
    try:
        yield server
    finally:
        await runner.cleanup()


def body(content: bytes, **headers: str) -> Handler:
    """A 200 with this content. Of a header's name `_` stands for `-`."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}

    async def answer(_: web.Request) -> web.Response:
        return web.Response(body=content, headers=named)

    return answer


def status(code: int, **headers: str) -> Handler:
    """Another answer, with these headers."""

    async def answer(_: web.Request) -> web.Response:
        return web.Response(status=code, headers=headers)

    return answer


async def drip(request: web.Request) -> web.StreamResponse:
    """A byte now and then, for ever."""
    response = web.StreamResponse()
    await response.prepare(request)
    while True:
        await response.write(b".")
        await asyncio.sleep(0.05)


async def flood(request: web.Request) -> web.StreamResponse:
    """As many bytes as are taken."""
    response = web.StreamResponse()
    await response.prepare(request)
    while True:
        await response.write(b"." * 65_536)
