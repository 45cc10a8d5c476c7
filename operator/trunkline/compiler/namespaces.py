"""Which account each namespace belongs to: one that several Accounts list goes to the oldest."""

from __future__ import annotations

import bisect
from collections import Counter
from collections.abc import Mapping

from sipedge.table import Section
from trunkline.api import (
    Account,
    CredentialList,
    IpAccessControlList,
    Number,
    ObjectRef,
    OriginationUri,
    Trunk,
)
from trunkline.api.header_manipulation_policy import HeaderManipulationPolicy
from trunkline.compiler.delta import RowChange, RowKey
from trunkline.compiler.questions import THE_ONE, Index, View
from trunkline.compiler.strata import Change, Turn
from trunkline.compiler.tenants import DEFAULT_ACCOUNT, DEFAULT_REF, OPEN_ACCOUNT, Age, Settled

_CLAIMING = (Trunk.kind, Number.kind)
_INHABITING = (
    *_CLAIMING,
    OriginationUri.kind,
    CredentialList.kind,
    IpAccessControlList.kind,
    HeaderManipulationPolicy.kind,
)


def _growth(changes: Mapping[ObjectRef, Change]) -> dict[str, int]:
    """How many more objects there are in each namespace than before."""
    found: dict[str, int] = {}
    for ref, (before, now) in changes.items():
        if (before is None) != (now is None):
            namespace = ref.namespace or ""
            found[namespace] = found.get(namespace, 0) + (1 if before is None else -1)
    return found


class NamespaceStratum:
    """Answers for a namespace who holds it; tells the rows of accounts.

    Account `default` covers every namespace that no other names, each as an account of its own, which has a
    row as long as the namespace has a Trunk or a Number.
    """

    kinds = frozenset({Account.kind, *_INHABITING})
    asks = frozenset({Index.PLATFORM, Index.SETTLED})

    def __init__(self, view: View) -> None:
        self._view = view
        self._claimants: dict[str, list[tuple[Age, str]]] = {}
        self._settled: dict[str, Settled] = {}
        self._closed: dict[ObjectRef, frozenset[str]] = {}
        """Namespaces of Accounts at fault: no Account `default` may open them meanwhile."""
        self._inhabitants: Counter[str] = Counter()
        self._claiming: Counter[str] = Counter()
        self._counters = {kind: [self._inhabitants] for kind in _INHABITING}
        for kind in _CLAIMING:
            self._counters[kind].append(self._claiming)
        self._told: dict[str, Settled] = {}
        """By account id."""
        self._ids: dict[str, str] = {}
        """The account id that a namespace has under Account `default`."""

    def update(self, turn: Turn) -> None:
        touched = self._count(turn)
        if turn.invalid:
            touched |= self._take_closed(turn)
        if not (touched or turn.invalid) and self.asks.isdisjoint(turn.answers.changed_words):
            return
        everywhere = turn.answers.has_changed(Index.PLATFORM) or DEFAULT_REF in turn.invalid
        for name in turn.answers.changed_keys(Index.SETTLED):
            touched |= self._take_settled(turn, str(name))
            everywhere = everywhere or name == DEFAULT_ACCOUNT
        if everywhere:
            touched |= {*self._inhabitants, *self._claimants, *self._ids}
        default = self._default()
        for namespace in touched:
            self._answer(turn, namespace, default)
        if everywhere or touched:
            ids = None if default is None else tuple(sorted(self._ids.values()))
            turn.answers.put((Index.ACCOUNT_IDS, DEFAULT_ACCOUNT), ids)
        lax = {id: each.tenant.edges for id, each in self._told.items() if each.row.allow_deprecated_tls}
        turn.answers.put((Index.DEPRECATED_TLS, THE_ONE), frozenset(lax.items()))

    def _count(self, turn: Turn) -> set[str]:
        """Count who lives where. Gives namespaces that became, or ceased to be, inhabited or claiming."""
        touched: set[str] = set()
        for kind, changes in turn.objects.items():
            counters = self._counters.get(kind, ())
            for namespace, more in _growth(changes).items() if counters else ():
                for counter in counters:
                    was = counter[namespace]
                    counter[namespace] += more
                    if not counter[namespace]:
                        del counter[namespace]
                    if (was == 0) != (was + more == 0):
                        touched.add(namespace)
        return touched

    def _take_closed(self, turn: Turn) -> set[str]:
        touched: set[str] = set()
        for ref, invalid in turn.invalid.items():
            if ref.kind == Account.kind:
                touched |= self._closed.pop(ref, frozenset())
                if invalid is not None and invalid.is_internal:
                    self._closed[ref] = invalid.namespaces
                    touched |= invalid.namespaces
        return touched

    def _take_settled(self, turn: Turn, name: str) -> set[str]:
        """Put the claims of one Account in the place of those that it had."""
        before, now = self._settled.pop(name, None), self._view.settled(name)
        touched: set[str] = set()
        for namespace in before.namespaces if before is not None else ():
            claimants = self._claimants[namespace]
            claimants.remove((before.age, name))  # type: ignore[union-attr]
            if not claimants:
                del self._claimants[namespace]
            touched.add(namespace)
        if now is not None:
            self._settled[name] = now
            for namespace in now.namespaces:
                bisect.insort(self._claimants.setdefault(namespace, []), (now.age, name))
                touched.add(namespace)
        if name != DEFAULT_ACCOUNT:
            self._tell(turn, name, now)
            turn.answers.put((Index.ACCOUNT_IDS, name), None if now is None else (name,))
        return touched

    def _default(self) -> Settled | None:
        """What covers the namespaces that no Account lists."""
        if DEFAULT_ACCOUNT in self._settled:
            return self._settled[DEFAULT_ACCOUNT]
        return (
            OPEN_ACCOUNT if self._view.platform().open_account and DEFAULT_REF not in self._closed else None
        )

    def _answer(self, turn: Turn, namespace: str, default: Settled | None) -> None:
        claimants = self._claimants.get(namespace)
        name = claimants[0][1] if claimants else None
        turn.answers.put((Index.HOLDER, namespace), name)
        covered: Settled | None = None
        if name is not None and name != DEFAULT_ACCOUNT:
            tenant = self._settled[name].tenant
        else:
            closed = name is None and any(namespace in each for each in self._closed.values())
            if default is not None and not closed and namespace in self._inhabitants:
                covered = default.of_namespace(self._view.platform().base_domain, namespace)
            tenant = None if covered is None else covered.tenant  # type: ignore[assignment]
        turn.answers.put((Index.TENANT, namespace), tenant)
        id = f"{DEFAULT_ACCOUNT}/{namespace}"
        claiming = covered if namespace in self._claiming else None
        self._tell(turn, id, claiming)
        if claiming is None:
            self._ids.pop(namespace, None)
        else:
            self._ids[namespace] = id

    def _tell(self, turn: Turn, id: str, now: Settled | None) -> None:
        """The row of an account, and which edges serve it."""
        before = self._told.pop(id, None)
        if now is not None:
            self._told[id] = now
        if before == now:
            return
        key: RowKey = (Section.ACCOUNT, id)
        if before is not None:
            turn.ledger.rows.drop(key, RowChange(before.row, before.ref, id))
        if now is not None:
            turn.ledger.rows.put(key, RowChange(now.row, now.ref, id))
        edges = None if before is None else before.tenant.edges
        turn.ledger.account_edges.change(id, edges, None if now is None else now.tenant.edges)
