"""What should be published at some moment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from trunkline.api import ObjectRef
from trunkline.publication.packer import PartKey
from trunkline.status.conditions import Opinion
from trunkline.status.reasons import StatusReason


@dataclass(frozen=True, slots=True)
class Revision:
    """What should be published: every part by its hash, and for each edge the parts that its head names."""

    parts: Mapping[PartKey, bytes] = field(default_factory=dict)
    heads: Mapping[str, Mapping[str, PartKey]] = field(default_factory=dict)
    """Edge to part name to part. Edges whose newest table cannot be made are not here."""
    too_large: Mapping[PartKey, int] = field(default_factory=dict)
    """Parts that must not be written, and their bytes: what is published of them stays."""


def too_large(revision: Revision) -> Mapping[ObjectRef, tuple[Opinion, ...]]:
    """`Programmed=False` on each Edge of whose table a part cannot be written, whatever is left out of it."""
    said: dict[ObjectRef, tuple[Opinion, ...]] = {}
    for edge, parts in revision.heads.items():
        for name, part in parts.items():
            if (size := revision.too_large.get(part)) is not None:
                message = (
                    f"the table part {name} would have {size} bytes, more than a Secret may hold: its last "
                    "content stays published; have fewer carriers, or fewer prefixes and addresses"
                )
                opinion = Opinion("Programmed", "False", StatusReason.TABLE_TOO_LARGE, message)
                said[ObjectRef("Edge", None, edge)] = (opinion,)
    return said
