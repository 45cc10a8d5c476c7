"""What the kubelet asks: is the operator alive, and does it see all that it should?

It is not Kopf's own answer: Kopf ends where a CRD is deleted, and the operator goes on without it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from aiohttp import web


async def open_health(
    address: str, port: int, health: Callable[[], Mapping[str, Any]], is_ready: Callable[[], bool]
) -> web.AppRunner:
    """Serve `/healthz`, always 200, and `/readyz`, 503 while not ready, until cleaned up. Raises OSError."""

    async def healthz(_: web.Request) -> web.Response:
        return web.json_response({"operator": dict(health())})

    async def readyz(_: web.Request) -> web.Response:
        return web.json_response({"operator": dict(health())}, status=200 if is_ready() else 503)

    app = web.Application()
    app.add_routes([web.get("/healthz", healthz), web.get("/readyz", readyz)])
    runner = web.AppRunner(app, handle_signals=False, shutdown_timeout=1.0, access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, address, port).start()
    except OSError:
        await runner.cleanup()
        raise
    return runner
