"""The rows that wait to be published, and what binds them to one another.

- A row goes with or after the rows that it names: a number after its trunk, a trunk after its lists.
- A domain goes with the trunk that has it, and with the one that had it.
- What holds a number is never gone before what holds it next: a range is split, joined or moved in one step,
  and a trunk goes after its numbers. Where it goes at once, they go with it: something else has them next.
"""

from __future__ import annotations

import bisect
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from sipedge.e164 import range_key
from sipedge.table import DomainRow, NumberRow, Row, Section
from trunkline.api import ObjectRef
from trunkline.compiler.delta import RowKey
from trunkline.publication.packer import PartKey
from trunkline.publication.rows import LIST, list_of, named_rows

_CLAIMS: Final = frozenset({Section.NUMBER, Section.RANGE})
_Entry = tuple[dict[Any, dict[RowKey, None]], Any]
"""An index, and what a row stands under in it."""
_Interval = tuple[bytes, bytes]
"""First and last number, as range keys."""


@dataclass(frozen=True, slots=True)
class WaitingRow:
    """One change that is not published yet."""

    row: Row | None
    """None = the row goes."""
    before: Row | None
    """As it is published; None = it is not there."""
    packed: bytes | None
    owner: ObjectRef | None
    group: str
    """Where it belongs; "" = to all edges."""
    parts: tuple[PartKey, ...]
    """Those that must be written: where it is, and where it belongs."""
    is_urgent: bool

    @property
    def namespace(self) -> str:
        """Whose turn it takes; "" = the platform's."""
        return (self.owner.namespace or "") if self.owner else ""


class Waiting:
    """All of them, in the order in which they were seen."""

    def __init__(self) -> None:
        self._rows: dict[RowKey, WaitingRow] = {}
        self._turns: dict[str, dict[RowKey, None]] = {}
        self._of_part: dict[PartKey, dict[RowKey, None]] = {}
        self._of_list: dict[str, dict[RowKey, None]] = {}
        self._domains: dict[str, dict[RowKey, None]] = {}
        self._leaving: dict[str, dict[RowKey, None]] = {}
        self._urgent: dict[RowKey, None] = {}
        self._ranges: dict[RowKey, None] = {}
        self._claims: _Claims | None = None

    def __len__(self) -> int:
        return len(self._rows)

    def __contains__(self, key: object) -> bool:
        return key in self._rows

    def __iter__(self) -> Iterator[RowKey]:
        return iter(self._rows)

    def get(self, key: RowKey) -> WaitingRow | None:
        """The change of this row, if it waits."""
        return self._rows.get(key)

    @property
    def urgent(self) -> Iterable[RowKey]:
        """Those that never wait for their turn."""
        return self._urgent

    @property
    def turns(self) -> Mapping[str, Mapping[RowKey, None]]:
        """Namespace to its rows, the oldest first; the namespace that was served longest ago comes first."""
        return self._turns

    def of_part(self, part: PartKey) -> Iterable[RowKey]:
        """Those that a publication of this part may hold."""
        return self._of_part.get(part, ())

    def add(self, key: RowKey, row: WaitingRow) -> None:
        """`key` waits; in the place of an older change of it, if one waited."""
        older = self._rows.get(key)
        self._rows[key] = row
        stands = set[tuple[int, Any]]()
        for index, name in self._entries(key, row):
            # Where it stands already it keeps its turn.
            index.setdefault(name, {}).setdefault(key)
            stands.add((id(index), name))
        if older is not None:
            entries = self._entries(key, older)
            self._leave(key, [each for each in entries if (id(each[0]), each[1]) not in stands])
        if row.is_urgent:
            self._urgent[key] = None
        if key[0] is Section.RANGE:
            self._ranges[key] = None
        self._claims = None

    def remove(self, key: RowKey) -> WaitingRow | None:
        """`key` waits no more."""
        row = self._rows.pop(key, None)
        if row is not None:
            self._leave(key, self._entries(key, row))
            self._urgent.pop(key, None)
            self._ranges.pop(key, None)
            self._claims = None
        return row

    def served(self, namespaces: Iterable[str]) -> None:
        """These have had their turn: others come first now."""
        for namespace in namespaces:
            if (rows := self._turns.pop(namespace, None)) is not None:
                self._turns[namespace] = rows

    # ------------------------------------------------------------------------- what binds one to another

    def bound_to(self, key: RowKey) -> Iterator[RowKey]:
        """Waiting rows that must be published before this one, or together with it."""
        row = self._rows[key]
        if row.row is not None:
            for section, name in named_rows(row.row):
                if section is LIST:
                    yield from self._of_list.get(name, ())
                elif (section, name) in self._rows:
                    yield section, name
        if key[0] is Section.TRUNK:
            yield from self._domains.get(key[1], ())
        elif key[0] is Section.DOMAIN:
            yield from (each for each in map(_trunk_key, _trunks(row)) if each in self._rows)
        elif key[0] in _CLAIMS and self._ranges:
            yield from self._claims_bound_to(key, row)

    def to_go_before(self, key: RowKey) -> Iterable[RowKey]:
        """Waiting rows that should be published before this one: numbers that leave a trunk that goes."""
        row = self._rows[key]
        return self._leaving.get(key[1], ()) if key[0] is Section.TRUNK and row.row is None else ()

    def _claims_bound_to(self, key: RowKey, row: WaitingRow) -> Iterator[RowKey]:
        if self._claims is None:
            self._claims = _Claims(self._rows)
        old, new = _interval(row.before), _interval(row.row)
        if old is not None and old != new:
            # Whoever holds these numbers next.
            yield from self._claims.gained(old)
        if new is not None and new != old and key[0] is Section.RANGE:
            # Ranges must not overlap in a table; a single number wins over a range.
            yield from self._claims.lost(new)

    @staticmethod
    def _leave(key: RowKey, entries: Iterable[_Entry]) -> None:
        for index, name in entries:
            keys = index[name]
            del keys[key]
            if not keys:
                del index[name]

    def _entries(self, key: RowKey, row: WaitingRow) -> Iterator[_Entry]:
        """Where `key` stands: index and entry."""
        yield self._turns, row.namespace
        for part in row.parts:
            yield self._of_part, part
        if key[0] is Section.CREDENTIAL and row.row is not None:
            yield self._of_list, list_of(key[1])
        if key[0] is Section.DOMAIN:
            for trunk in _trunks(row):
                yield self._domains, trunk
        if (left := _left_trunk(row)) is not None:
            yield self._leaving, left


