"""The Kubernetes API as source of revisions: Secrets with fixed names, watched.

Head and parts are what `sipedge.table.publication` says. One watch tells their changes in the order in
which they were written, so that a head is met after its parts. Which groups the edge is in its head alone
says: their parts are followed by a watch of their own, and nothing of any other group is ever read.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from functools import partial
from typing import Final

from sipedge.agent.kube_api import KubernetesApi
from sipedge.agent.secret_watch import SecretData, SecretWatch, Sight
from sipedge.agent.source import TORN_GRACE_SECONDS, Offer
from sipedge.table.publication import DATA_KEY, SHARED, TABLE_LABEL, Head, head_object, part_object
from sipedge.table.revision import (
    ABSENT,
    Part,
    Staged,
    UnusableHeadError,
    assemble,
    assemble_torn,
    part_of,
    read_head,
    torn_parts,
    torn_text,
)

TORN_SECONDS: Final = 10.0
"""After so long a torn revision is better than no table."""
BEHIND_SECONDS: Final = 10.0
"""How long a newer revision may wait to be served."""


class KubernetesSource:
    """The table Secrets of one edge in the edge namespace."""

    def __init__(self, api: KubernetesApi, namespace: str, edge: str) -> None:
        self._api, self._namespace, self._edge = api, namespace, edge
        self._watch = SecretWatch(api, namespace, _selector(edge, SHARED), self._learn)
        self._secrets: dict[str, Part] = {}
        self._groups: frozenset[str] = frozenset()
        self._group_watch: SecretWatch | None = None
        self._group_secrets: dict[str, Part] = {}
        self._changed = asyncio.Event()
        self._is_new = True
        self._offer = Offer(None, None)
        self._staged: Staged | None = None
        self._torn: Staged | None = None
        self._torn_since: float | None = None
        self._head: Head | None = None
        self._head_fault: str | None = None
        self._start: int | None = None
        self._mark: tuple[int, float] | None = None

    def start(self) -> None:
        """Begin to watch; called once, in the event loop."""
        self._watch.start()

    @property
    def api_fault(self) -> str | None:
        """Why the API server tells nothing now; None while it answers."""
        return self._watch.fault or (self._group_watch.fault if self._group_watch else None)

    @property
    def newest(self) -> int | None:
        """The sequence of the published head; None if there is none that can be read."""
        return self._head.sequence if self._head else None

    async def changed(self, within: float) -> None:
        """Return when a look may show something new, and after `within` seconds at the latest."""
        try:
            async with asyncio.timeout(within):
                await self._changed.wait()
        except TimeoutError:
            pass  # nothing was told

    def look(self) -> Offer:
        """What is offered now. Cheap while nothing changes."""
        self._changed.clear()
        if self._is_new or self._torn_since is not None:
            self._is_new = False
            self._offer = self._stage()
        return self._offer

    def lag(self, taken: int | None) -> str | None:
        """Why an edge that has taken revision `taken` should get no calls; None if it may.

        It may while the API server does not answer: nobody knows of anything newer then.
        """
        if not self._watch.has_listed:
            return None if self._watch.fault else "it is not known yet which revision is current"
        newest = self.newest
        if newest is None or taken is None or newest <= taken or self._watch.fault is not None:
            self._mark = None
            return None
        if taken < (self._start or 0):
            return f"revision {self._start} was current at the start, {taken} is in use"
        if self._mark is None or taken >= self._mark[0]:
            self._mark = (newest, time.monotonic())
        if time.monotonic() - self._mark[1] < BEHIND_SECONDS:
            return None
        return f"revision {newest} is published, {taken} is in use"

    def _learn(self, sight: Sight) -> None:
        _take_in(sight, self._secrets)
        self._torn = None
        self._is_new = True
        self._read_head()
        self._follow_groups()
        if self._start is None and (sight.whole or self._watch.fault):
            # Whoever starts without an API server cannot know what is current, and serves what it has.
            self._start = 0 if self._watch.fault else self.newest or 0
        self._changed.set()

    def _follow_groups(self) -> None:
        groups = self._head.groups if self._head else self._groups
        if groups == self._groups:
            return
        if self._group_watch is not None:
            self._group_watch.close()
        self._groups, self._group_watch = groups, None
        if not groups:
            self._group_secrets.clear()
            return
        learn = partial(self._learn_of_groups, groups)
        self._group_watch = SecretWatch(self._api, self._namespace, _selector(*groups), learn)
        self._group_watch.start()

    def _learn_of_groups(self, groups: frozenset[str], sight: Sight) -> None:
        if groups != self._groups:
            return  # of the watch before
        _take_in(sight, self._group_secrets)
        self._torn = None
        self._is_new = True
        self._changed.set()

    def _read_head(self) -> None:
        name = head_object(self._edge)
        place = f"Secret {self._namespace}/{name}"
        self._head = self._head_fault = None
        if name in self._secrets:
            try:
                self._head = read_head(self._secrets[name][1], self._edge, place)
            except UnusableHeadError as error:
                self._head_fault = str(error)
        elif self._watch.has_listed:
            self._head_fault = f"{place} is missing: the operator publishes it; the last table stays in use"

    def _stage(self) -> Offer:
        head = self._head
        fault = "; ".join(each for each in (self._api_text(), self._head_fault) if each) or None
        if head is None:
            self._torn_since = None
            return Offer(None, fault)
        if self._staged is not None and self._staged.head == head:
            # Parts that are ahead of this head belong to the next one.
            self._torn_since = None
            return Offer(self._staged, fault)
        parts = {name: self._part(name) for name in head.parts}
        staged = assemble(head, parts)
        if staged is None:
            return self._torn_offer(head, parts, fault)
        self._torn_since = None
        self._staged = staged
        return Offer(staged, fault)

    def _part(self, name: str) -> Part:
        place = part_object(self._edge, name)
        return self._secrets.get(place) or self._group_secrets.get(place, ABSENT)

    def _torn_offer(self, head: Head, parts: Mapping[str, Part], fault: str | None) -> Offer:
        self._torn_since = self._torn_since or time.monotonic()
        age = time.monotonic() - self._torn_since
        if age >= TORN_SECONDS and self._torn is None:
            self._torn = assemble_torn(head, parts)
        if age >= TORN_GRACE_SECONDS:
            torn = torn_parts(head, parts)
            place = f"Secret {self._namespace}/{part_object(self._edge, torn[0])}"
            fault = "; ".join(filter(None, (fault, torn_text(head, place, torn, parts))))
        return Offer(None, fault, self._torn)

    def _api_text(self) -> str | None:
        fault = self.api_fault
        return fault and f"{fault}; the last table stays in use"


def _selector(*labels: str) -> dict[str, str]:
    return {"labelSelector": f"{TABLE_LABEL} in ({','.join(sorted(labels))})"}


def _take_in(sight: Sight, secrets: dict[str, Part]) -> None:
    if sight.whole:
        secrets.clear()
    for name, data in sight.secrets.items():
        if data is None:
            secrets.pop(name, None)
        else:
            secrets[name] = _part(data)


def _part(data: SecretData) -> Part:
    return part_of(data.get(DATA_KEY, b""))
