"""An event loop whose clock jumps: what waits for an hour in the code takes no time in a test."""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

Result = TypeVar("Result")


MOST_LOOKS = 10_000
"""How often a loop may look for something to do at one moment."""


class _Jumping(selectors.SelectSelector):
    """Instead of waiting it moves the clock on."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0
        self._looks = 0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None:
            raise AssertionError("everything waits, and nothing will ever happen")
        before = self.now
        self.now += max(timeout, 0.0)
        self._looks = self._looks + 1 if self.now == before else 0
        if self._looks > MOST_LOOKS:
            raise AssertionError(f"something is done again and again, and it stays {self.now!r}")
        return super().select(0)


THREAD_SECONDS = 0.005
"""How long whatever runs in a thread seems to take."""


class VirtualTimeLoop(asyncio.SelectorEventLoop):
    """Nothing in it may wait for the world outside: what should run in a thread is done at once, in place."""

    def __init__(self) -> None:
        self._jumping = _Jumping()
        super().__init__(self._jumping)

    def time(self) -> float:
        return self._jumping.now

    def run_in_executor(self, executor: Any, func: Callable[..., Any], *arguments: Any) -> Any:  # type: ignore[override]
        future = self.create_future()

        def end(settle: Callable[[Any], None], outcome: Any) -> None:
            if not future.done():
                settle(outcome)

        try:
            self.call_later(THREAD_SECONDS, end, future.set_result, func(*arguments))
        except Exception as error:
            self.call_later(THREAD_SECONDS, end, future.set_exception, error)
        return future


def run_virtually(main: Coroutine[Any, Any, Result]) -> Result:
    """Run `main` to its end on a clock that begins at 0."""
    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        return runner.run(main)
