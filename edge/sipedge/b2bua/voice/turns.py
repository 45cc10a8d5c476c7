"""Who may do what many want to do at a time."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class Turns:
    """So many at a time in all, and of one account: who is slow keeps only its own waiting."""

    def __init__(self, in_all: int, of_one: int) -> None:
        self._all, self._of_one = asyncio.Semaphore(in_all), of_one
        self._own: dict[str, asyncio.Semaphore] = {}
        self._here: Counter[str] = Counter()
        """How many of an account have their turn, or wait."""

    @asynccontextmanager
    async def of(self, account: str) -> AsyncIterator[None]:
        """A turn of this account, once it comes."""
        own = self._own.setdefault(account, asyncio.Semaphore(self._of_one))
        self._here[account] += 1
        try:
            async with own, self._all:
                yield
        finally:
            self._here[account] -= 1
            if not self._here[account]:
                del self._here[account], self._own[account]
