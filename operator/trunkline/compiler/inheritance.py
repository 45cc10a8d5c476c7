"""What an Account has from the accounts above it: what may be called, and what may not."""

from __future__ import annotations

from dataclasses import replace

from sipedge.table.dialing import DialingRow
from trunkline.compiler.questions import Index, View
from trunkline.compiler.strata import Turn
from trunkline.compiler.tenants import Settled


class InheritanceStratum:
    """Completes what Accounts say of themselves by what those above them say."""

    kinds: frozenset[str] = frozenset()
    asks = frozenset({Index.OWN})

    def __init__(self, view: View) -> None:
        self._view = view
        self._children: dict[str, set[str]] = {}
        """Parent to the Accounts that name it, be there such a parent or not."""
        self._parents: dict[str, str] = {}

    def update(self, turn: Turn) -> None:
        changed = {str(name) for name in turn.answers.changed_keys(Index.OWN)}
        for name in changed:
            self._place(name)
        for name in self._below(changed):
            own = self._view.own(name)
            settled = None if own is None else turn.judge(own, self._inherited, own)
            turn.answers.put((Index.SETTLED, name), settled)

    def _place(self, name: str) -> None:
        """Where the Account stands now."""
        before = self._parents.pop(name, None)
        if before is not None:
            self._children[before].discard(name)
            if not self._children[before]:
                del self._children[before]
        own = self._view.own(name)
        if own is not None and own.tenant.parent is not None:
            self._parents[name] = own.tenant.parent
            self._children.setdefault(own.tenant.parent, set()).add(name)

    def _below(self, names: set[str]) -> list[str]:
        """These and all below them; sorted, so that the order of changes decides nothing."""
        found, waiting = set(names), list(names)
        while waiting:
            fresh = self._children.get(waiting.pop(), set()) - found
            found |= fresh
            waiting += fresh
        return sorted(found)

    def _inherited(self, own: Settled) -> Settled:
        """Its own permissions, else the nearest above; blocked prefixes of all. What cannot be found out
        permits nothing: a parent that is missing, or a circle without a word on it."""
        dialing, blocked = own.row.dialing, own.row.blocked
        passed, parent = [own.ref.name], own.tenant.parent
        circle: tuple[str, ...] = ()
        while parent is not None:
            above = self._view.own(parent)
            if above is None or parent in passed:
                circle = () if above is None else (*passed, parent)
                dialing = dialing or DialingRow(own.ref.name, (), ())
                break
            dialing = dialing or above.row.dialing
            blocked += above.row.blocked
            passed.append(parent)
            parent = above.tenant.parent
        if (dialing, blocked, circle) == (own.row.dialing, own.row.blocked, ()):
            return own
        return replace(own, row=replace(own.row, dialing=dialing, blocked=blocked), circle=circle)
