"""A deleted Lease stays with who holds it. On a clock that jumps, with an API server in memory."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any, cast

import pytest

from support.virtual_time import run_virtually
from trunkline.kube import lease as lease_module
from trunkline.kube.client import KubeClient
from trunkline.kube.faults import ConflictError, NotFoundError
from trunkline.kube.lease import DURATION_SECONDS, RENEW_SECONDS, LeaseLock


class OneLease:
    """What the API server does with one object."""

    def __init__(self) -> None:
        self.stored: dict[str, Any] | None = None
        self._version = 0

    async def get(self, *_: object) -> dict[str, Any] | None:
        return self.stored

    async def create(self, _: object, manifest: dict[str, Any]) -> dict[str, Any]:
        if self.stored is not None:
            raise ConflictError("it exists already", 409)
        return self._store(manifest["spec"])

    async def merge(self, _: object, __: object, ___: object, patch: dict[str, Any]) -> dict[str, Any]:
        if self.stored is None:
            raise NotFoundError("there is none", 404)
        if patch["metadata"]["resourceVersion"] != self.stored["metadata"]["resourceVersion"]:
            raise ConflictError("it has changed", 409)
        return self._store({**self.stored["spec"], **patch["spec"]})

    def _store(self, spec: dict[str, Any]) -> dict[str, Any]:
        self._version += 1
        self.stored = {"metadata": {"resourceVersion": str(self._version)}, "spec": spec}
        return self.stored


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """The lock's clock is the loop's."""
    monkeypatch.setattr(
        lease_module, "time", SimpleNamespace(monotonic=lambda: 1000 + asyncio.get_running_loop().time())
    )


def test_whoever_waits_leaves_it_to_its_holder(clock: None) -> None:
    """The holder makes it anew at its next renewal; nobody else has acted meanwhile."""

    async def steps() -> None:
        api = OneLease()
        first, second = (LeaseLock(cast("KubeClient", api), "system", "lock", name) for name in "ab")
        await first.acquire()
        waiting, keeping = (asyncio.create_task(each) for each in (second.acquire(), first.keep()))
        await asyncio.sleep(2 * RENEW_SECONDS + 1)
        api.stored = None
        for _ in range(40):
            await asyncio.sleep(1)
            assert first.is_held
            assert not second.is_held
        assert await api.get() is not None
        assert not waiting.done()
        assert not keeping.done()
        for task in (waiting, keeping):
            task.cancel()

    run_virtually(steps())


def test_it_is_free_when_its_holder_is_gone_too(clock: None) -> None:
    """After as long as any holder may act without it."""

    async def steps() -> None:
        api = OneLease()
        first, second = (LeaseLock(cast("KubeClient", api), "system", "lock", name) for name in "ab")
        await first.acquire()
        waiting = asyncio.create_task(second.acquire())
        await asyncio.sleep(1.5)
        api.stored = None
        await asyncio.sleep(DURATION_SECONDS / 2)
        assert not waiting.done()
        await asyncio.sleep(DURATION_SECONDS)
        assert waiting.done()
        assert second.is_held

    run_virtually(steps())
