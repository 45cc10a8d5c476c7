"""Lets the calls in progress end before an instance stops: Kamailio takes no new ones meanwhile."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Mapping
from typing import Final

from sipedge.agent.rpc import KamailioRpc, RpcError

log = logging.getLogger(__name__)

POLL_SECONDS: Final = 0.2
DRAIN_VARIABLE: Final = "TRUNKLINE_DRAIN_SECONDS"
DRAIN_SECONDS: Final = 5.0
LONGEST_DRAIN: Final = 86_400


def read_drain_seconds(environment: Mapping[str, str]) -> float:
    """How long calls may go on once an instance is asked to stop. Raises ValueError."""
    text = environment.get(DRAIN_VARIABLE, "")
    try:
        seconds = float(text) if text else DRAIN_SECONDS
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds <= LONGEST_DRAIN:
        raise ValueError(f"{DRAIN_VARIABLE}: {text!r} is not a number of seconds from 0 to {LONGEST_DRAIN}")
    return seconds


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
