"""Whose rows lie in a part that grew too large to be published."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from sipedge.table import (
    CarrierRow,
    CredentialRow,
    DomainRow,
    EdgeTable,
    NumberRow,
    RouteRow,
    Row,
    Section,
    SiteRow,
    SourcesRow,
    TrunkRow,
)
from sipedge.table.publication import part_name, part_object
from trunkline.api import ObjectRef
from trunkline.status.conditions import Opinion
from trunkline.status.reasons import StatusReason


def oversized_opinions(
    tables: Mapping[str, EdgeTable], oversized: Mapping[str, int]
) -> Mapping[ObjectRef, tuple[Opinion, ...]]:
    """`Programmed=False` for every object with a row in one of the parts `oversized` (name to bytes)."""
    if not oversized:
        return {}
    opinions: dict[ObjectRef, tuple[Opinion, ...]] = {}
    for edge, table in tables.items():
        for section, rows in table.sections.items():
            for key, row in rows.items():
                part = part_object(edge, part_name(section, key.encode()))
                if part in oversized:
                    for ref in _owners(section, key, row):
                        opinions.setdefault(ref, (_opinion(part, oversized[part]),))
    return opinions


def _opinion(part: str, size: int) -> Opinion:
    message = (
        f"the table part {part} would have {size} bytes, more than a Secret may hold: its last content stays "
        "published; spread the objects over more names, or use ranges instead of single numbers"
    )
    return Opinion("Programmed", "False", StatusReason.TABLE_TOO_LARGE, message)


def _owners(section: Section, key: str, row: Row) -> Iterator[ObjectRef]:
    match row:
        case TrunkRow():
            yield _tenant("Trunk", row.id)
        case DomainRow():
            yield _tenant("Trunk", row.trunk)
        case NumberRow():
            yield _tenant("Number", row.owner)
        case CredentialRow():
            yield _tenant("CredentialList", key.rpartition("|")[0])
        case CarrierRow():
            yield ObjectRef("Carrier", None, row.id)
        case SourcesRow():
            yield from (ObjectRef("Carrier", None, each.carrier) for each in row.sources)
        case RouteRow():
            yield from (ObjectRef("Carrier", None, each.carrier) for each in row.gateways)
        case SiteRow():
            yield ObjectRef("Edge", None, row.edge)
        case _:
            # Accounts and caller ids are small and few; their rows name no single object.
            return


def _tenant(kind: str, id: str) -> ObjectRef:
    namespace, _, name = id.partition("/")
    return ObjectRef(kind, namespace, name)
