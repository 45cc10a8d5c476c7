"""A piece of work that is done again and again beside all others, by its schedule.

Each has its own queue (of one: asked or not), back-off and time limit, so that what hangs or fails holds up
nothing else.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from sipedge.dice import DICE
from sipedge.fault import describe_fault
from trunkline.reconcile.schedule import Outcome, Schedule, State, asked, began, ended, next_start

Ended = Callable[[Outcome, float], None]
"""Is told how each run ended, and how many seconds it took."""


def describe(error: Exception) -> str:
    """For faults that nobody foresaw: by type and place, without a value."""
    return f"unexpected {describe_fault(error)}"


class Worker:
    """One piece of work. Its clock is that of the event loop."""

    def __init__(
        self,
        step: Callable[[], Awaitable[Outcome]],
        schedule: Schedule,
        heard: Ended,
        describe: Callable[[Exception], str] = describe,
        fatal: tuple[type[Exception], ...] = (),
    ) -> None:
        """`describe` words an exception of `step` as its fault; those of `fatal` end the worker instead."""
        self._step, self._schedule, self._heard = step, schedule, heard
        self._describe, self._fatal = describe, fatal
        self._state = State()
        self._woken = asyncio.Event()

    def ask(self) -> None:
        """Have it done soon."""
        self._state = asked(self._state, asyncio.get_running_loop().time())
        self._woken.set()

    async def run(self) -> None:
        """Until cancelled. Raises what is fatal. Run again, it does nothing before it is asked to."""
        clock = asyncio.get_running_loop().time
        try:
            while True:
                await self._wait(clock)
                self._state, start = began(self._state), clock()
                outcome = await self._carry_out()
                # Nothing secret: it only spreads the load.
                spread = DICE.random()
                self._state = ended(self._state, outcome, clock(), self._schedule, spread)
                self._heard(outcome, clock() - start)
        finally:
            self._state = State()

    async def _wait(self, clock: Callable[[], float]) -> None:
        """Return when it is time to begin."""
        while (start := next_start(self._state, self._schedule)) > clock():
            self._woken.clear()
            try:
                async with asyncio.timeout_at(None if start == float("inf") else start):
                    await self._woken.wait()
            except TimeoutError:
                return

    async def _carry_out(self) -> Outcome:
        limit = self._schedule.limit
        cutting = asyncio.timeout(None if limit == float("inf") else limit)
        try:
            async with cutting:
                return await self._step()
        except self._fatal:
            raise
        except Exception as error:
            if cutting.expired():
                return Outcome(f"not done within {limit:g} s")
            return Outcome(self._describe(error))
