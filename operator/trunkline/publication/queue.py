"""What should be published now, and what waits: changes of rows go in, whole revisions come out.

Without a socket, a file or a clock. A shell calls `take` for each delta, and for each publication `advance`,
makes what is published equal to the revision that it gives, parts first, and asks `last_row` what became of
the objects. It may be stopped anywhere: what it did not write is found by comparing again.

The first publication holds everything: which rows an earlier process had published is not known.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from functools import partial
from typing import Final

from sipedge.fault import describe_fault
from sipedge.table import Row, Section
from sipedge.table.codec import unpack_row
from trunkline.api import ObjectRef
from trunkline.compiler.delta import Delta, RowKey
from trunkline.publication import plan, room
from trunkline.publication.groups import Groups, edge_too_old
from trunkline.publication.heads import Heads
from trunkline.publication.left_out import LeftOut, in_no_table
from trunkline.publication.objects import Objects
from trunkline.publication.own import OwnRows
from trunkline.publication.packer import PartKey, section_of
from trunkline.publication.revision import Revision
from trunkline.publication.stored import Stored, StoredRow, is_storable, packed_row, place_in
from trunkline.publication.waiting import Waiting, WaitingRow
from trunkline.status.conditions import Opinion

_NEVER_WAIT: Final = frozenset({Section.ACCOUNT, Section.CARRIER, Section.SOURCES})
"""Rows of the platform, beside those of one edge: few, and those that name one another stay together."""


class Queue:
    """The rows of one place."""

    def __init__(self, bound: int = room.LARGEST_PART, most: int = plan.MOST_PARTS) -> None:
        """`bound`: bytes of a part. `most`: parts that one publication writes."""
        self._bound, self._most = bound, most
        self._stored = Stored()
        self._waiting = Waiting()
        self._groups = Groups()
        self._own = OwnRows()
        self._heads = Heads()
        self._objects = Objects()
        self._left_out = LeftOut()
        self._has_begun = False

    # --------------------------------------------------------------------------------------- changes

    def take(self, delta: Delta) -> None:
        """Take in what a compilation has changed. Nothing that was given to a shell changes by it."""
        if delta.account_edges:
            merged = {**self._groups.account_edges, **delta.account_edges}
            known = {account: edges for account, edges in merged.items() if edges is not None}
            self._regroup(replace(self._groups, account_edges=known))
        for edge, served in delta.edges.items():
            if served is not None:
                self._own.serve(edge)
        for edge, own in delta.own.items():
            self._own.take(edge, own)
        self._own.gone(edge for edge, served in delta.edges.items() if served is None)
        for key, change in delta.shared.items():
            if change.row is not None and change.owner is not None:
                # A row that goes may be one of the account that had the namespace before.
                self._stored.learn_account(change.owner.namespace, change.account)
            self._await(key, change.row, change.owner, self._groups.of(change.account), change.revokes)

    def set_schemas(self, schemas: Mapping[str, int]) -> None:
        """The schema in which the table of each edge is written; the newest for those not named."""
        if schemas != self._groups.schemas:
            self._regroup(replace(self._groups, schemas=dict(schemas)))

    def _regroup(self, groups: Groups) -> None:
        """Rows that belong elsewhere now move at once: somebody should not have them any more."""
        before, self._groups = self._groups, groups
        accounts = {*before.account_edges, *groups.account_edges}
        moving = {account for account in accounts if before.of(account) != groups.of(account)}
        if not moving:
            return
        for key, stored in self._stored.of_accounts(moving):
            if key not in self._waiting:
                account = self._stored.account(key, stored)
                self._await(key, stored, self._stored.owner(key, stored), groups.of(account), is_urgent=True)
        for key in tuple(self._waiting):
            each = self._waiting.get(key)
            if each is None or each.row is None:
                continue  # it goes, wherever it is
            if (account := self._stored.account(key, each.row)) in moving:
                self._await(key, each.row, each.owner, groups.of(account), each.is_urgent)
        for key, left, owner in tuple(self._left_out.rows()):
            row = unpack_row(key[0], left.packed)
            if (account := self._stored.account(key, row)) in moving:
                self._await(key, row, owner, groups.of(account), is_urgent=True)

    def _await(
        self, key: RowKey, row: Row | None, owner: ObjectRef | None, group: str, is_urgent: bool
    ) -> None:
        """`key` is to become `row`, unless it is that already."""
        owner = owner or self._stored.owner(key, row)
        self._left_out.forget(key)
        try:
            packed = packed_row(key, row)
        except Exception as error:
            # A row that has no bytes is nowhere, and costs its own object alone.
            self._left_out.refuse(key, owner, describe_fault(error))
            row = packed = None
        if not is_storable(key):
            return
        stored, older = self._stored.get(key), self._waiting.get(key)
        here, there = self._stored.place(key), place_in(key, group)
        if packed == stored and (packed is None or here == there):
            self._forget(key)
            return
        moves = stored is not None and packed is not None and here != there
        before = None if stored is None else unpack_row(key[0], stored)
        waiting = WaitingRow(
            row,
            before,
            packed,
            owner or self._stored.owner(key, before),
            group,
            (here, there) if moves else (here if packed is None else there,),
            is_urgent or moves or key[0] in _NEVER_WAIT or (older is not None and older.is_urgent),
        )
        self._waiting.add(key, waiting)
        self._objects.waits(waiting.owner, group)
        if older is not None:
            self._objects.goes(older.owner)

    def _forget(self, key: RowKey) -> WaitingRow | None:
        row = self._waiting.remove(key)
        if row is not None:
            self._objects.goes(row.owner)
        return row

    # --------------------------------------------------------------------------------- a publication

    def advance(self, unwritten: Collection[PartKey] = ()) -> Revision:
        """Choose what the next publication holds, and tell what should be published then.

        `unwritten`: parts of the revision before that are not published yet.
        """
        if self._has_begun:
            choice = plan.choose(self._waiting, unwritten, self._most)
            self._waiting.served(choice.served)
            keys = [key for key in self._waiting if key in choice.rows]
        else:
            keys = list(self._waiting)
        self._has_begun = True
        for key in keys:
            row = self._forget(key)
            if row is None or row.packed is None:
                self._stored.remove(key)
            else:
                self._stored.put(key, StoredRow(row.packed, row.group, row.owner))
        self._own.put_into(self._stored.packer)
        too_large = self._make_room()
        self._objects.advanced()
        edges = tuple(self._own.edges)
        return Revision(
            dict(self._stored.packer.digests()),
            self._heads.of(self._stored.packer, edges, self._groups),
            too_large,
        )

    def data(self, part: PartKey) -> bytes:
        """The bytes of a part of the last revision."""
        return self._stored.packer.data(part)

    def rows(self, part: PartKey) -> Mapping[bytes, bytes]:
        """The packed rows of a part of the last revision."""
        return self._stored.packer.rows(part)

    def forget_bytes(self) -> None:
        """All of the last revision is published."""
        self._stored.packer.forget_bytes()

    def _make_room(self) -> Mapping[PartKey, int]:
        """Leave objects out of parts that are too large. Those that are too large still, and their bytes."""
        stored, too_large = self._stored, dict[PartKey, int]()
        for part in stored.packer.stale:
            for key, row in self._left_out.readmit(part):
                stored.put(key, row)
        for part in stored.packer.stale:
            if stored.packer.size(part) <= self._bound:
                continue  # it can only get smaller
            rows = stored.packer.rows(part)
            whose = partial(stored.owner_in, part)
            for ref in room.left_out(section_of(part), rows, whose, self._bound):
                gone = stored.of_object(ref, part)
                self._left_out.leave(ref, part, gone)
                for key, _ in gone:
                    stored.remove(key)
            if stored.packer.size(part) and (size := len(stored.packer.data(part))) > self._bound:
                too_large[part] = size
        return too_large

    # --------------------------------------------------------------------------------- what is told

    @property
    def waiting(self) -> int:
        """How many rows wait for a later publication."""
        return len(self._waiting)

    @property
    def edges(self) -> Iterable[str]:
        """The edges that have a table."""
        return self._own.known

    @property
    def faults(self) -> Mapping[str, str]:
        """Edge to why its newest table cannot be made."""
        return self._own.faults

    @property
    def left_out(self) -> Mapping[ObjectRef, str]:
        """Objects for which there is no room, and what to do about it."""
        return self._left_out.without_room

    @property
    def opinions(self) -> Mapping[ObjectRef, tuple[Opinion, ...]]:
        """Conditions that only the publication knows, beside `left_out`."""
        return {**edge_too_old(self._groups.held_by_all()), **in_no_table({}, self._left_out.unfit)}

    def last_row(self, sequences: Mapping[str, int]) -> Mapping[ObjectRef, Mapping[str, int]]:
        """Object to edge to sequence, of objects that had to wait. To be asked once after each publication.

        `sequences` has what contains the last revision, published or still to be.
        """
        members = self._groups.members()
        return self._objects.last_row(sequences, lambda group: members.get(group, ()) if group else sequences)
