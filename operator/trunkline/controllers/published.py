"""The Secrets in the edge namespace that hold tables, as the API server has them."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sipedge.table.codec import TableFormatError
from sipedge.table.publication import DATA_KEY, Head, part_hash, unpack_head


@dataclass(frozen=True, slots=True)
class Stored:
    """One Secret: its content by hash only, but a head whole."""

    version: str
    digest: bytes
    head: Head | None


class PublishedSecrets:
    """What is published now: the sink of the watch on table Secrets, and of the answers to own writes."""

    def __init__(self, changed: Callable[[], None]) -> None:
        self._changed = changed
        self._stored: dict[str, Stored] = {}
        self._versions: dict[str, int] = {}

    def replace(self, objects: Sequence[Mapping[str, Any]]) -> None:
        """These are all table Secrets now."""
        stored = {each["metadata"]["name"]: _stored(each) for each in objects}
        if stored != self._stored:
            self._stored = stored
            self._versions = {name: int(each.version) for name, each in stored.items()}
            self._changed()

    def change(self, found: Mapping[str, Any]) -> None:
        """A Secret is new or has changed; the echo of an own write says nothing new."""
        name, stored = found["metadata"]["name"], _stored(found)
        if int(stored.version) > self._versions.get(name, 0):
            self._versions[name] = int(stored.version)
            self._stored[name] = stored
            self._changed()

    def remove(self, found: Mapping[str, Any]) -> None:
        """A Secret is gone."""
        name, version = found["metadata"]["name"], int(found["metadata"]["resourceVersion"])
        if version > self._versions.get(name, 0):
            self._versions[name] = version
            if self._stored.pop(name, None) is not None:
                self._changed()

    def wrote(self, found: Mapping[str, Any]) -> None:
        """The answer to an own write."""
        name, stored = found["metadata"]["name"], _stored(found)
        if int(stored.version) >= self._versions.get(name, 0):
            self._versions[name] = int(stored.version)
            self._stored[name] = stored

    def get(self, name: str) -> Stored | None:
        return self._stored.get(name)

    def names(self) -> frozenset[str]:
        """The names of all table Secrets."""
        return frozenset(self._stored)

    def head(self, name: str) -> Head | None:
        """The head in a Secret; None if it is not there, or damaged."""
        stored = self._stored.get(name)
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
