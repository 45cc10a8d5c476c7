"""What an update has changed so far, told at its end as one net `Delta`."""

from __future__ import annotations

from typing import Any, Final, Generic, TypeVar

from sipedge.table import CallerIdRow, Row, Section
from trunkline.api import Edge, InvalidObject, ObjectRef
from trunkline.compiler.contribution import Contribution
from trunkline.compiler.delta import Delta, RowChange, RowKey
from trunkline.compiler.facts import Facts
from trunkline.compiler.revocation import revokes
from trunkline.compiler.verdict import Verdict

Key = TypeVar("Key")
Value = TypeVar("Value")


class Net(Generic[Key, Value]):
    """What is left of several changes of the values by key."""

    def __init__(self) -> None:
        self.before: Final[dict[Key, Value]] = {}
        """Without those that had none."""
        self.now: dict[Key, Value | None] = {}

    def change(self, key: Key, before: Value | None, now: Value | None) -> None:
        """None = no value."""
        if before is not None and key not in self.now:
            self.before[key] = before
        self.now[key] = now

    def taken(self) -> dict[Key, Value | None]:
        """The values that are others than before; they are forgotten here."""
        if not self.now:
            return {}
        before = self.before.get
        found = {key: value for key, value in self.now.items() if value != before(key)}
        self.before.clear()
        self.now.clear()
        return found


class RowNet(Net[RowKey, RowChange]):
    """A row may pass from one object to another, and the new one may speak first."""

    def __init__(self) -> None:
        super().__init__()
        self._put: dict[RowKey, tuple[ObjectRef | None, ...]] = {}
        """Whose a row became; where they lose it again, it was not theirs before. Of a row that has only been
        put, once, it is `now` that says so: nearly all rows of a start are such."""

    def put(self, key: RowKey, held: RowChange) -> None:
        if key in self.now:
            self._put[key] = (*self._owners(key), held.owner)
        self.now[key] = held

    def drop(self, key: RowKey, held: RowChange) -> None:
        if key not in self.now:
            self.before[key] = held
            self.now[key] = None
            return
        current, new = self.now[key], self._owners(key)
        if current is not None and current.owner == held.owner:
            self.now[key] = None
        elif key not in self.before and held.owner not in new:
            self.before[key] = held
        self._put[key] = tuple(owner for owner in new if owner != held.owner)

    def replace(self, key: RowKey, before: RowChange, now: RowChange) -> None:
        """Of one object, where its row stays in its place."""
        if key in self.now:
            self.drop(key, before)
            self.put(key, now)
        else:
            self.before[key] = before
            self.now[key] = now

    def _owners(self, key: RowKey) -> tuple[ObjectRef | None, ...]:
        """Whose the row has become, of one that is in `now`."""
        new, now = self._put.get(key), self.now[key]
        if new is not None:
            return new
        return () if now is None else (now.owner,)

    def changes(self) -> dict[RowKey, RowChange]:
        """Each row that is another than before; they are forgotten here."""
        # Nearly all rows of a start are new, and told as they are held.
        found: dict[RowKey, Any] = self.now
        for key in [key for key, held in found.items() if held is None]:
            if key not in self.before:
                del found[key]
        for key, was in self.before.items():
            held = found[key]
            if held == was:
                del found[key]
            else:
                row, owner, account, _ = held or was._replace(row=None)
                found[key] = RowChange(row, owner, account, revokes(key[0], was.row, row))
        self.now = {}
        self.before.clear()
        self._put.clear()
        return found


class Ledger:
    """Keeps what was said of each object but Numbers, whose stratum keeps less. Rows are not kept."""

    def __init__(self) -> None:
        self.rows = RowNet()
        self.own: Net[tuple[str, RowKey], Row] = Net()
        """By edge and key."""
        self.edges: Net[str, Edge] = Net()
        self.account_edges: Net[str, frozenset[str]] = Net()
        self.of_numbers: dict[ObjectRef, tuple[Verdict, ...]] = {}
        """All verdicts of each Number of which one changed."""
        self._facts: Net[ObjectRef, Facts] = Net()
        self._verdicts: Net[ObjectRef, tuple[Verdict, ...]] = Net()
        self._said: dict[ObjectRef, tuple[Verdict, ...]] = {}
        """All verdicts of each object, by type."""
        self._sharers: dict[RowKey, set[ObjectRef | None]] = {}

    def replace(self, ref: ObjectRef, before: Contribution, now: Contribution) -> None:
        """One object's contribution to one topic, where before it was another."""
        if before.verdicts != now.verdicts:
            self.say(ref, before.verdicts, now.verdicts)
        if before.facts != now.facts:
            self._facts.change(ref, before.facts, now.facts)
        if not (before.rows or now.rows):
            return
        for key, row in before.rows.items():
            if now.account != before.account or now.rows.get(key) != row:
                self._drop(key, _held(row, ref, before.account))
        for key, row in now.rows.items():
            if now.account != before.account or before.rows.get(key) != row:
                self._put(key, _held(row, ref, now.account))

    def say(self, ref: ObjectRef, before: tuple[Verdict, ...], now: tuple[Verdict, ...]) -> None:
        """What a topic has to say of an object, where before it said something else; () = nothing."""
        known = self._said.get(ref, ())
        others = [each for each in known if each not in before] if before else [*known]
        said = tuple(sorted((*others, *now), key=_type_of))
        self._verdicts.change(ref, known, said)
        if said:
            self._said[ref] = said
        else:
            self._said.pop(ref, None)

    def delta(self, faults: tuple[InvalidObject, ...]) -> Delta:
        """Everything that changed since the last one."""
        verdicts, self.of_numbers = self.of_numbers, {}
        for ref in [ref for ref, found in verdicts.items() if not found]:
            verdicts[ref] = self._said.get(ref, ())
        for ref, said in self._verdicts.taken().items():
            verdicts.setdefault(ref, said or ())
        own: dict[str, dict[RowKey, RowChange]] = {}
        before = self.own.before.copy()
        for (edge, key), row in self.own.taken().items():
            change = RowChange(row, None, None, revokes(key[0], before.get((edge, key)), row))
            own.setdefault(edge, {})[key] = change
        return Delta(
            shared=self.rows.changes(),
            own=own,
            account_edges=self.account_edges.taken(),
            edges=self.edges.taken(),
            verdicts=verdicts,
            facts=self._facts.taken(),
            faults=faults,
        )

    def _put(self, key: RowKey, held: RowChange) -> None:
        if key[0] is Section.CALLER_ID:
            # The one kind of row that several objects may be of.
            sharers = self._sharers.setdefault(key, set())
            sharers.add(held.owner)
            if len(sharers) > 1:
                return
        self.rows.put(key, held)

    def _drop(self, key: RowKey, held: RowChange) -> None:
        if key[0] is Section.CALLER_ID:
            sharers = self._sharers[key]
            sharers.discard(held.owner)
            if sharers:
                return
            del self._sharers[key]
            held = held._replace(owner=self._told_owner(key, held.owner))
        self.rows.drop(key, held)

    def _told_owner(self, key: RowKey, last: ObjectRef | None) -> ObjectRef | None:
        """Whose the row was told to be in this update, if it was."""
        told = self.rows.now.get(key)
        return last if told is None else told.owner


def _held(row: Row, ref: ObjectRef, account: str | None) -> RowChange:
    """A CallerId may be one of many accounts. What has no name stands for all objects of its kind."""
    return RowChange(row, ref if ref.name else None, row.account if isinstance(row, CallerIdRow) else account)


def _type_of(verdict: Verdict) -> str:
    return verdict.type
