"""An edge's table put together from the Secrets in which it is published. Pure."""

from __future__ import annotations

import base64
from collections.abc import Iterable
from dataclasses import dataclass

from sipedge.table.publication import (
    DATA_KEY,
    SHARED,
    TABLE_LABEL,
    PackedRows,
    head_object,
    part_hash,
    part_object,
    rows_of,
    unpack_head,
)
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


def selector(edge: str) -> str:
    """The label selector of the Secrets that hold an edge's table."""
    return f"{TABLE_LABEL} in ({edge},{SHARED})"


def assemble(edge: str, secrets: Iterable[Manifest]) -> PublishedTable | None:
    """The table of `edge`; None if none is published. Raises TornError, or TableFormatError."""
    data = {each["metadata"]["name"]: _data(each) for each in secrets}
    if head_object(edge) not in data:
        return None
    head = unpack_head(data[head_object(edge)])
    parts = []
    for name, digest in head.parts.items():
        part = data.get(part_object(edge, name), b"")
        if part_hash(part) != digest:
            raise TornError(f"part {name} of revision {head.sequence} is not there yet")
        parts.append(part)
    return PublishedTable(edge, head.sequence, rows_of(parts))


def _data(secret: Manifest) -> bytes:
    return base64.b64decode((secret.get("data") or {}).get(DATA_KEY, ""))
