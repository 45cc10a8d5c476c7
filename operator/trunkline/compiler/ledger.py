"""What an update has changed so far, told at its end as one net `Delta`."""

from __future__ import annotations

from typing import Final, Generic, NamedTuple, TypeVar

from sipedge.table import CallerIdRow, Row, Section
from trunkline.api import Edge, InvalidObject, ObjectRef
from trunkline.compiler.contribution import Contribution
from trunkline.compiler.delta import Delta, RowChange, RowKey
from trunkline.compiler.facts import Facts
from trunkline.compiler.revocation import revokes
from trunkline.compiler.verdict import Verdict

Key = TypeVar("Key")
Value = TypeVar("Value")


class Held(NamedTuple):
    """A row, the object that it is of, and the account to whose edges it goes."""

    row: Row
    owner: ObjectRef
    """One without a name stands for all of its kind."""
    account: str | None


class Net(Generic[Key, Value]):
    """What is left of several changes of the values by key."""

    def __init__(self) -> None:
        self.before: Final[dict[Key, Value | None]] = {}
        self.now: Final[dict[Key, Value | None]] = {}

    def change(self, key: Key, before: Value | None, now: Value | None) -> None:
        """None = no value."""
        self.before.setdefault(key, before)
        self.now[key] = now

    def taken(self) -> dict[Key, Value | None]:
        """The values that are others than before; they are forgotten here."""
        if not self.now:
            return {}
        found = {key: value for key, value in self.now.items() if value != self.before[key]}
        self.before.clear()
        self.now.clear()
        return found


class RowNet(Net[RowKey, Held]):
    """A row may pass from one object to another, and the new one may speak first."""

    def __init__(self) -> None:
        super().__init__()
        self._put: dict[RowKey, tuple[ObjectRef, ...]] = {}
        """Whose a row became; where they lose it again, it was not theirs before."""

    def put(self, key: RowKey, held: Held) -> None:
        self.change(key, None, held)
        new = self._put.get(key)
        self._put[key] = (held.owner,) if new is None else (*new, held.owner)

    def drop(self, key: RowKey, held: Held) -> None:
        current, new = self.now.get(key), self._put.get(key, ())
        if key not in self.now:
            self.change(key, held, None)
        elif current is not None and current.owner == held.owner:
            self.now[key] = None
        elif self.before[key] is None and held.owner not in new:
            self.before[key] = held
        if new:
            self._put[key] = tuple(owner for owner in new if owner != held.owner)

    def taken(self) -> dict[RowKey, Held | None]:
        self._put.clear()
        return super().taken()

    def changes(self) -> dict[RowKey, RowChange]:
        """Each row that is another than before."""
        found: dict[RowKey, RowChange] = {}
        before = {key: was for key, was in self.before.items() if was is not None}
        for key, held in self.taken().items():
            was = before.get(key)
            old = None if was is None else was.row
            last = held or was
            assert last is not None  # noqa: S101 - of two None nothing has changed
            row = None if held is None else held.row
            owner = last.owner if last.owner.name else None
            taken_away = old is not None and revokes(key[0], old, row)
            found[key] = RowChange(row, owner, last.account, taken_away)
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
        self._sharers: dict[RowKey, set[ObjectRef]] = {}

    def replace(self, ref: ObjectRef, before: Contribution, now: Contribution) -> None:
        """One object's contribution to one topic, where before it was another."""
        if before.verdicts != now.verdicts:
            self.say(ref, before.verdicts, now.verdicts)
        if before.facts != now.facts:
            self._facts.change(ref, before.facts, now.facts)
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
        verdicts = {ref: found or () for ref, found in self._verdicts.taken().items()}
        for ref, found in self.of_numbers.items():
            verdicts[ref] = found or self._said.get(ref, ())
        self.of_numbers = {}
        own: dict[str, dict[RowKey, RowChange]] = {}
        before = dict(self.own.before)
        for (edge, key), row in self.own.taken().items():
            change = RowChange(row, None, None, revokes(key[0], before[edge, key], row))
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

    def _put(self, key: RowKey, held: Held) -> None:
        if key[0] is Section.CALLER_ID:
            # The one kind of row that several objects may be of.
            sharers = self._sharers.setdefault(key, set())
            sharers.add(held.owner)
            if len(sharers) > 1:
                return
        self.rows.put(key, held)

    def _drop(self, key: RowKey, held: Held) -> None:
        if key[0] is Section.CALLER_ID:
            sharers = self._sharers[key]
            sharers.discard(held.owner)
            if sharers:
                return
            del self._sharers[key]
            held = held._replace(owner=self._told_owner(key, held.owner))
        self.rows.drop(key, held)

    def _told_owner(self, key: RowKey, last: ObjectRef) -> ObjectRef:
        """Whose the row was told to be in this update, if it was."""
        told = self.rows.now.get(key)
        return last if told is None else told.owner


def _held(row: Row, ref: ObjectRef, account: str | None) -> Held:
    """A CallerId may be one of many accounts."""
    return Held(row, ref, row.account if isinstance(row, CallerIdRow) else account)


def _type_of(verdict: Verdict) -> str:
    return verdict.type
