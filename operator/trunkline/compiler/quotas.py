"""How much an account may have: in order of age, what is beyond its quota is refused.

Every object in the account's namespaces counts, whether it is served or not: so nothing that others do
moves the line, and an object that goes lets the next one in.
"""

from __future__ import annotations

import bisect
from collections.abc import Callable, Iterator, Mapping
from itertools import accumulate
from typing import Final, NamedTuple

from trunkline.api import CredentialList, IpAccessControlList, Number, ObjectRef, Trunk
from trunkline.api.account import Quota
from trunkline.compiler.lines import Line, Lines
from trunkline.compiler.questions import Index, View
from trunkline.compiler.strata import Known, Turn
from trunkline.compiler.tenants import Age, Tenant


class _Counted(NamedTuple):
    """An object as a quota counts it. Sorts by age."""

    age: Age
    size: int
    ref: ObjectRef


class _Resource(NamedTuple):
    """What a quota may limit."""

    kind: str
    field: str
    words: str
    limit: Callable[[Quota], int | None]


_RESOURCES: Final = (
    _Resource(Trunk.kind, "trunks", "trunks", lambda quota: quota.trunks),
    _Resource(Number.kind, "numbers", "telephone numbers", lambda quota: quota.numbers),
    _Resource(
        CredentialList.kind, "credentials", "users of credential lists", lambda quota: quota.credentials
    ),
    _Resource(
        IpAccessControlList.kind,
        "accessEntries",
        "entries of access lists",
        lambda quota: quota.access_entries,
    ),
)
_FEW: Final = frozenset(resource.kind for resource in _RESOURCES) - {Number.kind}


class QuotaStratum:
    """Says of each object that is one too many why it is. Costs nothing for accounts without a quota."""

    kinds = frozenset(resource.kind for resource in _RESOURCES)
    asks = frozenset({Index.TENANT})

    def __init__(self, lines: Lines, view: View) -> None:
        self._lines, self._view = lines, view
        self._few: dict[tuple[str, str], dict[ObjectRef, _Counted]] = {}
        """Kind and namespace -> its objects; Numbers are among the lines."""
        self._tenants: dict[str, Tenant] = {}
        """Namespaces whose account has a quota."""
        self._namespaces: dict[str, set[str]] = {}
        """Account id -> those of its namespaces."""
        self._counted: dict[tuple[str, str], list[_Counted]] = {}
        """Account id and kind -> its objects, sorted; none where there is no limit."""
        self._told: dict[tuple[str, str], frozenset[ObjectRef]] = {}

    def update(self, turn: Turn) -> None:
        for kind in _FEW:
            if kind in turn.objects:
                self._take_few(turn, kind)
        anew = self._take_tenants(turn)
        if not (anew or self._tenants):
            return
        for resource in _RESOURCES:
            if not anew and resource.kind not in turn.objects:
                continue
            touched = set(anew)
            for ref, change in turn.of(resource.kind).items():
                tenant = self._tenants.get(ref.namespace or "")
                if tenant is not None and tenant.id not in anew:
                    self._recount(turn, (tenant.id, resource.kind), change.before, change.now)
                    touched.add(tenant.id)
            over: dict[ObjectRef, str] = {}
            before: set[ObjectRef] = set()
            for account in touched:
                if account in anew:
                    members = self._members(resource.kind, account)
                    self._counted[account, resource.kind] = sorted(members)
                before |= self._told.pop((account, resource.kind), frozenset())
                over.update(self._over(account, resource))
            # An object may pass from one account to another.
            for ref in before - over.keys():
                turn.answers.put((Index.OVER_QUOTA, ref), None)
            for ref, why in over.items():
                turn.answers.put((Index.OVER_QUOTA, ref), why)

    def _take_few(self, turn: Turn, kind: str) -> None:
        for ref, change in turn.of(kind).items():
            few = self._few.setdefault((kind, ref.namespace or ""), {})
            few.pop(ref, None)
            counted = self._measure(turn, change.now)
            if counted is not None:
                few[ref] = counted

    def _measure(self, turn: Turn, thing: Known | None) -> _Counted | None:
        return None if thing is None else turn.judge(thing, _counted, thing)

    def _take_tenants(self, turn: Turn) -> set[str]:
        """Accounts of which namespaces, or the quota, are others than before."""
        anew: set[str] = set()
        for key in turn.answers.changed_keys(Index.TENANT):
            namespace = str(key)
            before, now = self._tenants.pop(namespace, None), self._view.tenant(namespace)
            if before is not None:
                self._namespaces[before.id].discard(namespace)
                anew.add(before.id)
            if now is not None and now.quota is not None:
                self._tenants[namespace] = now
                self._namespaces.setdefault(now.id, set()).add(namespace)
                anew.add(now.id)
        return anew

    def _members(self, kind: str, account: str) -> Iterator[_Counted]:
        for namespace in self._namespaces.get(account, ()):
            if kind == Number.kind:
                yield from map(_of_line, self._lines.of_namespace(namespace))
            else:
                yield from self._few.get((kind, namespace), {}).values()

    def _recount(self, turn: Turn, place: tuple[str, str], before: Known | None, now: Known | None) -> None:
        counted = self._counted.setdefault(place, [])
        for thing, add in ((before, False), (now, True)):
            one = self._measure(turn, thing)
            if one is None:
                continue
            position = bisect.bisect_left(counted, one)
            if add:
                counted.insert(position, one)
            elif position < len(counted) and counted[position] == one:
                del counted[position]

    def _over(self, account: str, resource: _Resource) -> Mapping[ObjectRef, str]:
        """The account's objects that are beyond its quota, and why in words."""
        place = (account, resource.kind)
        limit = self._limit(account, resource)
        if limit is None:
            del self._counted[place]
            return {}
        counted = self._counted[place]
        sums = list(accumulate(one.size for one in counted))
        over = counted[bisect.bisect_right(sums, limit) :]
        if over:
            self._told[place] = frozenset(one.ref for one in over)
        message = (
            f"Account {account} has a quota of {limit} for {resource.words}, and older objects leave too "
            f"little of it for this one: remove some, or ask for a higher quota.{resource.field}"
        )
        return {one.ref: message for one in over}

    def _limit(self, account: str, resource: _Resource) -> int | None:
        for namespace in self._namespaces.get(account, ()):
            quota = self._tenants[namespace].quota
            return None if quota is None else resource.limit(quota)
        return None


def _counted(thing: Known) -> _Counted:
    if isinstance(thing, Line):
        return _of_line(thing)
    size = 1
    if isinstance(thing, CredentialList):
        size = len(thing.spec.credentials)
    elif isinstance(thing, IpAccessControlList):
        size = len(thing.spec.entries)
    metadata = thing.metadata
    age = (metadata.creation_timestamp or "", metadata.namespace or "", metadata.name)
    return _Counted(age, size, thing.ref)


def _of_line(line: Line) -> _Counted:
    return _Counted(line.age, line.size, line.ref)
