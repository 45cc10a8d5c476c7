"""Changing the statuses of users' objects: none may go on saying that something is served."""

from __future__ import annotations

import asyncio
import datetime
import time
from collections import Counter, deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from sipedge.counted import counted
from trunkline.controllers.uninstall.installed import Installed, patiently
from trunkline.kube.backoff import Backoffs
from trunkline.kube.client import Manifest
from trunkline.kube.faults import ConflictError, KubeError, NotFoundError, TransientError
from trunkline.kube.paths import OURS, Kind
from trunkline.plan.uninstall import Bound, told_faults, told_left
from trunkline.status.farewell import farewell

_BATCH: Final = 100


@dataclass(frozen=True, slots=True, eq=False)
class _Parting:
    """What the status of one object is to say from now on. Equal only to itself."""

    kind: Kind
    namespace: str | None
    name: str
    patch: Manifest


class Partings:
    """The statuses that are still to change, and what came of the others."""

    def __init__(self, installed: Installed, bound: Bound) -> None:
        self._installed, self._bound = installed, bound
        self._left: Counter[str] = Counter()
        self._changed = 0
        self._faults: list[str] = []
        self._transient = ""

    async def part(self) -> None:
        """Change them all, as far as `bound` lets it, and tell what came of it. Raises KubeError."""
        by_kind = [await self._of(kind) for kind in OURS.values()]
        # Kinds with few objects first: the many Numbers must not keep the rest from being told.
        rest = deque(each for partings in sorted(by_kind, key=len) for each in partings)
        self._left = Counter(each.kind.name for each in rest)
        why = await self._work_off(rest)
        tell = self._installed.tell
        for line in (*told_faults(self._faults), *told_left(self._left, why)):
            tell(f"WARNING: {line}")
        objects = f"{counted(self._changed, 'object')} {'says' if self._changed == 1 else 'say'}"
        tell(f"{objects} Ready=Unknown, Uninstalled; nothing else is changed")

    async def _of(self, kind: Kind) -> list[_Parting]:
        objects = await patiently(lambda: self._installed.custom(kind))
        now = datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        return list(_partings(kind, objects, now))

    async def _work_off(self, rest: deque[_Parting]) -> str:
        """Why some are left; "" if none is."""
        progressed, waits = time.monotonic(), iter(Backoffs(first=0.5))
        while rest:
            now = time.monotonic()
            if why := self._bound.fault(progressed, now):
                return f"{why}{self._transient}"
            self._transient = ""
            batch = [rest.popleft() for _ in range(min(_BATCH, len(rest)))]
            again = await self._try(batch, self._bound.seconds_left(progressed, now))
            rest.extend(again)
            if len(again) < len(batch):
                progressed, waits = time.monotonic(), iter(Backoffs(first=0.5))
            else:
                await asyncio.sleep(next(waits))
        return ""

    async def _try(self, batch: list[_Parting], seconds: float) -> list[_Parting]:
        """Those that may succeed later."""
        settled: set[_Parting] = set()
        try:
            async with asyncio.timeout(seconds):
                await asyncio.gather(*(self._settle(each, settled) for each in batch))
        except TimeoutError:
            pass  # the bound says what that means
        return [each for each in batch if each not in settled]

    async def _settle(self, parting: _Parting, settled: set[_Parting]) -> None:
        kind, name = parting.kind, parting.name
        try:
            await self._installed.client.merge(kind, parting.namespace, name, parting.patch, "status")
            self._changed += 1
        except TransientError as error:
            self._transient = f": {error}"
            return
        except (NotFoundError, ConflictError):
            pass  # deleted, or made anew, meanwhile
        except KubeError as error:
            self._faults.append(f"{kind.name} {name} keeps its status: {error}")
        settled.add(parting)
        self._left[kind.name] -= 1


def _partings(kind: Kind, objects: Sequence[Manifest], now: str) -> Iterator[_Parting]:
    for found in objects:
        metadata = found["metadata"]
        status = farewell(found.get("status") or {}, now)
        if status:
            patch: Manifest = {"metadata": {"uid": metadata["uid"]}, "status": status}
            yield _Parting(kind, metadata.get("namespace"), metadata["name"], patch)
