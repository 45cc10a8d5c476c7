"""Logs of pods, and programs run in them: the client against a mock of the API server, which has no kubelet.

`tests/e2e/test_1_install.py` does the same on a real node.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from aiohttp import web
from kubernetes.aio.client import Configuration

from trunkline.kube.client import KubeClient, client_of
from trunkline.kube.faults import ForbiddenError, NotFoundError

POD = "/api/v1/namespaces/edges/pods/edge-0"
STDOUT, ERROR = b"\x01", b"\x03"


async def execute(request: web.Request) -> web.StreamResponse:
    """As the API server answers an exec by WebSocket (`v4.channel.k8s.io`)."""
    if request.query["container"] != "agent":
        raise web.HTTPForbidden(text='{"message": "no"}')
    socket = web.WebSocketResponse(protocols=("v4.channel.k8s.io",))
    await socket.prepare(request)
    for part in ("ü".encode(), b"", b"|".join(each.encode() for each in request.query.getall("command"))):
        await socket.send_bytes(STDOUT + part)
    await socket.send_bytes(ERROR + b'{"status":"Success"}')
    await socket.close()
    return socket


async def log(request: web.Request) -> web.Response:
    if request.query["container"] != "agent":
        raise web.HTTPNotFound(text='{"message": "no such container"}')
    return web.Response(body=b"one\n\xff\n" + request.query.get("sinceSeconds", "all").encode())


def at_mock(question: Callable[[KubeClient], Awaitable[Any]]) -> Any:
    """What the client gets there."""

    async def play() -> Any:
        app = web.Application()
        app.router.add_get(f"{POD}/exec", execute)
        app.router.add_get(f"{POD}/log", log)
        runner = web.AppRunner(app)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        assert site._server is not None
        port = site._server.sockets[0].getsockname()[1]  # type: ignore[attr-defined]
        client = client_of(Configuration(host=f"http://127.0.0.1:{port}"))
        try:
            return await question(client)
        finally:
            await client.close()
            await runner.cleanup()

    return asyncio.run(play())


def test_a_program_is_run_in_a_container_at_a_mock_server() -> None:
    """Each word of its command as it is; of what it prints all, and nothing else."""
    command = ("/usr/bin/python3", "-m", "x", '{"ask": "calls & more"}')
    found = at_mock(lambda client: client.run("edges", "edge-0", "agent", command))
    assert found == "ü" + "|".join(command)
    with pytest.raises(ForbiddenError):
        at_mock(lambda client: client.run("edges", "edge-0", "other", command))


def test_a_log_is_read_at_a_mock_server() -> None:
    """Whatever bytes are in it."""
    assert at_mock(lambda client: client.log("edges", "edge-0", "agent")) == "one\n\ufffd\nall"
    assert at_mock(lambda client: client.log("edges", "edge-0", "agent", 60)).endswith("\n60")
    with pytest.raises(NotFoundError):
        at_mock(lambda client: client.log("edges", "edge-0", "other"))
