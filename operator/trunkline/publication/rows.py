"""Whose a row is, and which other rows it names. All of it follows from the row and its key."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from sipedge.table import SECTIONS, DomainRow, NumberRow, Row, Section, TrunkRow
from trunkline.api import ObjectRef
from trunkline.compiler.delta import RowKey

LIST: Final = Section.CREDENTIAL
"""In a name of rows: all credentials of the list whose id follows."""

_SHARED: Final = frozenset({Section.SITE, Section.SOURCES, Section.ROUTE})
"""An edge cannot do without these rows; most are made of several objects."""


def owner_of(section: Section, key: str, row: Row) -> ObjectRef | None:
    """The object that the row is made of; None where the row does not say, or several may share it."""
    owners = SECTIONS[section].owners(key, row)
    if section in _SHARED or len(owners) != 1:
        return None
    namespace, slash, name = owners[0].id.partition("/")
    return (
        ObjectRef(owners[0].kind, namespace, name) if slash else ObjectRef(owners[0].kind, None, owners[0].id)
    )


def list_of(key: str) -> str:
    """The id of the credential list that a row of section `credential` belongs to. No id has a bar in it."""
    return key.partition("|")[0]


def named_rows(row: Row) -> Iterator[RowKey]:
    """The rows that must be there before, or together with, this one."""
    match row:
        case NumberRow() if row.trunk is not None:
            yield Section.TRUNK, row.trunk
        case DomainRow():
            yield Section.TRUNK, row.trunk
        case TrunkRow():
            for each in row.credential_lists or ():
                yield LIST, each
