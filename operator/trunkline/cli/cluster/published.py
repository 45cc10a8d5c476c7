"""An edge's table put together from the Secrets in which it is published. Pure."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from sipedge.table.publication import (
    DATA_KEY,
    SHARED,
    TABLE_LABEL,
    Head,
    PackedRows,
    head_object,
    part_object,
    rows_of,
    unpack_head,
)
from sipedge.table.revision import ABSENT, part_of, torn_parts
from trunkline.cli.cluster.snapshot import Manifest, Snapshot


class TornError(Exception):
    """The parts are not those that the head names: a publication is under way."""


@dataclass(frozen=True, slots=True)
class PublishedTable:
    """One whole revision, each part checked against its hash."""

    edge: str
    sequence: int
    rows: PackedRows


@dataclass(frozen=True, slots=True)
class Unpublished:
    """There is no published table to read."""

    why: str
    snapshot: Snapshot
    """What may be read instead, to compile it."""


def selector(edge: str, groups: Iterable[str] = ()) -> str:
    """The label selector of the Secrets that hold an edge's table, whose head names these `groups`."""
    return f"{TABLE_LABEL} in ({','.join((edge, SHARED, *sorted(groups)))})"


def groups_of(edge: str, secrets: Iterable[Manifest]) -> frozenset[str]:
    """The groups of edges whose parts the table of `edge` has. Raises TableFormatError."""
    head = _head(edge, {each["metadata"]["name"]: each for each in secrets})
    return frozenset() if head is None else head.groups


def assemble(edge: str, secrets: Iterable[Manifest]) -> PublishedTable | None:
    """The table of `edge`; None if none is published. Raises TornError, or TableFormatError."""
    found = {each["metadata"]["name"]: each for each in secrets}
    head = _head(edge, found)
    if head is None:
        return None
    objects = {name: found.get(part_object(edge, name)) for name in head.parts}
    parts = {name: part_of(_data(each)) if each else ABSENT for name, each in objects.items()}
    if torn := torn_parts(head, parts):
        raise TornError(f"part {torn[0]} of revision {head.sequence} is not there yet")
    return PublishedTable(edge, head.sequence, rows_of(data for _, data in parts.values()))


def _head(edge: str, found: Mapping[str, Manifest]) -> Head | None:
    name = head_object(edge)
    return unpack_head(_data(found[name])) if name in found else None


def _data(secret: Manifest) -> bytes:
    return base64.b64decode((secret.get("data") or {}).get(DATA_KEY, ""))
