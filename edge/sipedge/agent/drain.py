"""Lets the calls in progress end before an instance stops: Kamailio takes no new ones meanwhile."""

from __future__ import annotations

import asyncio
import logging
import time
from typing import Final

from sipedge.agent.rpc import KamailioRpc, RpcError

log = logging.getLogger(__name__)

POLL_SECONDS: Final = 0.2


async def set_draining(rpc: KamailioRpc, *, draining: bool) -> None:
    """Tell Kamailio to refuse new calls, or to take them again. Raises RpcError."""
    await rpc.call("htable.seti", "ctl", "drain", int(draining))


async def drain(rpc: KamailioRpc, seconds: float) -> None:
    """Refuse new calls, then wait until none is left, `seconds` at most. A Kamailio that is gone has none."""
    until = time.monotonic() + seconds
    try:
        await set_draining(rpc, draining=True)
        calls = await calls_in_progress(rpc)
        while calls and time.monotonic() < until:
            await asyncio.sleep(POLL_SECONDS)
            calls = await calls_in_progress(rpc)
    except RpcError as error:
        log.warning("draining ends: %s", error)
        return
    log.info("drained, %d calls in progress are left", calls)


async def calls_in_progress(rpc: KamailioRpc) -> int:
    """How many dialogs Kamailio has, those being set up included. Raises RpcError."""
    stats = await rpc.call("dlg.stats_active")
    try:
        return int(stats["all"])
    except (KeyError, TypeError, ValueError) as error:
        raise RpcError(f"dlg.stats_active: not understood: {stats!r}") from error
