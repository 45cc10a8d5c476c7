"""What an API server refuses of an object's metadata before any schema of ours is asked.

Only what people write is held to this: an object that a server has stored was judged by that server, whose
rules are its own and may grow.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Final

from pydantic_core import PydanticCustomError

from trunkline.api import patterns
from trunkline.api.faults import FieldError, FieldReason, kind_of, shown, sort_of
from trunkline.api.fields import FAULTS
from trunkline.api.meta import in_utc
from trunkline.api.translation import joined, no_text_key, path_of, unknown_field

ANNOTATIONS_BYTES: Final = 256 * 1024
"""Names and values of all annotations of an object."""
_NAME_LENGTH: Final = 63
_PREFIX_LENGTH: Final = 253

_NAME_PART: Final = re.compile(r"([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]", re.ASCII)
_DOMAIN: Final = re.compile(patterns.DOMAIN, re.ASCII)
_NAME_MEND: Final = (
    "write up to 63 letters, digits, -, _ and ., beginning and ending with a letter or digit; "
    "a domain and / may come first"
)
_VALUE_MEND: Final = (
    "write up to 63 letters, digits, -, _ and ., beginning and ending with a letter or digit, or nothing"
)

Faults = Iterator[FieldError]
Judge = Callable[[str, object], Faults]
"""From a field's path and value, which is not null, to its faults. May raise _ShapeError."""


def metadata_faults(metadata: Mapping[object, object]) -> Faults:
    """The faults of every field of `metadata` but those that the kinds' own models judge (`ObjectMeta`).

    Paths begin with `metadata`. No value of an annotation is shown.
    """
    for name, value in metadata.items():
        if not isinstance(name, str):
            yield no_text_key("metadata", name)
            continue
        path = joined("metadata", path_of([name]))
        if name not in _FIELDS:
            yield unknown_field(path, name, tuple(_FIELDS))
        elif value is not None:
            try:
                yield from _FIELDS[name](path, value)
            except _ShapeError as error:
                yield error.fault


class _ShapeError(Exception):
    """What should hold others is no such thing, so nothing can be said of its members."""

    def __init__(self, fault: FieldError) -> None:
        super().__init__()
        self.fault = fault


def _entries(path: str, value: object) -> Iterator[tuple[str, str, object]]:
    """Path, name and value of each entry of a mapping. Raises _ShapeError."""
    if not isinstance(value, Mapping):
        message = f"must be a mapping, not {sort_of(value)} (write name: value lines below it)"
        raise _ShapeError(FieldError(path, FieldReason.InvalidType, message))
    for name, member in value.items():
        if not isinstance(name, str):
            raise _ShapeError(no_text_key(path, name))
        yield joined(path, path_of([name])), name, member


def _members(path: str, value: object) -> Iterator[tuple[str, object]]:
    """Path and value of each member of a list. Raises _ShapeError."""
    if not isinstance(value, list | tuple):
        message = f"must be a list, not {sort_of(value)} (begin each member with -)"
        raise _ShapeError(FieldError(path, FieldReason.InvalidType, message))
    for position, member in enumerate(value):
        yield f"{path}[{position}]", member


def _judged_elsewhere(path: str, value: object) -> Faults:
    return iter(())


def _text(path: str, value: object) -> Faults:
    if not isinstance(value, str):
        yield _no_text(path, value)


def _no_text(path: str, value: object) -> FieldError:
    read = isinstance(value, int | float)
    told = f"; YAML reads {shown(value)} as {sort_of(value)}" if read else f", not {sort_of(value)}"
    return FieldError(path, FieldReason.InvalidType, f"must be text{told} (write it in quotes)")


def _time(path: str, value: object) -> Faults:
    try:
        in_utc(value)
    except PydanticCustomError as error:
        for fault in (error.context or {})[FAULTS]:
            yield replace(fault, path=path)


def _whole(path: str, value: object) -> Faults:
    if not isinstance(value, int) or isinstance(value, bool):
        message = f"must be a whole number, not {kind_of(value)} (leave it out)"
        yield FieldError(path, FieldReason.InvalidType, message)


def _truth(path: str, value: object) -> Faults:
    if not isinstance(value, bool):
        message = f"must be true or false, not {kind_of(value)} (write true or false without quotes)"
        yield FieldError(path, FieldReason.InvalidType, message)


