"""The Secrets in the edge namespace that hold tables, as the API server has them."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from sipedge.table.codec import TableFormatError
from sipedge.table.publication import DATA_KEY, Head, part_hash, unpack_head
from trunkline.kube.mirror import Mirror, by_name


@dataclass(frozen=True, slots=True)
class Stored:
    """One Secret: its content by hash only, but a head whole."""

    version: str
    digest: bytes
    head: Head | None


class PublishedSecrets(Mirror[str, Stored]):
    """What is published now, by the watch on table Secrets and the answers to own writes."""

    def __init__(self, changed: Callable[[], None]) -> None:
        super().__init__(by_name, _stored, changed)

    def get(self, name: str) -> Stored | None:
        return self.known.get(name)

    def names(self) -> frozenset[str]:
        """The names of all table Secrets."""
        return frozenset(self.known)

    def head(self, name: str) -> Head | None:
        """The head in a Secret; None if it is not there, or damaged."""
        stored = self.known.get(name)
        return stored.head if stored else None


def _stored(manifest: Mapping[str, Any]) -> Stored:
    data = _data(manifest)
    name = manifest["metadata"]["name"]
    head = None
    if name.endswith("-head"):
        try:
            head = unpack_head(data)
        except TableFormatError:
            # Written over below, with a sequence above what the edge acknowledged.
            head = None
    return Stored(manifest["metadata"]["resourceVersion"], part_hash(data), head)


def _data(manifest: Mapping[str, Any]) -> bytes:
    try:
        return base64.b64decode((manifest.get("data") or {}).get(DATA_KEY, ""), validate=True)
    except (binascii.Error, ValueError):
        return b""
