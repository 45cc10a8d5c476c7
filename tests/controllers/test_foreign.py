"""Whether another project's API is there is told by the 404 of a list, and asked again after a minute."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Any, cast

import pytest

from trunkline.kube.client import KubeClient, Listing
from trunkline.kube.faults import ConflictError, ForbiddenError, KubeError, NotFoundError
from trunkline.kube.foreign import AGAIN_SECONDS, ForeignApi
from trunkline.plan.foreign import ForeignKind

KIND = ForeignKind("example.com/v1", "things", "Thing")


@dataclass
class Server:
    """In place of the API server: what it answers, and the paths that were asked for."""

    fault: KubeError | None = None
    asked: list[str] = field(default_factory=list)

    async def list(self, kind: Any, namespace: str, query: dict[str, str]) -> Listing:
        self._answer(f"{kind.path(namespace)} {query['labelSelector']}")
        return Listing([], "1")

    async def create(self, kind: Any, manifest: Any) -> None:
        self._answer(f"create {kind.path('x')}")

    async def delete(self, kind: Any, namespace: str, name: str, uid: str) -> None:
        self._answer(f"delete {name} {uid}")

    def _answer(self, what: str) -> None:
        self.asked.append(what)
        if self.fault is not None:
            raise self.fault


def test_a_missing_api_is_asked_for_once_a_minute() -> None:
    server, now = Server(NotFoundError("404", 404)), [0.0]
    api = ForeignApi(cast("KubeClient", server), lambda: now[0])

    def listed() -> object:
        return asyncio.run(api.list(KIND, "dns", {"a": "1", "b": "2"}))

    assert listed() is None
    assert listed() is None
    assert server.asked == ["/apis/example.com/v1/namespaces/dns/things a=1,b=2"]
    server.fault, now[0] = None, AGAIN_SECONDS - 1
    assert listed() is None
    now[0] = AGAIN_SECONDS
    assert listed() == []
    assert listed() == []
    assert len(server.asked) == 3


def test_other_refusals_are_raised_and_not_remembered() -> None:
    """A right that is missing may be given at any time."""
    server = Server(ForbiddenError("403", 403))
    api = ForeignApi(cast("KubeClient", server))
    for _ in range(2):
        with pytest.raises(ForbiddenError):
            asyncio.run(api.list(KIND, "dns", {"a": "1"}))
    assert len(server.asked) == 2


def test_what_is_there_is_not_taken_over_and_what_is_another_not_deleted() -> None:
    api = ForeignApi(cast("KubeClient", Server(ConflictError("409", 409))))
    assert asyncio.run(api.create(KIND, {"metadata": {"name": "x"}})) is False
    asyncio.run(api.delete(KIND, "dns", "x", "uid"))