class _Claims:
    """The intervals of numbers that waiting rows gain or lose, each kind without overlap."""

    def __init__(self, rows: Mapping[RowKey, WaitingRow]) -> None:
        moves = [
            (key, _interval(row.before), _interval(row.row)) for key, row in rows.items() if key[0] in _CLAIMS
        ]
        self._gained = {
            section: sorted((new, key) for key, old, new in moves if key[0] is section and new and new != old)
            for section in _CLAIMS
        }
        self._lost = sorted(
            (old, key) for key, old, new in moves if key[0] is Section.RANGE and old and new != old
        )

    def gained(self, interval: _Interval) -> Iterator[RowKey]:
        """Rows that will hold a number of this interval, and do not yet."""
        for claims in self._gained.values():
            yield from _overlapping(claims, interval)

    def lost(self, interval: _Interval) -> Iterator[RowKey]:
        """Ranges that hold a number of this interval, and will not."""
        yield from _overlapping(self._lost, interval)


def _overlapping(claims: list[tuple[_Interval, RowKey]], interval: _Interval) -> Iterator[RowKey]:
    position = max(0, bisect.bisect_left(claims, interval[0], key=lambda claim: claim[0][0]) - 1)
    for (first, last), key in claims[position:]:
        if first > interval[1]:
            return
        if last >= interval[0]:
            yield key


def _interval(row: Row | None) -> _Interval | None:
    return (range_key(row.first), range_key(row.last)) if isinstance(row, NumberRow) else None


def _trunks(row: WaitingRow) -> frozenset[str]:
    return frozenset(each.trunk for each in (row.row, row.before) if isinstance(each, DomainRow))


def _trunk_key(trunk: str) -> RowKey:
    return Section.TRUNK, trunk


def _left_trunk(row: WaitingRow) -> str | None:
    """The trunk that a number goes from."""
    old = row.before.trunk if isinstance(row.before, NumberRow) else None
    new = row.row.trunk if isinstance(row.row, NumberRow) else None
    return old if old != new else None
