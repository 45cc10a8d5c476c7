"""What one instructed call does: its actions one after another, and beside them one errand that takes its
time."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine, Iterable
from functools import partial
from typing import Any

from sipedge.b2bua.instructed import Action
from sipedge.fault import describe_fault

log = logging.getLogger(__name__)

Work = Callable[[], Awaitable[None]]
"""What is done in its turn."""


class Errands:
    """An action that fails costs itself; `closed` is called after the last one."""

    def __init__(self) -> None:
        self._work: asyncio.Queue[Work | None] = asyncio.Queue()
        self._carry_out: Callable[[Action], Awaitable[None]] | None = None
        self._worker: asyncio.Task[None] | None = None
        self._errand: asyncio.Task[None] | None = None

    def start(
        self, carry_out: Callable[[Action], Awaitable[None]], closed: Callable[[], Awaitable[None]]
    ) -> None:
        """Begin to carry out what is added."""
        self._carry_out = carry_out
        self._worker = asyncio.create_task(self._do(closed))

    def add(self, actions: Iterable[Action]) -> None:
        """To be done after all that was added before."""
        for action in actions:
            if self._carry_out is not None:
                self.then(partial(self._carry_out, action))

    def then(self, work: Work) -> None:
        """The same, of what is no action."""
        self._work.put_nowait(work)

    def close(self) -> None:
        """Nothing follows what was added."""
        self._work.put_nowait(None)

    def send(self, errand: Coroutine[Any, Any, None], failed: Callable[[], None]) -> None:
        """Do this beside, in place of an earlier errand; `failed` is called where it fails of itself."""
        self.drop()
        self._errand = asyncio.create_task(_guarded(errand, failed))

    def drop(self) -> None:
        """Nobody waits for the errand any more."""
        if self._errand is not None:
            self._errand.cancel()
        self._errand = None

    async def _do(self, closed: Work) -> None:
        while (work := await self._work.get()) is not None:
            await _guarded(work(), lambda: None)
        self.drop()
        await _guarded(closed(), lambda: None)


async def _guarded(work: Awaitable[None], failed: Callable[[], None]) -> None:
    try:
        await work
    except Exception as error:
        # Never its text: that may quote a session, with its keys, or what is secret of a URL.
        log.error("fault in an instructed call: %s", describe_fault(error))
        failed()
