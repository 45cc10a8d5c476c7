"""How a table travels: a head that names every part by its hash, and parts with fixed names.

A part holds the rows whose key falls into it; an absent part is an empty one. The head is written
after its parts, so a reader that holds parts matching a head holds one whole revision.
"""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

import msgpack

from sipedge.fault import describe_fault
from sipedge.table.codec import TableFormatError, pack_row
from sipedge.table.rows import SCHEMA, SECTIONS, EdgeTable, Section

TABLE_LABEL: Final = "trunkline.dev/table"
"""On the Secrets that carry tables in a cluster; its value is the edge's name, a group's, or SHARED."""
DATA_KEY: Final = "data"
"""The key of such a Secret that holds a head or a part."""
SHARED: Final = "shared"
"""The label's value for parts that all edges share; which part is which, their names tell."""

PARTS: Final[Mapping[Section, int]] = {
    section: spec.parts for section, spec in SECTIONS.items() if spec.parts
}
"""Into how many parts each published section is cut."""

HASH_BYTES: Final = 8

OWN_SECTIONS: Final = frozenset(section for section, spec in SECTIONS.items() if spec.own)
"""Sections that differ from edge to edge; the parts of all others are published once for all edges."""

PackedRows = Mapping[Section, Mapping[bytes, bytes]]


class NewerSchemaError(TableFormatError):
    """The head was written by a newer control plane than this edge understands."""


@dataclass(frozen=True, slots=True)
class Head:
    """What one revision consists of."""

    schema: int
    edge: str
    sequence: int
    """Rises by one with every publication of this edge's table."""
    parts: Mapping[str, bytes]
    """Part name to the 8-byte hash of its bytes; parts without rows are left out."""
    epoch: int = 0
    """Rises when a table is published after a loss: an edge then takes it, whatever sequence it has."""

    @property
    def groups(self) -> frozenset[str]:
        """The groups of edges that have parts in this revision."""
        return frozenset(filter(None, map(group_of_part, self.parts)))

    def pack(self) -> bytes:
        """The head's bytes, followed by their own hash: a flipped bit in a sequence must not pass for one."""
        fields: dict[str, object] = {
            "schema": self.schema,
            "edge": self.edge,
            "sequence": self.sequence,
            "parts": dict(self.parts),
        }
        if self.epoch:
            fields["epoch"] = self.epoch
        packed: bytes = msgpack.packb(fields)
        return packed + part_hash(packed)


def unpack_head(data: bytes) -> Head:
    """The head in `data`. Raises NewerSchemaError, or TableFormatError for bytes that are no head."""
    packed, own_hash = data[:-HASH_BYTES], data[-HASH_BYTES:]
    if part_hash(packed) != own_hash:
        raise TableFormatError("no head of a table: cut short or damaged")
    try:
        fields = msgpack.unpackb(packed)
        schema = int(fields["schema"])
        if schema > SCHEMA:
            raise NewerSchemaError(
                f"the table has schema {schema}, this edge understands up to {SCHEMA}: upgrade the edge"
            )
        parts = {str(name): bytes(digest) for name, digest in fields["parts"].items()}
        return Head(schema, str(fields["edge"]), int(fields["sequence"]), parts, int(fields.get("epoch", 0)))
    except NewerSchemaError:
        raise
    except (KeyError, TypeError, ValueError, AttributeError, msgpack.UnpackException) as error:
        raise TableFormatError(f"no head of a table: {describe_fault(error)}") from error


def part_hash(data: bytes) -> bytes:
    """The 8-byte hash by which a head names a part."""
    return hashlib.blake2b(data, digest_size=HASH_BYTES).digest()


def part_name(section: Section, key: bytes, group: str = "") -> str:
    """The part that a row belongs to: `number-c4`, or `group.1f2e3d4c.number-c4` of a group of edges.

    Stable for ever within a schema.
    """
    count = PARTS[section]
    name = f"{section.value.replace('_', '-')}-{zlib.crc32(key) % count:02x}"
    return f"{group}.{name}" if group else name


def group_name(edges: Iterable[str]) -> str:
    """The name of the group of these edges. No edge has a dot in its name."""
    return f"group.{hashlib.blake2b(' '.join(sorted(edges)).encode(), digest_size=4).hexdigest()}"


def group_of_part(part: str) -> str:
    """The group of edges that a part belongs to; "" if it is one edge's own, or all edges'."""
    return part.rpartition(".")[0]


def head_object(edge: str) -> str:
    """The name of the Secret that holds the head of an edge's table in a cluster."""
    return f"table-{edge}-head"


def part_object(edge: str, part: str) -> str:
    """The name of the Secret that holds a part, as `part_name` names it, for an edge in a cluster."""
    return f"table-{edge}-{part}" if is_own_part(part) else f"table-{part}"


def is_own_part(part: str) -> bool:
    """True if each edge has a part of this name of its own; False if all edges share it."""
    section = part.rpartition("-")[0].replace("-", "_")
    return any(section == own.value for own in OWN_SECTIONS)


def pack_parts(table: EdgeTable) -> dict[str, bytes]:
    """Every non-empty part of `table`, by name, without groups; equal tables give equal bytes."""
    parts: dict[str, dict[str, dict[bytes, bytes]]] = {}
    for section in PARTS:
        for key, row in table.sections.get(section, {}).items():
            raw = key.encode()
            parts.setdefault(part_name(section, raw), {}).setdefault(section.value, {})[raw] = pack_row(row)
    return {name: pack_part(sections) for name, sections in sorted(parts.items())}


def pack_part(sections: Mapping[str, Mapping[bytes, bytes]]) -> bytes:
    """The bytes of one part, from section name and key to packed row; equal rows give equal bytes."""
    ordered = [(section, sorted(rows.items())) for section, rows in sorted(sections.items())]
    return zlib.compress(msgpack.packb(ordered), level=6)


def unpack_part(data: bytes) -> PackedRows:
    """The packed rows of a part. Raises TableFormatError for bytes that are no part."""
    try:
        sections = msgpack.unpackb(zlib.decompress(data), use_list=False)
        rows = {Section(section): dict(rows) for section, rows in sections}
        if not rows.keys() <= PARTS.keys():
            raise ValueError("a section that is never published")
        return rows
    except (TypeError, ValueError, zlib.error, msgpack.UnpackException) as error:
        raise TableFormatError(f"no part of a table: {describe_fault(error)}") from error


def rows_of(parts: Iterable[bytes]) -> PackedRows:
    """The packed rows of several parts together. Raises TableFormatError for bytes that are no part."""
    rows: dict[Section, dict[bytes, bytes]] = {}
    for data in parts:
        for section, packed in unpack_part(data).items():
            rows.setdefault(section, {}).update(packed)
    return rows


def head_of(edge: str, sequence: int, parts: Mapping[str, bytes]) -> Head:
    """The head that names `parts`, in the newest schema."""
    return Head(SCHEMA, edge, sequence, {name: part_hash(data) for name, data in sorted(parts.items())})
