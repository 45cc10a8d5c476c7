"""One revision of an edge's table, as far as it has arrived: whole or torn.

A revision is whole when every part that its head names is there and has the hash that the head says. A torn
one is a publication half done, or a part cut short.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from sipedge.table.codec import TableFormatError
from sipedge.table.publication import Head, NewerSchemaError, part_hash, unpack_head, unpack_part

Part = tuple[bytes, bytes]
"""Hash and bytes."""
ABSENT: Final[Part] = (b"", b"")


@dataclass(frozen=True, slots=True)
class Staged:
    """Head and parts of one revision; unless it is torn, each part has the hash that the head says."""

    head: Head
    parts: Mapping[str, bytes]


class UnusableHeadError(ValueError):
    """A head that this edge cannot use; the text names it and the mend."""


def read_head(data: bytes, edge: str, place: str) -> Head:
    """The head of the table of `edge`, found at `place`. Raises UnusableHeadError."""
    try:
        head = unpack_head(data)
    except NewerSchemaError as error:
        raise UnusableHeadError(f"{place}: {error}") from error
    except TableFormatError as error:
        raise UnusableHeadError(f"{place}: {error}; the last table stays in use") from error
    if head.edge != edge:
        raise UnusableHeadError(
            f'{place} is the table of edge "{head.edge}", this is edge "{edge}": '
            "give this agent the table of its own edge"
        )
    return head


def part_of(data: bytes) -> Part:
    """The part with these bytes."""
    return part_hash(data), data


def torn_parts(head: Head, parts: Mapping[str, Part]) -> list[str]:
    """The names of the parts that are missing or not those of `head`, sorted."""
    return sorted(name for name, wanted in head.parts.items() if parts.get(name, ABSENT)[0] != wanted)


def assemble(head: Head, parts: Mapping[str, Part]) -> Staged | None:
    """The revision of `head`; None while it is torn."""
    if torn_parts(head, parts):
        return None
    return Staged(head, {name: parts[name][1] for name in head.parts})


def assemble_torn(head: Head, parts: Mapping[str, Part]) -> Staged:
    """What there is of a revision: parts that are none are left out."""
    there = {name: parts.get(name, ABSENT)[1] for name in head.parts}
    return Staged(head, {name: data for name, data in there.items() if _is_part(data)})


def torn_text(head: Head, place: str, torn: Sequence[str], parts: Mapping[str, Part]) -> str:
    """Why the revision of `head` is not taken; `place` is where the first of its torn parts is looked for."""
    more = f" and {len(torn) - 1} more" if len(torn) > 1 else ""
    there = parts.get(torn[0], ABSENT)[0]
    fault = "is not the one that the head names" if there else "cannot be read"
    return (
        f"revision {head.sequence} is not whole: part {place}{more} {fault}; "
        "the last table stays in use until the parts are published again"
    )


def _is_part(data: bytes) -> bool:
    try:
        unpack_part(data)
    except TableFormatError:
        return False
    return True
