"""A status as it is stored, without its words: a digest of each field, and what a next one follows from.

Most objects of an installation are at rest. Of each a few dozen bytes are kept, not the status itself.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

from trunkline.status.conditions import Condition, condition_from
from trunkline.status.report import Status

_DIGEST_BYTES: Final = 8
_ABSENT: Final = b""
_JSON: Final = json.JSONEncoder(sort_keys=True, separators=(",", ":"), default=str)
_REMEMBERED: Final = 4096


@dataclass(frozen=True, slots=True)
class StoredStatus:
    """What is kept of a status. Equal to another one if both say the same in every field."""

    fields: tuple[str, ...] = ()
    """The names of its fields, sorted."""
    digests: bytes = b""
    """Of each field its digest, in that order."""
    conditions: tuple[Condition, ...] = ()
    """Without messages, but for `Programmed=True`, which stays as it is for its generation. Empty if the
    status cannot be read, as with the default that the CRD gives."""

    @property
    def status(self) -> Status | None:
        """What a next status follows from; None if there is nothing."""
        return Status(self.conditions[0].observed_generation, self.conditions) if self.conditions else None

    def condition(self, kind: str) -> Condition | None:
        """The condition of a type, or None."""
        return next((each for each in self.conditions if each.type == kind), None)

    def digest(self, name: str) -> bytes:
        """The digest of a field; empty if it is absent."""
        if name not in self.fields:
            return _ABSENT
        start = self.fields.index(name) * _DIGEST_BYTES
        return self.digests[start : start + _DIGEST_BYTES]


def stored_status(fields: Mapping[str, Any]) -> StoredStatus:
    """What is kept of a status that an API server or a file has. Total. A field that is null is absent."""
    present = {name: value for name, value in sorted(fields.items()) if value is not None}
    digests = b"".join(map(digest_of, present.values()))
    return StoredStatus(_shared(tuple(present)), digests, _conditions(present))


def digest_of(value: Any) -> bytes:
    """The digest of a field's value; the same for equal JSON. Empty for None."""
    if value is None:
        return _ABSENT
    return hashlib.blake2b(
        _JSON.encode(value).encode("utf-8", "surrogatepass"), digest_size=_DIGEST_BYTES
    ).digest()


def difference(
    stored: StoredStatus, wanted: Mapping[str, Any], odd: Mapping[str, tuple[bytes, bytes]]
) -> dict[str, Any]:
    """The merge patch (RFC 7396) from a stored status to another: fields that are gone become null.

    `odd` has by field what was written once and what became of it: to write that again would not help.
    """
    patch = {}
    for name, value in {**dict.fromkeys(stored.fields), **wanted}.items():
        wished, present = digest_of(value), stored.digest(name)
        if wished != present and odd.get(name) != (wished, present):
            patch[name] = value
    return patch


def says_the_same(status: Status, stored: StoredStatus) -> bool:
    """True if nothing but messages differs."""

    def words(conditions: Iterable[Any]) -> list[tuple[Any, ...]]:
        return [
            (each.type, each.status, each.reason, each.observed_generation, each.last_transition_time)
            for each in conditions
        ]

    return words(status.conditions) == words(stored.conditions)


def _conditions(fields: Mapping[str, Any]) -> tuple[Condition, ...]:
    try:
        return _shared_conditions(tuple(map(_without_words, _read(fields["conditions"]))))
    except (KeyError, TypeError, ValueError, AttributeError):
        return ()


def _read(conditions: Any) -> Iterator[Condition]:
    for each in conditions:
        yield condition_from(each)


def _without_words(condition: Condition) -> Condition:
    lasts = condition.type == "Programmed" and condition.status == "True"
    return _shared_condition(
        condition.type,
        condition.status,
        condition.reason,
        condition.message if lasts else "",
        condition.observed_generation,
        condition.last_transition_time,
    )


# Thousands of objects that were made together say the same: they share it.
_shared_condition = lru_cache(_REMEMBERED)(Condition)


@lru_cache(_REMEMBERED)
def _shared_conditions(conditions: tuple[Condition, ...]) -> tuple[Condition, ...]:
    return conditions


@lru_cache(_REMEMBERED)
def _shared(names: tuple[str, ...]) -> tuple[str, ...]:
    return names