def _prefix_of_name(path: str, value: object) -> Faults:
    if not isinstance(value, str):
        yield _no_text(path, value)
    elif value and not _DOMAIN.fullmatch(value.removesuffix("-") or "-"):
        message = f"{shown(value)} cannot begin an object name (use lower-case letters, digits, - and .)"
        yield FieldError(path, FieldReason.InvalidValue, message)


def _labels(path: str, value: object) -> Faults:
    for place, name, member in _entries(path, value):
        yield from _qualified_name(place, name)
        if member is None:
            continue  # taken, as an empty text
        if not isinstance(member, str):
            yield _no_text(place, member)
        elif member and (len(member) > _NAME_LENGTH or not _NAME_PART.fullmatch(member)):
            message = f"{shown(member)} is not a valid label value ({_VALUE_MEND})"
            yield FieldError(place, FieldReason.InvalidValue, message)


def _annotations(path: str, value: object) -> Faults:
    size = 0
    for place, name, member in _entries(path, value):
        yield from _qualified_name(place, name.lower())
        if isinstance(member, str | None):
            size += _bytes_of(name) + _bytes_of(member or "")
        else:
            message = f"must be text, not {sort_of(member)} (write it in quotes)"
            yield FieldError(place, FieldReason.InvalidType, message)
    if size > ANNOTATIONS_BYTES:
        message = f"hold {size} bytes (at most {ANNOTATIONS_BYTES} are allowed)"
        yield FieldError(path, FieldReason.TooLong, message)


def _bytes_of(text: str) -> int:
    return len(text.encode("utf-8", "surrogatepass"))


def _qualified_name(path: str, name: str) -> Faults:
    """`name` or `domain/name`, as names of labels, annotations and finalizers are written."""
    prefix, slash, plain = name.rpartition("/")
    well = len(plain) <= _NAME_LENGTH and _NAME_PART.fullmatch(plain) is not None
    if slash:
        well = well and len(prefix) <= _PREFIX_LENGTH and _DOMAIN.fullmatch(prefix) is not None
    if not well:
        yield FieldError(path, FieldReason.InvalidValue, f"{shown(name)} is not a valid name ({_NAME_MEND})")


def _finalizers(path: str, value: object) -> Faults:
    for place, member in _members(path, value):
        if isinstance(member, str):
            yield from _qualified_name(place, member)
        else:
            yield _no_text(place, member)


def _mapping(path: str, value: object) -> Faults:
    for _ in _entries(path, value):
        pass
    return iter(())


def _records(fields: Mapping[str, Judge], needed: tuple[str, ...] = ()) -> Judge:
    """Judges a list of mappings with these fields, of which the `needed` ones are no empty text."""

    def judge(path: str, value: object) -> Faults:
        for place, member in _members(path, value):
            given = {}
            for within, name, part in _entries(place, member):
                given[name] = part
                if name not in fields:
                    yield unknown_field(within, name, tuple(fields))
                elif part is not None:
                    yield from fields[name](within, part)
            for name in needed:
                if given.get(name) in (None, ""):
                    message = "is required but missing (add it)"
                    yield FieldError(joined(place, name), FieldReason.Required, message)

    return judge


_OWNER_NEEDS: Final = ("apiVersion", "kind", "name", "uid")
_OWNER: Final[Mapping[str, Judge]] = {
    **dict.fromkeys(_OWNER_NEEDS, _text),
    "controller": _truth,
    "blockOwnerDeletion": _truth,
}
_MANAGED: Final[Mapping[str, Judge]] = {
    **dict.fromkeys(("manager", "operation", "apiVersion", "fieldsType", "subresource"), _text),
    "time": _time,
    "fieldsV1": _mapping,
}
_FIELDS: Final[Mapping[str, Judge]] = {
    "name": _judged_elsewhere,
    "generateName": _prefix_of_name,
    "namespace": _judged_elsewhere,
    "labels": _labels,
    "annotations": _annotations,
    "finalizers": _finalizers,
    "ownerReferences": _records(_OWNER, _OWNER_NEEDS),
    "uid": _judged_elsewhere,
    "resourceVersion": _text,
    "generation": _judged_elsewhere,
    "creationTimestamp": _judged_elsewhere,
    "deletionTimestamp": _time,
    "deletionGracePeriodSeconds": _whole,
    "selfLink": _text,
    "managedFields": _records(_MANAGED),
}
"""The fields of ObjectMeta (meta/v1) that a manifest can have."""
