"""The rows that are published, or are being published: where each is, and whose it is."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import NamedTuple

from sipedge.table import AccountRow, CallerIdRow, DomainRow, NumberRow, Row, Section, TrunkRow
from sipedge.table.codec import pack_row, unpack_row
from sipedge.table.publication import OWN_SECTIONS, group_of_part
from trunkline.api import ObjectRef
from trunkline.compiler.delta import RowKey
from trunkline.publication.packer import Packer, PartKey, part_of_row, section_of
from trunkline.publication.rows import owner_of


class StoredRow(NamedTuple):
    """One row, and where it belongs."""

    packed: bytes
    group: str
    owner: ObjectRef | None


class Stored:
    """A packer's rows by their keys. What a row says itself is not remembered of it."""

    def __init__(self) -> None:
        self.packer = Packer()
        self._group_of: dict[RowKey, str] = {}
        """Of rows that are not in the parts of all edges."""
        self._told_owner: dict[RowKey, ObjectRef] = {}
        """Of rows that do not say whose they are."""
        self._account_of: dict[str, str] = {}
        """By namespace."""

    def place(self, key: RowKey) -> PartKey:
        """The part where a row is, or would be if it came to all edges."""
        return place_in(key, self._group_of.get(key, ""))

    def get(self, key: RowKey) -> bytes | None:
        """The packed row."""
        return self.packer.get(self.place(key), raw_key(key))

    def put(self, key: RowKey, row: StoredRow) -> None:
        """The row is now this."""
        if self._group_of.get(key, "") != row.group:
            self.remove(key)
        if row.group:
            self._group_of[key] = row.group
        self.packer.put(self.place(key), raw_key(key), row.packed)
        self._told_owner.pop(key, None)
        if row.owner is not None and row.owner != owner_of(*key, unpack_row(key[0], row.packed)):
            self._told_owner[key] = row.owner

    def remove(self, key: RowKey) -> None:
        """The row is gone."""
        self.packer.put(self.place(key), raw_key(key), None)
        self._group_of.pop(key, None)
        self._told_owner.pop(key, None)

    def owner(self, key: RowKey, row: Row | None) -> ObjectRef | None:
        """Whose a row is, as far as it says so, or as it was told."""
        told = self._told_owner.get(key)
        return told if told is not None or row is None else owner_of(*key, row)

    def learn_account(self, namespace: str | None, account: str | None) -> None:
        """Objects of this namespace are of this account."""
        if namespace and account is not None:
            self._account_of[namespace] = account

    def account(self, key: RowKey, row: Row) -> str | None:
        """The account that a row belongs to; None = to the platform."""
        match row:
            case NumberRow() | TrunkRow() | CallerIdRow():
                return row.account
            case AccountRow():
                return row.id
            case DomainRow():
                return self._account_of.get(row.trunk.partition("/")[0])
        return self._account_of.get(key[1].partition("/")[0]) if key[0] is Section.CREDENTIAL else None

    def of_accounts(self, accounts: Collection[str]) -> Iterator[tuple[RowKey, Row]]:
        """Every row of these accounts. Looks at all rows."""
        for part in tuple(self.packer):
            for key, row in tuple(self._rows(part)):
                if self.account(key, row) in accounts:
                    yield key, row

    def of_object(self, ref: ObjectRef, part: PartKey) -> list[tuple[RowKey, StoredRow]]:
        """Every row of an object that has one in `part`."""
        sections = {Section.TRUNK, Section.DOMAIN} if ref.kind == "Trunk" else {section_of(part)}
        return [
            (key, StoredRow(pack_row(row), group_of_part(each[1]), ref))
            for each in tuple(self.packer)
            if section_of(each) in sections
            for key, row in self._rows(each)
            if self.owner(key, row) == ref
        ]

    def owner_in(self, part: PartKey, raw: bytes, packed: bytes) -> ObjectRef | None:
        """Whose a row of `part` is."""
        section = section_of(part)
        return self.owner((section, raw.decode()), unpack_row(section, packed))

    def _rows(self, part: PartKey) -> Iterator[tuple[RowKey, Row]]:
        section = section_of(part)
        if section not in OWN_SECTIONS:
            for raw, packed in self.packer.rows(part).items():
                yield (section, raw.decode()), unpack_row(section, packed)


def raw_key(key: RowKey) -> bytes:
    """The key as it stands in a part."""
    return key[1].encode()


def place_in(key: RowKey, group: str) -> PartKey:
    """The part of a group where a row would be; "" = that of all edges."""
    return part_of_row(key[0], raw_key(key), group=group)


def is_storable(key: RowKey) -> bool:
    """False for a key that has no bytes."""
    try:
        raw_key(key)
    except UnicodeEncodeError:
        return False
    return True


def packed_row(key: RowKey, row: Row | None) -> bytes | None:
    """The bytes of a row. Raises whatever is raised for one that has none, or no bytes in its key."""
    raw_key(key)
    return None if row is None else pack_row(row)
