"""An Edge that is let go although the zone may still name it is told of, once, in an Event."""

from __future__ import annotations

import asyncio
import datetime
from typing import Any, cast

import pytest

from trunkline.api import ObjectRef
from trunkline.controllers.finalizers import Finalizers
from trunkline.controllers.store import Seen
from trunkline.kube.client import KubeClient
from trunkline.plan.finalizers import FINALIZER
from trunkline.status.reasons import StatusReason
from trunkline.status.stored import stored_status

MINUTES = datetime.timedelta(minutes=1)


class Patches:
    """In place of the API server: what was asked of it."""

    def __init__(self) -> None:
        self.finalizers: list[Any] = []

    async def merge(
        self, kind: object, namespace: object, name: str, patch: dict[str, Any]
    ) -> dict[str, Any]:
        self.finalizers.append(patch["metadata"]["finalizers"])
        return patch


def edge(deleted: datetime.timedelta) -> Seen:
    """Deleted so long ago."""
    moment = datetime.datetime.now(datetime.UTC) - deleted
    return Seen(
        ref=ObjectRef("Edge", None, "oslo"),
        identity=("uid", 1),
        version=7,
        stored=stored_status({}),
        finalizers=(FINALIZER,),
        deleted_at=moment.isoformat(),
    )


@pytest.mark.parametrize(("after", "clean", "lets_go", "told"), (
    (1 * MINUTES, False, False, False),
    (3 * MINUTES, False, True, True),
    (1 * MINUTES, True, True, False),
))  # fmt: skip
def test_let_go(after: datetime.timedelta, clean: bool, lets_go: bool, told: bool) -> None:
    """By patience alone: then the zone was never seen without it."""
    patches, events = Patches(), list[tuple[str, str]]()

    async def warn(seen: Seen, reason: StatusReason, note: str) -> None:
        events.append((seen.ref.name, reason))

    finalizers = Finalizers(cast("KubeClient", patches), 2 * MINUTES, lambda _: clean, lambda _: None, warn)
    asyncio.run(finalizers.become([edge(after)], ()))
    assert patches.finalizers == ([None] if lets_go else [])
    assert events == ([("oslo", StatusReason.DNS_RECORDS_MAY_REMAIN)] if told else [])
